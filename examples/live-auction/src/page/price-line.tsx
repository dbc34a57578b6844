import type { View } from "./use-auction.js";

const WIDTH = 320;
const HEIGHT = 56;
/** For what is drawn at the edges. */
const MARGIN = 5;

/** The price over time, as steps: it stands still until somebody bids. */
export function PriceLine({ view }: { view: View }) {
  const { bids, clock, startsAt } = view;
  const first = bids[0];
  const last = bids.at(-1);
  if (first === undefined || last === undefined) return null;
  const from = Math.min(clock.opensAt, first.at);
  const until = Math.max(last.at, from + 1);
  const x = (at: number) => MARGIN + ((at - from) / (until - from)) * (WIDTH - 2 * MARGIN);
  const y = (amount: number) =>
    HEIGHT - MARGIN - ((amount - startsAt) / Math.max(1, last.amount - startsAt)) * (HEIGHT - 2 * MARGIN);
  const steps = bids.map(({ at, amount }) => `H${x(at).toFixed(1)}V${y(amount).toFixed(1)}`).join("");
  const line = `M${MARGIN} ${y(startsAt).toFixed(1)}${steps}`;
  return (
    <svg
      className="price-line"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path className="under" d={`${line}V${HEIGHT}H${MARGIN}Z`} />
      <path className="over" d={line} />
    </svg>
  );
}
