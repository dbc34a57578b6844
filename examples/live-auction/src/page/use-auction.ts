import { useEffect, useState } from "react";
import type { Bid, Clock, Look, Visitor } from "../registry.js";
import { TELEPHONE } from "../rules.js";
import { useActor } from "./greenroom.js";

/** An auction as this page knows it. */
export interface View extends Look {
  /** What has to be added to the page's clock to have the server's, in milliseconds. */
  readonly ahead: number;
  /** The bid that has just come, for the page to make something of it. */
  readonly latest: Bid | undefined;
}

/** The auction of a key, as it goes on. */
export function useAuction(key: readonly string[], visitor: Visitor) {
  const auction = useActor({ name: "liveAuction", key: [...key], params: visitor });
  const [view, setView] = useState<View>();
  const { connection, isConnected } = auction;

  // Every opening, the first and each after a loss, starts from what the actor knows.
  useEffect(() => {
    if (!isConnected) return;
    let isGone = false;
    connection.look().then(
      (look) => {
        if (!isGone) setView({ ...look, ahead: look.now - Date.now(), latest: undefined });
      },
      // A connection that is lost is opened again, and then asked again.
      () => {},
    );
    return () => {
      isGone = true;
    };
  }, [connection, isConnected]);

  auction.useEvent("newBid", (bid) => setView((before) => before && withBid(before, bid)));
  auction.useEvent("clock", (clock) => setView((before) => before && withClock(before, clock)));
  auction.useEvent("watchers", (watchers) => setView((before) => before && { ...before, watchers }));
  return { ...auction, view };
}

/** Whether this window has made the bid. Who bids by telephone is nobody in particular. */
export const isOwn = (view: View, bid: Bid): boolean =>
  bid.paddle === view.paddle && bid.paddle !== TELEPHONE;

function withBid(view: View, bid: Bid): View {
  const top = view.bids.at(-1);
  if (top !== undefined && top.amount >= bid.amount) return view;
  return { ...view, bids: [...view.bids, bid], bidCount: view.bidCount + 1, latest: bid };
}

/** An auction that was opened again begins without bids. */
function withClock(view: View, clock: Clock): View {
  if (clock.opensAt === view.clock.opensAt) return { ...view, clock };
  return { ...view, clock, bids: [], bidCount: 0, latest: undefined };
}
