/** Time zones, as `Intl` knows them. */

/** How a time zone relates to UTC. */
export interface Zone {
  /** What to add to UTC at this moment to get the local time, in milliseconds. */
  offset(time: number): number;
}

const UTC: Zone = { offset: () => 0 };
/** More than there are; only other ways to write their names could exceed it. */
const MAX_ZONES = 1_000;
const zones = new Map<string, Zone>([["UTC", UTC]]);

/** @throws RangeError if there is no such zone. */
export function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: name,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const zone: Zone = { offset: (time) => localTime(format, time) - Math.floor(time / 1000) * 1000 };
  if (zones.size < MAX_ZONES) zones.set(name, zone);
  return zone;
}

/** The local time as if it were UTC. */
function localTime(format: Intl.DateTimeFormat, time: number): number {
  const fields = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of format.formatToParts(time)) {
    if (type in fields) fields[type as keyof typeof fields] = Number(value);
  }
  const { year, month, day, hour, minute, second } = fields;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}
