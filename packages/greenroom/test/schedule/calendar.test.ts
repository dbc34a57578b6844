import assert from "node:assert/strict";
import { test } from "node:test";
import { nextFiring } from "../../dist/schedule/calendar.js";
import { type CronExpression, parseCron } from "../../dist/schedule/cron-expression.js";
import { nextTime, timesBetween } from "../../dist/schedule/timing.js";
import { zoneOf } from "../../dist/schedule/zone.js";

const MINUTE = 60_000;

/** The next firings after `from`, in ISO form without seconds. */
function firings(expression: string, timezone: string, from: string, count: number): string[] {
  const found: string[] = [];
  let last = Date.parse(from);
  while (found.length < count) {
    const next = nextFiring(parseCron(expression), zoneOf(timezone), last);
    if (next === undefined) break;
    found.push(new Date(next).toISOString().slice(0, 16));
    last = next;
  }
  return found;
}

const CASES: [expression: string, timezone: string, from: string, expected: string[]][] = [
  ["* * * * *", "UTC", "2026-01-01T00:00:30Z", ["2026-01-01T00:01", "2026-01-01T00:02"]],
  ["0 9 * * 1-5", "UTC", "2026-11-20T09:00Z", ["2026-11-23T09:00", "2026-11-24T09:00"]],
  ["0 9 * * mon-fri", "Europe/Berlin", "2026-11-20T09:00Z", ["2026-11-23T08:00"]],
  ["*/20 8,20 * * *", "UTC", "2026-05-05T08:39Z", ["2026-05-05T08:40", "2026-05-05T20:00"]],
  ["5-20/5 0 * * *", "UTC", "2026-05-05T00:00Z", ["2026-05-05T00:05", "2026-05-05T00:10"]],
  ["50/4 0 * * *", "UTC", "2026-05-05T00:00Z", ["2026-05-05T00:50", "2026-05-05T00:54", "2026-05-05T00:58"]],
  ["0 0 29 feb *", "UTC", "2096-03-01T00:00Z", ["2104-02-29T00:00"]],
  ["0 0 13 * 5", "UTC", "2026-11-08T00:00Z", ["2026-11-13T00:00", "2026-11-20T00:00", "2026-11-27T00:00"]],
  ["0 0 */2 * 1", "UTC", "2026-11-01T00:00Z", ["2026-11-09T00:00", "2026-11-23T00:00"]],
  ["0 0 * * 7", "UTC", "2026-11-22T00:00Z", ["2026-11-29T00:00"]],
  ["0 0 * * 5-7", "UTC", "2026-11-19T00:00Z", ["2026-11-20T00:00", "2026-11-21T00:00", "2026-11-22T00:00"]],
  ["59 23 31 12 *", "Asia/Kolkata", "2026-01-01T00:00Z", ["2026-12-31T18:29"]],
  ["0 0 1 1 *", "Pacific/Kiritimati", "2026-06-01T00:00Z", ["2026-12-31T10:00"]],
  ["0 0 31 2 *", "UTC", "2026-01-01T00:00Z", []],
  // Clocks go from 2:00 to 3:00: 2:30 does not exist on that day.
  ["30 2 * * *", "Europe/Berlin", "2026-03-28T00:00Z", ["2026-03-28T01:30", "2026-03-30T00:30"]],
  ["30 2 * * *", "America/New_York", "2026-03-07T00:00Z", ["2026-03-07T07:30", "2026-03-09T06:30"]],
  ["0 3 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["2026-03-29T01:00", "2026-03-30T01:00"]],
  ["*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00Z", ["2026-03-29T00:30", "2026-03-29T01:00"]],
  // Clocks go from 3:00 to 2:00: 2:30 comes twice and counts once.
  ["30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", ["2026-10-25T00:30", "2026-10-26T01:30"]],
  ["30 1 * * *", "America/New_York", "2026-10-31T12:00Z", ["2026-11-01T05:30", "2026-11-02T06:30"]],
  [
    "*/30 * * * *",
    "Europe/Berlin",
    "2026-10-25T00:00Z",
    ["2026-10-25T00:30", "2026-10-25T02:00", "2026-10-25T02:30"],
  ],
  // Asked for in the middle of the hour that comes again.
  ["45 2 * * *", "Europe/Berlin", "2026-10-25T01:15Z", ["2026-10-26T01:45"]],
  // Half an hour forward, at 2:00.
  ["15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", ["2026-10-04T15:15"]],
  // A day that the calendar of Samoa left out.
  ["0 12 30 12 *", "Pacific/Apia", "2011-01-01T00:00Z", ["2012-12-29T22:00"]],
];

for (const [expression, timezone, from, expected] of CASES) {
  test(`${expression} in ${timezone} after ${from}`, () => {
    const count = Math.max(expected.length, 1);
    assert.deepEqual(firings(expression, timezone, from, count), expected);
  });
}

test("what is no expression is refused and named", () => {
  const wrong = [
    "",
    "* * * *",
    "* * * * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * 32 * *",
    "* * * 13 *",
    "* * * * 8",
    "*/0 * * * *",
    "5-1 * * * *",
    "1,,2 * * * *",
    "1-2-3 * * * *",
    "*/2/3 * * * *",
    "-1 * * * *",
    "1.5 * * * *",
    "monday * * * *",
    "@daily",
    "? * * * *",
  ];
  for (const expression of wrong) assert.throws(() => parseCron(expression), Error, expression);
  assert.throws(() => parseCron("* * * jup *"), /`jup` is not a month \(1 to 12\)/);
});

test("zones that do not exist are refused", () => {
  assert.throws(() => zoneOf("Mars/Olympus"), RangeError);
});

test("an interval is counted from its anchor, and what was missed collapses", () => {
  const every = { kind: "every", interval: 5_000, anchor: 1_000 } as const;
  assert.equal(nextTime(every, 0), 6_000);
  assert.equal(nextTime(every, 1_000), 6_000);
  assert.equal(nextTime(every, 5_999), 6_000);
  assert.equal(nextTime(every, 6_000), 11_000);
  assert.equal(nextTime(every, 1_000_000), 1_001_000);
  assert.deepEqual(timesBetween(every, 6_000, 21_000, 10), [11_000, 16_000, 21_000]);
  assert.deepEqual(timesBetween(every, 6_000, 21_000, 2), [11_000, 16_000]);
});

/** Looks at every minute, knowing nothing about offsets. */
function scan(cron: CronExpression, timezone: string, after: number, until: number): number[] {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: timezone,
    dateStyle: "short",
    timeStyle: "short",
    hourCycle: "h23",
  });
  const found: number[] = [];
  const seen = new Set<string>();
  for (let time = after - 180 * MINUTE; time <= until; time += MINUTE) {
    const local = format.format(time);
    const isFirst = !seen.has(local);
    seen.add(local);
    const [, day, month, year, hour, minute] =
      /^(\d+)\/(\d+)\/(\d+), (\d+):(\d+)$/.exec(local)?.map(Number) ?? [];
    if (hour === undefined || minute === undefined || month === undefined || day === undefined) {
      assert.fail(`not a local time: ${local}`);
    }
    const weekday = new Date(Date.UTC(year ?? 0, month - 1, day)).getUTCDay();
    const days = [cron.daysOfMonth.has(day), cron.daysOfWeek.has(weekday)];
    const isDay = cron.eitherDay ? days.includes(true) : !days.includes(false);
    const isTime = cron.minutes.includes(minute) && cron.hours.includes(hour) && cron.months.has(month);
    if (time > after && isFirst && isDay && isTime) found.push(time);
  }
  return found;
}

