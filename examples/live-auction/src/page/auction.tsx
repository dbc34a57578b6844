import { lotOf } from "../lots.js";
import type { Visitor } from "../registry.js";
import { Bidding } from "./bidding.js";
import { Countdown } from "./countdown.js";
import { History } from "./history.js";
import { money } from "./money.js";
import { Picture } from "./picture.js";
import { PriceLine } from "./price-line.js";
import { useAuction, type View } from "./use-auction.js";

const STATUS = {
  idle: "Offline",
  connecting: "Connecting",
  connected: "Live",
  disconnected: "Reconnecting",
} as const;

/** One lot under the hammer. */
export function Auction(props: {
  readonly auctionKey: readonly string[];
  readonly visitor: Visitor;
  readonly onEnter: (name: string) => void;
}) {
  const { auctionKey, visitor, onEnter } = props;
  const { view, connection, connStatus, isConnected, error } = useAuction(auctionKey, visitor);
  const lot = lotOf(auctionKey[0]);
  return (
    <>
      <header className="top">
        <h1>Evening sale</h1>
        {view && <Watchers count={view.watchers} />}
        <span className="status" role="status" data-status={connStatus}>
          {STATUS[connStatus]}
        </span>
      </header>
      {error && (
        <p className="trouble" role="alert">
          {error.group === "user"
            ? sentence(error.message)
            : "The auction cannot be reached. It will be tried again."}
        </p>
      )}
      <div className="room">
        <section className="wall" aria-label="The lot">
          <figure data-sold={view?.clock.isOver && view.bids.length > 0}>
            <div className="frame">
              <Picture id={lot.id} />
            </div>
            {view?.clock.isOver && <span className="stamp">{view.bids.length > 0 ? "Sold" : "Passed"}</span>}
          </figure>
          <div className="plate">
            <p className="faint">Lot {lot.number}</p>
            <h2>{lot.title}</h2>
            <p>{lot.artist}</p>
            <p className="faint">{lot.about}</p>
            <p className="faint number">
              Estimate{" "}
              <span className="range">
                {money(lot.estimate[0])} – {money(lot.estimate[1])}
              </span>
            </p>
          </div>
        </section>
        <section className="panel desk" aria-label="Bidding">
          {view === undefined ? (
            <p className="faint waiting">Entering the room…</p>
          ) : (
            <>
              <Price view={view} />
              <Countdown key={view.clock.endsAt} view={view} />
              <Bidding
                view={view}
                visitor={visitor}
                onEnter={onEnter}
                connection={isConnected ? connection : null}
              />
              <History view={view} />
            </>
          )}
        </section>
      </div>
    </>
  );
}

function Watchers({ count }: { count: number }) {
  return (
    <span className="watchers faint number" title="Open windows">
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z" />
        <circle cx="12" cy="12" r="2.75" />
      </svg>
      <span id="watchers">{count}</span> watching
    </span>
  );
}

function Price({ view }: { view: View }) {
  const top = view.bids.at(-1);
  return (
    <div className="price">
      <p className="faint">{view.clock.isOver ? "Hammer price" : top ? "Current bid" : "Starts at"}</p>
      <p id="price" key={top?.amount} className="amount number" data-fresh={view.latest !== undefined}>
        {money(top?.amount ?? view.startsAt)}
      </p>
      <PriceLine view={view} />
    </div>
  );
}

const sentence = (text: string) => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
