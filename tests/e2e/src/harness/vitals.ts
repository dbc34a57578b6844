/** What a server process takes, as its operating system and its own counts say. Linux only. */

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { residentBytes } from "../bad-input/resident.js";
import { eventually } from "./eventually.js";

/** What there is of everything that could be left behind. */
export interface Counts {
  /** Open files and sockets. */
  readonly files: number;
  /** What the process counts itself. */
  readonly [what: string]: number;
}

/** How much more memory than at first a process may have after a load, in bytes. */
export const LEFT_OVER = 64 * 1024 * 1024;

/** So long HTTP clients keep connections that are idle, in milliseconds. */
const IDLE = 4_500;
/** Long enough for that, and for a busy machine. */
const REST = { within: 60_000, every: 100 } as const;

/** A process as it was at rest. */
export class Vitals {
  readonly resident: number;
  readonly counts: Counts;
  readonly #pid: number;
  readonly #own: () => Promise<Readonly<Record<string, number>>>;

  private constructor(
    pid: number,
    own: () => Promise<Readonly<Record<string, number>>>,
    resident: number,
    counts: Counts,
  ) {
    this.#pid = pid;
    this.#own = own;
    this.resident = resident;
    this.counts = counts;
  }

  /** Looks at a process once its counts stay the same for as long as HTTP clients keep idle connections. */
  static async atRest(pid: number, own: () => Promise<Readonly<Record<string, number>>>): Promise<Vitals> {
    let last = await count(pid, own);
    let since = performance.now();
    await eventually(async () => {
      const next = await count(pid, own);
      if (!isSame(last, next)) since = performance.now();
      last = next;
      assert.ok(performance.now() - since > IDLE, "its counts change");
    }, REST);
    return new Vitals(pid, own, await residentBytes(pid), last);
  }

  /** How much more is in memory than at rest, in bytes. */
  async grown(): Promise<number> {
    return (await residentBytes(this.#pid)) - this.resident;
  }

  /** Waits until everything is as it was: the counts exactly, the memory but for {@link LEFT_OVER}. */
  async areBack(): Promise<number> {
    await eventually(async () => assert.deepEqual(await count(this.#pid, this.#own), this.counts), REST);
    await eventually(
      async () => {
        await this.#own();
        const megabytes = Math.round((await this.grown()) / 2 ** 20);
        assert.ok(megabytes * 2 ** 20 <= LEFT_OVER, `${megabytes} MB more than at rest`);
      },
      { within: 120_000, every: 500 },
    );
    return await this.grown();
  }
}

async function count(pid: number, own: () => Promise<Readonly<Record<string, number>>>): Promise<Counts> {
  const counts = await own();
  const files = await readdir(`/proc/${pid}/fd`);
  return { ...counts, files: files.length };
}

function isSame(a: Counts, b: Counts): boolean {
  return Object.keys(a).every((what) => a[what] === b[what]);
}
