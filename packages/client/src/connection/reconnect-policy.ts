const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 30_000;

/**
 * How long to wait before the next connection attempt: 250 ms doubling to 30 s, of which a random half is
 * taken off so that the clients of a restarted server do not return all at once. It never gives up.
 */
export interface ReconnectPolicy {
  /** The delay in milliseconds before the next attempt. Counts a failure. */
  nextDelay(): number;
  /** Starts over: the connection proved stable. */
  reset(): void;
}

/** Makes a {@link ReconnectPolicy}. @param random a number in [0, 1). */
export function reconnectPolicy(random: () => number): ReconnectPolicy {
  let failures = 0;
  return {
    nextDelay: () => Math.min(FIRST_DELAY_MS * 2 ** failures++, MAX_DELAY_MS) * (0.5 + random() / 2),
    reset() {
      failures = 0;
    },
  };
}
