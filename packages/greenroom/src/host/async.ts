import type { Clock } from "./clock.js";

/** Whether a user's function gave a promise, of whatever make. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null) return false;
  try {
    return typeof (value as { then?: unknown }).then === "function";
  } catch {
    // It does not even say what it is, and will say so again when it is used.
    return false;
  }
}

/** Something took longer than it may. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/**
 * What `promise` comes to, if that is in time. What it comes to later is dropped.
 *
 * @throws DeadlineError (as a rejection) saying that `what` took longer than `milliseconds`.
 */
export function withDeadline<T>(
  clock: Clock,
  promise: PromiseLike<T>,
  milliseconds: number,
  what: string,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(
      () => reject(new DeadlineError(`${what} took longer than ${milliseconds} ms`)),
      milliseconds,
    );
    Promise.resolve(promise).then(
      (value) => {
        clock.clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clock.clearTimeout(timer);
        reject(error);
      },
    );
  });
}
