import { fileURLToPath } from "node:url";
import { actor, event, setup, UserError } from "greenroom";
import { lotOf } from "./lots.js";
import { LAST_CALL, MOST, OPEN_FOR, stepFrom, TELEPHONE } from "./rules.js";

/** A bid that counts. Amounts are whole dollars, times milliseconds since the Unix epoch. */
export interface Bid {
  readonly amount: number;
  readonly name: string;
  /** Whose it is: the number on their paddle. */
  readonly paddle: number;
  readonly at: number;
}

/** What the clock of an auction shows. */
export interface Clock {
  readonly opensAt: number;
  readonly endsAt: number;
  /** How often late bids have moved the end. */
  readonly extensions: number;
  readonly isOver: boolean;
}

/**
 * Who connects: `name` is empty for those who watch, or bid by telephone. Whoever knows `secret` has the same paddle
 * again.
 */
export interface Visitor {
  readonly secret: string;
  readonly name: string;
}

/** How long an auction takes, for whoever creates it. Milliseconds. */
export interface Timing {
  readonly openFor: number;
  readonly lastCall: number;
}

/** Everything that a page shows. */
export interface Look {
  readonly lot: string;
  readonly startsAt: number;
  readonly lastCall: number;
  readonly clock: Clock;
  /** The latest, oldest first. */
  readonly bids: readonly Bid[];
  /** How many bids there have been. */
  readonly bidCount: number;
  /** Open connections. */
  readonly watchers: number;
  /** The caller's; 0 for all who have not said who they are. */
  readonly paddle: number;
  /** The server's time, for pages whose clocks are wrong. */
  readonly now: number;
}

const MAX_NAME = 30;
const MAX_PADDLES = 10_000;
/** So many bids are shown. */
const HISTORY = 60;

/** One actor per auction: its key is the lot, or any other name, and maybe a room of its own. */
export const liveAuction = actor({
  createState: (c, timing: Timing | undefined) => {
    const lot = lotOf(c.key[0]);
    const { openFor, lastCall } = {
      openFor: time(timing?.openFor, OPEN_FOR),
      lastCall: time(timing?.lastCall, LAST_CALL),
    };
    const now = Date.now();
    const clock: Clock = { opensAt: now, endsAt: now + openFor, extensions: 0, isOver: false };
    return {
      lot: lot.id,
      startsAt: lot.startsAt,
      openFor,
      lastCall,
      clock,
      bids: [] as Bid[],
      /** Paddle numbers by secret. */
      paddles: {} as Record<string, number>,
    };
  },

  // Those who say who they are get a paddle of their own, and the same one when they come back.
  createConnState: (c, params: Visitor | undefined) => {
    const { name, secret } = visitor(params);
    if (name === "") return { name: "Telephone", paddle: TELEPHONE };
    const { paddles } = c.state;
    const given = Object.keys(paddles).length;
    // A secret may be a name that every object knows, such as `propertyIsEnumerable`.
    const known = Object.hasOwn(paddles, secret) ? paddles[secret] : undefined;
    if (known === undefined && given >= MAX_PADDLES)
      throw new UserError("all paddles are given away: you can still watch", { code: "no_paddle_left" });
    const paddle = known ?? given + 1;
    if (known === undefined) paddles[secret] = paddle;
    return { name, paddle };
  },

  events: {
    newBid: event<Bid>(),
    clock: event<Clock>(),
    watchers: event<number>(),
  },

  // Stored with the birth of the actor: the end comes even if nobody ever calls again.
  onCreate: (c) => void c.schedule.at(c.state.clock.endsAt, "close"),

  onConnect: (c) => c.broadcast("watchers", c.conns.size),
  onDisconnect: (c) => c.broadcast("watchers", c.conns.size),

  actions: {
    /** Bids. Doing the same again is harmless: a leading bid is not placed twice. */
    placeBid(c, amount: number): number {
      const { name, paddle } = c.conn.state;
      const { clock, bids } = c.state;
      const last = bids.at(-1);
      const now = Date.now();
      const isMine = last?.paddle === paddle;
      if (isMine && last?.amount === amount) return amount;
      if (clock.isOver || now >= clock.endsAt)
        throw new UserError("the hammer has fallen: this lot is sold", { code: "auction_over" });
      if (isMine) throw new UserError("you hold the highest bid already", { code: "already_leading" });
      const least = last === undefined ? c.state.startsAt : last.amount + stepFrom(last.amount);
      check(amount, least);

      const bid = { amount, name, paddle, at: now };
      bids.push(bid);
      c.broadcast("newBid", bid);
      if (clock.endsAt - now < c.state.lastCall) {
        c.state.clock = { ...clock, endsAt: now + c.state.lastCall, extensions: clock.extensions + 1 };
        c.broadcast("clock", c.state.clock);
      }
      return amount;
    },

    /** Where it stands. */
    look: (c): Look => ({
      lot: c.state.lot,
      startsAt: c.state.startsAt,
      lastCall: c.state.lastCall,
      clock: c.state.clock,
      bids: c.state.bids.slice(-HISTORY),
      bidCount: c.state.bids.length,
      watchers: c.conns.size,
      paddle: c.conn.state.paddle,
      now: Date.now(),
    }),

    /** Falls the hammer, when the time has come. Late bids have moved the end: then it comes again. */
    close(c): void {
      const { clock } = c.state;
      if (clock.isOver) return;
      if (Date.now() < clock.endsAt) {
        void c.schedule.at(clock.endsAt, "close");
        return;
      }
      c.state.clock = { ...clock, isOver: true };
      c.broadcast("clock", c.state.clock);
    },

    /** Offers the lot again, from the start. */
    reopen(c): void {
      if (!c.state.clock.isOver) throw new UserError("the lot is still open", { code: "auction_open" });
      const now = Date.now();
      c.state.bids = [];
      c.state.clock = { opensAt: now, endsAt: now + c.state.openFor, extensions: 0, isOver: false };
      void c.schedule.at(c.state.clock.endsAt, "close");
      c.broadcast("clock", c.state.clock);
    },
  },
});

/** @throws UserError if `amount` is nothing that can be bid. */
function check(amount: number, least: number): void {
  if (!Number.isInteger(amount) || amount <= 0 || amount > MOST)
    throw new UserError("a bid is a whole number of dollars", { code: "bid_invalid" });
  if (amount < least)
    throw new UserError(`bid at least $${least.toLocaleString("en-US")}`, {
      code: "bid_too_low",
      metadata: { least },
    });
}

/** What clients pass is whatever they like, so nothing of it is taken as it is. */
function visitor(params: Visitor | undefined): Visitor {
  const name = String(params?.name ?? "")
    .trim()
    .slice(0, MAX_NAME);
  const secret = String(params?.secret ?? "");
  if (name !== "" && !/^[\w-]{16,64}$/.test(secret))
    throw new UserError("a bidder needs a secret of 16 to 64 letters and digits", { code: "secret_invalid" });
  return { name, secret };
}

function time(given: number | undefined, usual: number): number {
  const ms = given ?? usual;
  if (!Number.isInteger(ms) || ms < 100 || ms > 86_400_000)
    throw new UserError("times are from 100 milliseconds to a day", { code: "timing_invalid" });
  return ms;
}

export const registry = setup({
  use: { liveAuction },
  staticDir: fileURLToPath(new URL("../public", import.meta.url)),
});
