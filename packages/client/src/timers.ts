import type { ClientRuntime } from "./config.js";
import { ActorError } from "./errors.js";

/** Waits, and rejects with `actor.aborted` as soon as `signal` is aborted. */
export type Sleep = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

/** A {@link Sleep} on the timers of `runtime`. */
export function makeSleep(runtime: ClientRuntime): Sleep {
  return (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(abortedError(signal));
        return;
      }
      const timer = runtime.setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, milliseconds);
      const onAbort = (): void => {
        runtime.clearTimeout(timer);
        if (signal !== undefined) reject(abortedError(signal));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
    });
}

/** The outcome of `work`, or `actor.aborted` if `signal` is aborted first. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortedError(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** The error of a call that its caller gave up. */
export function abortedError(signal: AbortSignal): ActorError {
  return new ActorError("actor", "aborted", "the call was aborted by its caller", { cause: signal.reason });
}
