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
  /** What JavaScript uses after a collection, in bytes. */
  readonly heap: number;
  /** Open files that are no sockets; the store's tables are among them. */
  readonly files: number;
  /** Open sockets. Clients keep idle ones for a while, and more of them the longer answers take. */
  readonly sockets: number;
  readonly threads: number;
  /** Bytes in its data directory. */
  readonly data: number;
  /** Processor time since the process began, in milliseconds, in steps of 10. */
  readonly cpu: number;
  /** Operations since the soak began. */
  readonly operations: number;
  /** Of the operations since the last sample, by part. */
  readonly latency: Readonly<Record<string, Latency>>;
}

/** What the operating system says of the process. */
export async function look(
  pid: number,
  dataDir: string,
): Promise<Pick<Sample, "resident" | "files" | "sockets" | "threads" | "data" | "cpu">> {
  const fields = await statOf(pid);
  return {
    resident: await residentBytes(pid),
    ...(await openBy(pid)),
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
async function openBy(pid: number): Promise<Pick<Sample, "files" | "sockets">> {
  const folder = `/proc/${pid}/fd`;
  const links = (await readdir(folder)).map((name) => readlink(join(folder, name)).catch(() => ""));
  const open = (await Promise.all(links)).filter((target) => target !== "");
  const sockets = open.filter((target) => target.startsWith("socket:")).length;
  return { files: open.length - sockets, sockets };
}

/** The bytes of all files below a folder. Files may go meanwhile. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
