/**
 * How the calls of an actor get along.
 *
 * - `"interleaved"` (default): calls run at the same time; while one waits for a promise, others go on.
 * - `"exclusive"`: exclusive calls run one after the other, in the order in which they arrived, each to its end with
 *   everything that it awaits. Interleaved calls of the same actor still run in between.
 */
export type Concurrency = "interleaved" | "exclusive";

/** Whether `value` means exclusive. @throws Error if it is no {@link Concurrency}, naming `what` it was given for. */
export function isExclusive(value: unknown, what: string): boolean {
  if (value === "interleaved" || value === "exclusive") return value === "exclusive";
  throw new Error(`${what} has to be "interleaved" or "exclusive"`);
}
