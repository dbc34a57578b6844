// What the client loads before its first call, so that no test has to wait for files.
import "../../dist/repeats/index.js";
import "../../dist/stateless/index.js";

/** Timers that fire when a test says so, in order of their due time. */
export class FakeClock {
  #now = 0;
  #nextId = 1;
  readonly #timers = new Map<number, { at: number; callback: () => void }>();
  /** The delays asked for, in order. */
  readonly delays: number[] = [];

  readonly setTimeout = (callback: () => void, milliseconds: number): unknown => {
    const id = this.#nextId++;
    this.#timers.set(id, { at: this.#now + milliseconds, callback });
    this.delays.push(milliseconds);
    return id;
  };

  readonly clearTimeout = (id: unknown): void => {
    this.#timers.delete(id as number);
  };

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** The time until the next timer fires. */
  get next(): number | undefined {
    const due = [...this.#timers.values()].map((timer) => timer.at - this.#now);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** Lets time pass, firing what comes due, and lets promises settle in between. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    for (;;) {
      const due = [...this.#timers]
        .filter(([, timer]) => timer.at <= end)
        .sort((a, b) => a[1].at - b[1].at || a[0] - b[0]);
      const first = due[0];
      if (first === undefined) break;
      this.#timers.delete(first[0]);
      this.#now = first[1].at;
      first[1].callback();
      await settle();
    }
    this.#now = end;
  }
}

/** Runs everything that promises have queued. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
