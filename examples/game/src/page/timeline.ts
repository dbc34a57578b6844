import type { Snapshot } from "../game.js";

/** Snapshots are shown so much later than they were made, in milliseconds: time enough for the next one to come. */
const DELAY = 90;
/** Farther than anybody moves between two snapshots: they were put somewhere else. */
const LEAP = 160;

/** A place on the stage. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** What is seen at one moment. */
export interface Frame {
  readonly pucks: ReadonlyMap<number, Place>;
  readonly sparks: Snapshot["sparks"];
  /** What has happened since the last frame. */
  readonly happenings: Snapshot["happenings"][number][];
}

/** Makes a smooth picture of some twenty snapshots per second, which come when they come. */
export class Timeline {
  #snapshots: Snapshot[] = [];
  #happenings: { readonly at: number; readonly what: Frame["happenings"][number] }[] = [];
  /** This page's clock less the server's, as the fastest of the snapshots show it. */
  #offset: number | undefined;

  push(snapshot: Snapshot, now: number): void {
    const sample = now - snapshot.at;
    // A quicker one corrects it at once, slower ones only if they all are.
    this.#offset = Math.min(sample, (this.#offset ?? sample) + 0.5);
    this.#snapshots.push(snapshot);
    for (const what of snapshot.happenings) this.#happenings.push({ at: snapshot.at, what });
    // A window that is not looked at draws no frames, and none of them will be missed.
    if (this.#snapshots.length > 40) this.#snapshots.shift();
    if (this.#happenings.length > 40) this.#happenings.shift();
  }

  /** Another process, another clock. */
  reset(): void {
    this.#snapshots = [];
    this.#happenings = [];
    this.#offset = undefined;
  }

  /** What is seen at this moment; undefined while nothing has come. */
  frame(now: number): Frame | undefined {
    const at = now - (this.#offset ?? 0) - DELAY;
    while (this.#snapshots.length > 1 && (this.#snapshots[1]?.at ?? 0) <= at) this.#snapshots.shift();
    const [from, to = from] = this.#snapshots;
    if (!from || !to) return undefined;
    const due = this.#happenings.filter((happening) => happening.at <= at);
    this.#happenings = this.#happenings.filter((happening) => happening.at > at);
    return {
      pucks: between(from, to, at),
      sparks: from.sparks,
      happenings: due.map(({ what }) => what),
    };
  }
}

function between(from: Snapshot, to: Snapshot, at: number): Map<number, Place> {
  const share = to === from ? 0 : Math.min(1, Math.max(0, (at - from.at) / (to.at - from.at)));
  const next = new Map(to.pucks.map(([slot, x, y]) => [slot, { x, y }]));
  return new Map(
    from.pucks.map(([slot, x, y]) => {
      const goal = next.get(slot);
      if (!goal || Math.hypot(goal.x - x, goal.y - y) > LEAP) return [slot, { x, y }];
      return [slot, { x: x + (goal.x - x) * share, y: y + (goal.y - y) * share }];
    }),
  );
}
