import { useEffect, useState } from "react";
import type { View } from "./use-auction.js";

/** The time that is left, by the server's clock. */
export function Countdown({ view }: { view: View }) {
  const { clock, lastCall } = view;
  const left = useLeft(view);
  const isLast = !clock.isOver && left <= lastCall;
  const share = clock.isOver ? 0 : Math.min(1, left / (clock.endsAt - clock.opensAt));
  return (
    <div className="countdown" data-phase={clock.isOver ? "over" : isLast ? "last" : "open"}>
      <div className="line">
        <span className="left number" role="timer">
          {clock.isOver ? "Closed" : written(left)}
        </span>
        <span className="faint">{words(view, left)}</span>
      </div>
      <div className="track">
        <span style={{ transform: `scaleX(${share})` }} />
      </div>
    </div>
  );
}

function useLeft({ clock, ahead }: View): number {
  const read = () => Math.max(0, clock.endsAt - Date.now() - ahead);
  const [left, setLeft] = useState(read);
  // Runs for one deadline: with another one, the component is another one.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `read` is made of what is listed
  useEffect(() => {
    if (clock.isOver) return;
    const timer = setInterval(() => setLeft(read), 200);
    return () => clearInterval(timer);
  }, [clock.endsAt, clock.isOver, ahead]);
  return left;
}

function words({ clock, lastCall, bids }: View, left: number): string {
  if (clock.isOver) return bids.length > 0 ? "the hammer has fallen" : "nobody has bid";
  if (left === 0) return "the hammer falls";
  if (left <= lastCall / 3) return "going twice…";
  if (left <= (lastCall * 2) / 3) return "going once…";
  if (left <= lastCall) return "last call: a bid adds time";
  if (clock.extensions > 0)
    return `extended ${clock.extensions === 1 ? "once" : `${clock.extensions} times`}`;
  return "until the hammer falls";
}

function written(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
