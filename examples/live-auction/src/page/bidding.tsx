import { ActorError } from "@greenroom/react";
import { type FormEvent, useState } from "react";
import type { Visitor } from "../registry.js";
import { stepFrom } from "../rules.js";
import { Paddle } from "./history.js";
import { money } from "./money.js";
import { isOwn, type View } from "./use-auction.js";

/** What can be done with the connection while there is one. */
interface Bidder {
  placeBid(amount: number): Promise<number>;
  reopen(): Promise<void>;
}

interface Props {
  readonly view: View;
  readonly visitor: Visitor;
  readonly onEnter: (name: string) => void;
  readonly connection: Bidder | null;
}

/** Where one bids, once one has said who one is. */
export function Bidding({ view, visitor, onEnter, connection }: Props) {
  const { trouble, attempt } = useAttempt();
  if (view.clock.isOver)
    return (
      <div className="bidding">
        <Outcome view={view} />
        <button type="button" disabled={!connection} onClick={() => attempt(() => connection?.reopen())}>
          Offer it again
        </button>
        <Trouble text={trouble} />
      </div>
    );
  if (visitor.name === "") return <Entrance onEnter={onEnter} />;
  return (
    <div className="bidding">
      <Standing view={view} />
      <Bids
        view={view}
        isReady={connection !== null}
        bid={(amount) => attempt(() => connection?.placeBid(amount))}
      />
      <Trouble text={trouble} />
    </div>
  );
}

function Bids({ view, isReady, bid }: { view: View; isReady: boolean; bid: (amount: number) => void }) {
  const [own, setOwn] = useState("");
  const top = view.bids.at(-1);
  const least = top === undefined ? view.startsAt : top.amount + stepFrom(top.amount);
  const isMine = top !== undefined && isOwn(view, top);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (own === "") return;
    bid(Number(own));
    setOwn("");
  };
  return (
    <>
      <div className="offers">
        {[0, 1, 3].map((steps, index) => {
          const amount = least + steps * stepFrom(least);
          return (
            <button
              key={steps}
              type="button"
              className={index === 0 ? "primary number" : "number"}
              disabled={!isReady || isMine}
              onClick={() => bid(amount)}
            >
              {index === 0 ? `Bid ${money(amount)}` : money(amount)}
            </button>
          );
        })}
      </div>
      <form className="own" onSubmit={submit}>
        <span className="faint" aria-hidden="true">
          $
        </span>
        <input
          className="number"
          inputMode="numeric"
          aria-label="Your own amount"
          placeholder="Or your own amount"
          value={own}
          onChange={(event) => setOwn(event.target.value.replace(/\D/g, "").slice(0, 8))}
        />
        <button type="submit" disabled={!isReady || own === ""}>
          Bid
        </button>
      </form>
    </>
  );
}

/** How it stands for whoever looks at this window. */
function Standing({ view }: { view: View }) {
  const top = view.bids.at(-1);
  const mine = view.bids.findLast((bid) => isOwn(view, bid));
  if (top === undefined || mine === undefined)
    return (
      <p className="standing">
        <Paddle number={view.paddle} /> is your paddle. Nobody knows your limit.
      </p>
    );
  if (top === mine)
    return (
      <p className="standing" data-standing="leading" role="status">
        You lead with {money(mine.amount)}.
      </p>
    );
  return (
    <p key={top.amount} className="standing" data-standing="outbid" role="alert">
      {top.name} has outbid you by {money(top.amount - mine.amount)}.
    </p>
  );
}

function Outcome({ view }: { view: View }) {
  const top = view.bids.at(-1);
  if (top === undefined) return <p className="standing">Nobody has bid. The lot goes back.</p>;
  if (isOwn(view, top))
    return (
      <p className="standing" data-standing="leading" role="status">
        It is yours, for {money(top.amount)}.
      </p>
    );
  return (
    <p className="standing" role="status">
      Sold to {top.name} <Paddle number={top.paddle} /> for {money(top.amount)}.
    </p>
  );
}

function Entrance({ onEnter }: { onEnter: (name: string) => void }) {
  const [name, setName] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== "") onEnter(name.trim());
  };
  return (
    <form className="bidding entrance" onSubmit={submit}>
      <label htmlFor="name">Who bids?</label>
      <div>
        <input
          id="name"
          placeholder="Your name"
          maxLength={30}
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <button type="submit" className="primary" disabled={name.trim() === ""}>
          Take a paddle
        </button>
      </div>
    </form>
  );
}

const Trouble = ({ text }: { text: string }) => (
  <p className="trouble" role="alert">
    {text}
  </p>
);

/** Does something, and says what went wrong, until something else is done. */
function useAttempt() {
  const [trouble, setTrouble] = useState("");
  const attempt = (action: () => Promise<unknown> | undefined) => {
    setTrouble("");
    action()?.catch((error: unknown) => setTrouble(explained(error)));
  };
  return { trouble, attempt };
}

/** What the auction refuses has a reason for people. Anything else is about the way there. */
function explained(error: unknown): string {
  if (error instanceof ActorError && error.group === "user") return `${sentence(error.message)}.`;
  return "The bid may not have arrived: look at the bids, and bid again if yours is missing.";
}

const sentence = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);
