/** What somebody waits for in an instance: each thing ends by itself, in time, by its signal, or with all others. */
import { aborted, asError } from "./failure.js";
import type { Instance } from "./instance.js";
import type { Patience } from "./queue-options.js";

/** Begins to wait, and gives what ends the waiting: it is called once, whatever the reason. */
export type Begin<T> = (resolve: (value: T) => void, reject: (error: Error) => void) => () => void;

/** See the top of the file. */
export class Waits {
  readonly #instance: Instance;
  readonly #ends = new Set<(error: Error) => void>();
  /** Why nothing is waited for any more. */
  #aborted: Error | undefined;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /**
   * What `begin` resolves with, or `late` when the time is up.
   *
   * @throws (as a rejection) HostError `actor.aborted`, and what `begin` throws or rejects with.
   */
  until<T>({ timeout, signal }: Patience, late: T, begin: Begin<T>): Promise<T> {
    const { host, life } = this.#instance;
    if (signal?.aborted) return Promise.reject(aborted("the waiting was ended"));
    if (this.#aborted !== undefined) return Promise.reject(this.#aborted);
    if (life.isStopping) return Promise.reject(aborted("the actor stops"));
    return new Promise<T>((resolve, reject) => {
      let timer: unknown;
      let isOver = false;
      let stop = (): void => {};
      const over = (): void => {
        isOver = true;
        host.clock.clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#ends.delete(fail);
        stop();
      };
      const settle = (value: T): void => {
        over();
        resolve(value);
      };
      const fail = (error: Error): void => {
        over();
        reject(error);
      };
      const onAbort = (): void => fail(aborted("the waiting was ended"));
      this.#ends.add(fail);
      try {
        stop = begin(settle, fail);
      } catch (error) {
        fail(asError(error));
      }
      if (isOver) {
        // It was there before anybody could wait.
        stop();
        return;
      }
      signal?.addEventListener("abort", onAbort);
      if (timeout !== undefined) timer = host.clock.setTimeout(() => settle(late), timeout);
    });
  }

  /** Ends all waiting, and all to come. */
  abort(error: Error): void {
    this.#aborted ??= error;
    for (const end of [...this.#ends]) end(error);
  }
}
