/** What user code may ask of `c.queue`, checked. */

import { queueNotFound } from "./failure.js";
import type { Instance } from "./instance.js";

/** The options of all ways to receive, as user code gave them. */
export interface GivenOptions {
  readonly names?: unknown;
  readonly completable?: unknown;
  readonly count?: unknown;
  readonly timeout?: unknown;
  readonly signal?: unknown;
}

/** The same, checked. */
export interface Wanted {
  accepts(name: string): boolean;
  readonly completable: boolean;
  readonly count: number;
}

/** How long to wait. */
export interface Patience {
  /** Absent for ever. */
  readonly timeout: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The longest delay of a JavaScript timer. */
const MAX_TIME = 0x7fff_ffff;

/** @throws HostError `queue.not_found`; TypeError for a value of a wrong kind. */
export function wanted(instance: Instance, options: GivenOptions = {}): Wanted {
  const { names, completable, count = 1 } = options;
  if (typeof count !== "number" || !Number.isInteger(count) || count < 1) {
    throw new TypeError("queue option 'count' has to be a whole number from 1");
  }
  return { accepts: acceptor(instance, names), completable: completable === true, count };
}

/** @throws HostError `queue.not_found`; TypeError for anything but a list of names. */
export function acceptor(instance: Instance, names: unknown): (name: string) => boolean {
  const { queues } = instance.definition;
  if (names === undefined) return (name) => queues.has(name);
  if (!Array.isArray(names)) throw new TypeError("queue option 'names' has to be a list of names");
  const known = new Set<string>();
  for (const name of names as unknown[]) {
    if (typeof name !== "string" || !queues.has(name)) throw queueNotFound(name);
    known.add(name);
  }
  return known.size === 0 ? (name) => queues.has(name) : (name) => known.has(name);
}

/** @throws TypeError for a value of a wrong kind. */
export function patience(options: GivenOptions = {}): Patience {
  const { timeout, signal } = options;
  if (timeout !== undefined && !(typeof timeout === "number" && timeout >= 0)) {
    throw new TypeError("queue option 'timeout' has to be a number of milliseconds");
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError("queue option 'signal' has to be an AbortSignal");
  }
  const isLimited = timeout !== undefined && timeout <= MAX_TIME;
  return { timeout: isLimited ? timeout : undefined, signal };
}
