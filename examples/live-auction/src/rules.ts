/** The rules of the house, the same for the actor, which enforces them, and for the page, which explains them. */

/** A lot is open for so long, unless whoever creates the actor says otherwise. Milliseconds, as all times. */
export const OPEN_FOR = 120_000;
/** A bid in the last moments moves the end to so long after the bid, so that others can answer. */
export const LAST_CALL = 15_000;
/** Nobody has more than this. */
export const MOST = 10_000_000;

/** The paddle of all who do not say who they are. */
export const TELEPHONE = 0;

/** By how much a bid has to exceed `price`. */
export function stepFrom(price: number): number {
  if (price < 500) return 20;
  if (price < 1_000) return 50;
  if (price < 5_000) return 100;
  return 500;
}
