const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 30_000;

/**
 * How long to wait before the next connection attempt: 250 ms doubling to 30 s, of which a random half is
 * taken off so that the clients of a restarted server do not return all at once. It never gives up.
 */
export class ReconnectPolicy {
  readonly #random: () => number;
  #failures = 0;

  /** @param random a number in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The delay in milliseconds before the next attempt. Counts a failure. */
  nextDelay(): number {
    const ceiling = Math.min(FIRST_DELAY_MS * 2 ** this.#failures, MAX_DELAY_MS);
    this.#failures++;
    return ceiling * (0.5 + this.#random() / 2);
  }

  /** Starts over: the connection proved stable. */
  reset(): void {
    this.#failures = 0;
  }
}
