/** Time, as the host sees it. Tests put their own in its place. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls back once, after `milliseconds`. */
  setTimeout(callback: () => void, milliseconds: number): unknown;
  /** Forgets a timer, whether it has called back or not. @param timer What `setTimeout` gave. */
  clearTimeout(timer: unknown): void;
}

/** The time of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout> | undefined),
};
