/** What a server process takes at one moment. Linux only. */

import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { residentBytes } from "../bad-input/resident.js";
import type { Latency } from "./load.js";

/** One look at the server. */
export interface Sample {
  /** Seconds since the soak began. */
  readonly at: number;
  /** Memory in RAM, in bytes. */
  readonly resident: number;
  /** What the store says of its tables in memory, in bytes. They have a bound. */
  readonly tables: number;
  /** What it says of its cache, which has a bound, too. */
  readonly cache: number;
  /** What native code has allocated and not freed, the store's included. Absent where nobody knows. */
  readonly native?: number;
  /** What JavaScript uses after a collection, in bytes. */
  readonly heap: number;
  /** Memory outside of its heap that JavaScript holds on to: buffers, mostly. */
  readonly external: number;
  /** Timers that keep JavaScript from ending. Absent where the runtime does not tell. */
  readonly timers?: number;
  /** Actors that are awake. */
  readonly awake: number;
  /** Connections that actors know of. */
  readonly connections: number;
  /** Calls that wait for an answer. */
  readonly calls: number;
  /** Open files that are neither sockets nor the store's. */
  readonly files: number;
  /** Open files in the data directory that are still there. */
  readonly storeFiles: number;
  /** Open files that were removed from the data directory. */
  readonly removedFiles: number;
  /** Open sockets. Clients keep idle ones for a while, and more of them the longer answers take. */
  readonly sockets: number;
  readonly threads: number;
  /** Bytes that its data directory takes on the disk. */
  readonly data: number;
  /** Processor time since the process began, in milliseconds, in steps of 10. */
  readonly cpu: number;
  /** Operations since the soak began. */
  readonly operations: number;
  /** Of the operations since the last sample, by part. */
  readonly latency: Readonly<Record<string, Latency>>;
  /** The share of the machine's processors that others have used since the last sample: neither the server nor the soak. */
  readonly others: number;
  /** How long a sync of the disk took beside the server, in milliseconds. */
  readonly sync: number;
}

/** What the operating system says of the process. */
export type Seen = Pick<
  Sample,
  "resident" | "files" | "storeFiles" | "removedFiles" | "sockets" | "threads" | "data" | "cpu"
>;

/** Looks at the process. */
export async function look(pid: number, dataDir: string): Promise<Seen> {
  const fields = await statOf(pid);
  return {
    resident: await residentBytes(pid),
    ...(await openBy(pid, dataDir)),
    threads: field(fields, THREADS),
    data: await sizeOf(dataDir),
    cpu: (field(fields, USER_TIME) + field(fields, SYSTEM_TIME)) * 10,
  };
}

/** Positions in `/proc/<pid>/stat` behind the name; times are in hundredths of a second. */
const USER_TIME = 11;
const SYSTEM_TIME = 12;
const THREADS = 17;

async function statOf(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function field(fields: readonly string[], position: number): number {
  const value = Number(fields[position]);
  if (!Number.isInteger(value)) throw new Error(`no number at position ${position} of /proc/<pid>/stat`);
  return value;
}

/** How many files and sockets a process has open. Some may be closed meanwhile. */
async function openBy(
  pid: number,
  dataDir: string,
): Promise<Pick<Sample, "files" | "storeFiles" | "removedFiles" | "sockets">> {
  const folder = `/proc/${pid}/fd`;
  const links = (await readdir(folder)).map((name) => readlink(join(folder, name)).catch(() => ""));
  const open = { files: 0, storeFiles: 0, removedFiles: 0, sockets: 0 };
  for (const target of await Promise.all(links)) {
    if (target.startsWith("socket:")) open.sockets++;
    else if (target.startsWith(dataDir))
      open[target.endsWith(" (deleted)") ? "removedFiles" : "storeFiles"]++;
    else if (target !== "") open.files++;
  }
  return open;
}

/** The size of a block in what the system says of a file, in bytes. */
const BLOCK = 512;

/**
 * The bytes on the disk of all files below a folder. They may be less than the files are long: the store begins a log
 * with 64 MiB in which nothing is. Files may go meanwhile.
 */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ blocks }) => blocks * BLOCK,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
