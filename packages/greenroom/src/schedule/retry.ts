/** How a scheduled call that failed is tried again. */

/** So many times is a call made before it is given up. */
export const MAX_ATTEMPTS = 20;
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 300_000;

/** How long to wait after so many failures, in milliseconds; undefined if it is time to give up. */
export function waitAfter(failures: number): number | undefined {
  if (failures >= MAX_ATTEMPTS) return undefined;
  return Math.min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT);
}
