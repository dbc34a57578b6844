import type { ClientRuntime } from "./config.js";
import { ActorError } from "./errors.js";

/** Waits, and rejects with `actor.aborted` as soon as `signal` is aborted. */
export type Sleep = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

/** A {@link Sleep} on the timers of `runtime`. */
export function makeSleep(runtime: ClientRuntime): Sleep {
  return (milliseconds, signal) => {
    let timer: unknown;
    const wait = new Promise<void>((resolve) => {
      timer = runtime.setTimeout(resolve, milliseconds);
    });
    return orAborted(wait, signal).finally(() => runtime.clearTimeout(timer));
  };
}

/** The outcome of `work`, or `actor.aborted` if `signal` is aborted first. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const aborted = deferred<never>();
  const onAbort = (): void => aborted.reject(abortedError(signal));
  if (signal.aborted) onAbort();
  const all = waitersOf(signal);
  all.add(onAbort);
  return Promise.race([aborted.promise, work]).finally(() => all.delete(onAbort));
}

const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Who is to hear of `signal`. It has one listener for all of them: Node.js takes more than ten for a leak, and says so. */
function waitersOf(signal: AbortSignal): Set<() => void> {
  let all = waiting.get(signal);
  if (all === undefined) {
    const waiters = new Set<() => void>();
    signal.addEventListener("abort", () => {
      for (const tell of waiters) tell();
    });
    all = waiters;
    waiting.set(signal, all);
  }
  return all;
}

/** The error of a call that its caller gave up. */
export function abortedError(signal: AbortSignal): ActorError {
  return new ActorError("actor", "aborted", "the call was aborted by its caller", { cause: signal.reason });
}

/** A promise to be settled later. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Makes a {@link Deferred}. */
export function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>["resolve"] = () => {};
  let reject: Deferred<T>["reject"] = () => {};
  const promise = new Promise<T>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  return { promise, resolve, reject };
}

async function* iterate(this: Promise<AsyncIterable<unknown>>): AsyncGenerator<unknown> {
  yield* await this;
}

/** Lets a call be iterated at once, for those whose result streams. */
export function iterable<T>(call: Promise<T>): Promise<T> {
  return Object.assign(call, { [Symbol.asyncIterator]: iterate });
}
