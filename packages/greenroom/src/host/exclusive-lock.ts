/**
 * Lets the exclusive calls of an actor run one after the other, in the order in which they arrived. How many may wait
 * is bounded by the core, which limits the calls in progress of an actor.
 */
export class ExclusiveLock {
  #holder: number | undefined;
  #isPassingOn = false;
  readonly #waiting = new Map<number, () => void>();

  /** The call that runs. */
  get holder(): number | undefined {
    return this.#holder;
  }

  /** Whether `call` may run at once. */
  take(call: number): boolean {
    if (this.#holder !== undefined || this.#waiting.size > 0) return false;
    this.#holder = call;
    return true;
  }

  /** Runs `run` once all calls that came before are over. It must not throw. */
  wait(call: number, run: () => void): void {
    this.#waiting.set(call, run);
  }

  /** A call does not want to run any more. */
  leave(call: number): void {
    this.#waiting.delete(call);
  }

  /** Lets the next call run, if `call` is the one that ran. */
  release(call: number): void {
    if (this.#holder !== call) return;
    this.#holder = undefined;
    // The next one may be over at once: a loop, because thousands may wait.
    if (this.#isPassingOn) return;
    this.#isPassingOn = true;
    while (this.#holder === undefined) {
      const next = this.#waiting.entries().next();
      if (next.done === true) break;
      const [first, run] = next.value;
      this.#waiting.delete(first);
      this.#holder = first;
      run();
    }
    this.#isPassingOn = false;
  }

  /** Forgets everything. */
  drop(): void {
    this.#waiting.clear();
    this.#holder = undefined;
  }
}
