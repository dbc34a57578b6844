import type { Bid } from "../registry.js";
import { money } from "./money.js";
import { isOwn, type View } from "./use-auction.js";

/** So many bids are on the page. */
const SHOWN = 12;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** All bids, the highest first. */
export function History({ view }: { view: View }) {
  const shown = view.bids.slice(-SHOWN).reverse();
  return (
    <div className="history">
      <h2>
        Bids <span className="faint number">{view.bidCount}</span>
      </h2>
      {shown.length === 0 && <p className="faint">None yet. The first one sets the pace.</p>}
      <ol>
        {shown.map((bid) => (
          <Row key={`${view.clock.opensAt}/${bid.amount}`} bid={bid} view={view} />
        ))}
      </ol>
    </div>
  );
}

function Row({ bid, view }: { bid: Bid; view: View }) {
  return (
    <li data-fresh={bid === view.latest} data-top={bid === view.bids.at(-1)} data-mine={isOwn(view, bid)}>
      <div>
        <Paddle number={bid.paddle} />
        <span className="name">{isOwn(view, bid) ? "You" : bid.name}</span>
        <time className="faint number" dateTime={new Date(bid.at).toISOString()}>
          {clock.format(bid.at)}
        </time>
        <span className="number sum">{money(bid.amount)}</span>
      </div>
    </li>
  );
}

/** The number that bidders hold up. Each has a colour of its own. */
export function Paddle({ number }: { number: number }) {
  return (
    <span className="paddle number" style={{ "--hue": (number * 137) % 360 }}>
      {number}
    </span>
  );
}
