/** What else goes on on the machine: latencies say as much of that as of the server. Linux only. */

import { open, readFile, unlink } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { Sample } from "./sample.js";

/** The figures of {@link Sample} that are not the server's. */
export type Around = Pick<Sample, "others" | "sync">;

/** How often the disk is tried for each sample. */
const SYNCS = 5;

/** Watches the machine beside the server and this process. */
export class Machine {
  readonly #file: string;
  #before: Times | undefined;

  /** Tries the disk with a file beside `dataDir`. */
  constructor(dataDir: string) {
    this.#file = `${dataDir}.sync`;
  }

  /** What went on since the last look. `server` is the processor time of the server so far, in milliseconds. */
  async look(server: number): Promise<Around> {
    const now = await times(server);
    const before = this.#before ?? now;
    this.#before = now;
    const all = (now.at - before.at) * availableParallelism();
    const others = now.others - before.others;
    return { others: all > 0 ? Math.min(1, Math.max(0, others / all)) : 0, sync: await this.#sync() };
  }

  /** The median time that the disk takes to keep a few bytes, in milliseconds. */
  async #sync(): Promise<number> {
    const file = await open(this.#file, "w");
    try {
      const took: number[] = [];
      for (let number = 0; number < SYNCS; number++) {
        const begin = performance.now();
        await file.write("a few bytes");
        await file.datasync();
        took.push(performance.now() - begin);
      }
      return took.sort((a, b) => a - b)[Math.floor(SYNCS / 2)] ?? Number.NaN;
    } finally {
      await file.close();
      await unlink(this.#file);
    }
  }
}

/** Milliseconds since some moment: of the clock, and of processors that others have used or taken away. */
interface Times {
  readonly at: number;
  readonly others: number;
}

async function times(server: number): Promise<Times> {
  const line = (await readFile("/proc/stat", "utf8")).split("\n")[0] ?? "";
  // In hundredths of a second: user, nice, system, idle, waiting, two kinds of interrupts, stolen by other machines.
  const [user, nice, system, , , hard, soft, stolen] = line.split(/\s+/).slice(1).map(Number);
  const busy =
    [user, nice, system, hard, soft, stolen].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0) * 10;
  const { user: own, system: ownSystem } = process.cpuUsage();
  return { at: performance.now(), others: busy - server - (own + ownSystem) / 1_000 };
}