/** Numbers that come again with the same seed (a linear congruential generator). */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("firings are those that a look at every minute finds", (t) => {
  const seed = Number(process.env.CRON_SEED ?? Math.floor(Math.random() * 2 ** 32));
  const random = randomOf(seed);
  t.diagnostic(`CRON_SEED=${seed}`);
  const zones = ["UTC", "Europe/Berlin", "America/New_York", "America/Havana", "Australia/Lord_Howe"];
  const turns = ["2026-03-07", "2026-03-28", "2026-10-24", "2026-10-31", "2026-04-03", "2026-10-02"];
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;
  for (let run = 0; run < 60; run++) {
    const minute = pick(["*", "0", "30", "*/7", `${random(60)}`, "15,45"]);
    const hour = pick(["*", "0", "1", "2", "0-3", "*/2", `${random(24)}`]);
    const dayOfMonth = pick(["*", "*", "29", "1-15", "*/2"]);
    const expression = `${minute} ${hour} ${dayOfMonth} * ${pick(["*", "*", "sun", "1-5"])}`;
    const timezone = pick(zones);
    const after = Date.parse(`${pick(turns)}T00:00Z`) + random(48 * 60) * MINUTE + random(MINUTE);
    const until = after + 2 * 24 * 60 * MINUTE;
    const aligned = Math.floor(after / MINUTE) * MINUTE;
    const expected = scan(parseCron(expression), timezone, aligned, until);
    const actual = timesBetween({ kind: "cron", expression, timezone }, after, until, 10_000);
    const from = new Date(after).toISOString();
    assert.deepEqual(actual, expected, `CRON_SEED=${seed}: ${expression} in ${timezone} after ${from}`);
  }
});
