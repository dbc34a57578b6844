/** The lines of a diary, as its actor writes them and the model reads them. */

/** A line that somebody was told of: in which life of the actor it is, where, and what it says. */
export interface Note {
  /** The actor's id: another one after each re-creation. */
  readonly life: string;
  /** Its place in the log, from 0. */
  readonly place: number;
  readonly line: string;
}

/** All that a diary shows of itself, at one moment. */
export interface Reading {
  readonly life: string;
  /** Where `lines` begin. */
  readonly from: number;
  readonly lines: readonly string[];
  /** Of the lines before them. */
  readonly digest: number;
  /** All pairs: the newest lines by their places, and the number of lines. */
  readonly pairs: readonly (readonly [key: string, value: string])[];
  /** The keys of the plans that wait for their time. */
  readonly plans: readonly string[];
  /** The names of the cron jobs. */
  readonly jobs: readonly string[];
}

/** As many of the newest lines are pairs as well; older pairs are deleted. */
export const PAIRS = 40;

/** The key of the pair that a line is. */
export const pairKey = (place: number): string => `line/${String(place).padStart(8, "0")}`;

/** The digest (FNV-1a) of no lines. */
export const NOTHING = 0x811c9dc5;

/** The digest of some lines and one more. */
export function digestWith(digest: number, line: string): number {
  let mixed = digest;
  for (let i = 0; i < line.length; i++) mixed = Math.imul(mixed ^ line.charCodeAt(i), 0x01000193);
  return Math.imul(mixed ^ 0x0a, 0x01000193) >>> 0;
}
