import { nextFiring } from "./calendar.js";
import { parseCron } from "./cron-expression.js";
import { zoneOf } from "./zone.js";

/** When a job runs. */
export type Timing =
  | { readonly kind: "cron"; readonly expression: string; readonly timezone: string }
  /** `anchor` is when it was set: it runs at `anchor + n * interval`. */
  | { readonly kind: "every"; readonly interval: number; readonly anchor: number };

/** The first time after `after`; undefined if there is none. */
export function nextTime(timing: Timing, after: number): number | undefined {
  if (timing.kind === "cron") {
    return nextFiring(parseCron(timing.expression), zoneOf(timing.timezone), after);
  }
  const { anchor, interval } = timing;
  return anchor + Math.max(1, Math.floor((after - anchor) / interval) + 1) * interval;
}

/** The times after `after` up to and with `until`, `limit` of them at most. */
export function timesBetween(timing: Timing, after: number, until: number, limit: number): number[] {
  const times: number[] = [];
  let last = after;
  while (times.length < limit) {
    const next = nextTime(timing, last);
    if (next === undefined || next > until) break;
    times.push(next);
    last = next;
  }
  return times;
}

/** Whether two timings have the same times, apart from where they were anchored. */
export function sameTimes(first: Timing, second: Timing): boolean {
  if (first.kind === "cron") {
    return (
      second.kind === "cron" && first.expression === second.expression && first.timezone === second.timezone
    );
  }
  return second.kind === "every" && first.interval === second.interval;
}
