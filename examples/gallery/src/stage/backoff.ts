/** How long to wait before an example that ended is started again. */

const DELAYS = [250, 1_000, 4_000, 15_000] as const;

/** An example that was up for so long, in milliseconds, was well: its next failure counts as the first. */
const WELL = 10_000;

/** Counts failures in a row. */
export class Backoff {
  #failures = 0;

  /** Another failure. Returns for how many milliseconds to wait. `upFor`: how long it had been up. */
  next(upFor: number): number {
    if (upFor >= WELL) this.#failures = 0;
    const delay = DELAYS[Math.min(this.#failures, DELAYS.length - 1)] ?? 0;
    this.#failures += 1;
    return delay;
  }
}
