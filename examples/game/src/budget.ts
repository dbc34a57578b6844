/** How many inputs a client may send: a bucket of them, which fills up again evenly. */
export class Budget {
  readonly #size: number;
  readonly #perSecond: number;
  #left: number;
  #at = performance.now();

  constructor(size: number, perSecond: number) {
    this.#size = size;
    this.#perSecond = perSecond;
    this.#left = size;
  }

  /** Takes one, if there is one. */
  take(): boolean {
    const now = performance.now();
    this.#left = Math.min(this.#size, this.#left + ((now - this.#at) / 1_000) * this.#perSecond);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
