/** A part of the soak's load: what it does again and again, and what has to be true at the end. */

/** Effects that nothing announces have this long to come, in milliseconds. */
export const PATIENCE = { within: 60_000, every: 100 } as const;

/** Something that clients do. */
export interface Part {
  readonly name: string;
  /** How many do it at once. Each has actors of its own, so that it knows what they have to answer. */
  readonly lanes: number;
  /** How often each of them does it in a second, at most. */
  readonly perSecond: number;
  /** Does it once. @throws Error if anything is not as it has to be. */
  once(lane: number): Promise<void>;
  /** Looks at what has come of it. @throws Error if anything is not as it has to be. */
  check(): Promise<void>;
}
