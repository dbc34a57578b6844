/**
 * When a cron expression fires next.
 *
 * An expression is about local time. Every local time stands for the first moment that has it: those that a clock
 * turned forward leaves out stand for none, those that a clock turned back repeats fire once. Within a zone the moments
 * have the same order as the local times, so the first local time whose moment lies ahead is the answer.
 */
import type { CronExpression } from "./cron-expression.js";
import type { Zone } from "./zone.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** So many days further on, every date has come that exists at all: 29 February of 2104 follows that of 2096. */
const HORIZON_DAYS = 8 * 366 + 1;

/** The first firing after `after`, both in milliseconds since the epoch; undefined if there is none. */
export function nextFiring(cron: CronExpression, zone: Zone, after: number): number | undefined {
  const today = Math.floor((after + zone.offset(after)) / DAY);
  for (let day = today; day < today + HORIZON_DAYS; day++) {
    if (!hasDay(cron, day * DAY)) continue;
    const found = firstOfDay(cron, zone, day * DAY, after);
    if (found !== undefined) return found;
  }
  return undefined;
}

function hasDay(cron: CronExpression, midnight: number): boolean {
  const date = new Date(midnight);
  if (!cron.months.has(date.getUTCMonth() + 1)) return false;
  const ofMonth = cron.daysOfMonth.has(date.getUTCDate());
  const ofWeek = cron.daysOfWeek.has(date.getUTCDay());
  return cron.eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek;
}

/** @param midnight The local midnight as if it were UTC. */
function firstOfDay(cron: CronExpression, zone: Zone, midnight: number, after: number): number | undefined {
  // What is in force well before the day and well after it: offsets are between -12 and +14 hours.
  const before = zone.offset(midnight - 15 * HOUR);
  const behind = zone.offset(midnight + DAY + 13 * HOUR);
  for (const hour of cron.hours) {
    for (const minute of cron.minutes) {
      const local = midnight + hour * HOUR + minute * MINUTE;
      const moment = before === behind ? local - before : firstMoment(zone, local, before, behind);
      if (moment !== undefined && moment > after) return moment;
    }
  }
  return undefined;
}

/** The first moment with this local time on a day on which the offset changes. */
function firstMoment(zone: Zone, local: number, before: number, behind: number): number | undefined {
  const moments = [local - before, local - behind].sort((a, b) => a - b);
  return moments.find((moment) => moment + zone.offset(moment) === local);
}
