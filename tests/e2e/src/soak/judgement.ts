/** Whether a server has stayed as it was: medians of the second and of the last fifth of a soak, and their bounds. */

import type { Sample } from "./sample.js";

/** One figure at two times. */
export interface Finding {
  readonly what: string;
  readonly unit: string;
  /** Its median in the second fifth: the first is warm-up. */
  readonly early: number;
  /** Its median in the last fifth. */
  readonly late: number;
  /** The most that it may be then. */
  readonly bound: number;
  readonly isWithin: boolean;
}

/** The fewest samples with which a fifth says anything. */
export const FEWEST_SAMPLES = 25;

const MB = 2 ** 20;

interface Figure {
  readonly what: string;
  readonly unit: string;
  /** `undefined` in samples in which there was nothing to measure. */
  readonly of: (sample: Sample) => number | undefined;
  /** The factor by which it may grow, and the amount on top. */
  readonly factor: number;
  readonly more: number;
}

const FIGURES: readonly Figure[] = [
  { what: "memory", unit: "MB", of: ({ resident }) => resident / MB, factor: 1.1, more: 16 },
  { what: "JavaScript heap", unit: "MB", of: ({ heap }) => heap / MB, factor: 1.1, more: 4 },
  // The store has a file for each of its tables, and their number grows with the logarithm of what was written.
  { what: "open files", unit: "", of: ({ files }) => files, factor: 1.5, more: 16 },
  // One leak for each visit, or each request, would be thousands.
  { what: "open sockets", unit: "", of: ({ sockets }) => sockets, factor: 1, more: 32 },
  // The core has threads for slow work, which end when there is none.
  { what: "threads", unit: "", of: ({ threads }) => threads, factor: 1, more: 16 },
  { what: "data directory", unit: "MB", of: ({ data }) => data / MB, factor: 2, more: 128 },
  { what: "live p50", unit: "ms", of: ({ latency }) => latency.live?.p50, factor: 1.5, more: 2 },
  { what: "http p50", unit: "ms", of: ({ latency }) => latency.http?.p50, factor: 1.5, more: 2 },
];

/** Looks at all figures. @throws Error if there are too few samples. */
export function judge(samples: readonly Sample[]): readonly Finding[] {
  if (samples.length < FEWEST_SAMPLES) {
    throw new Error(`${samples.length} samples say nothing about growth; it takes ${FEWEST_SAMPLES}`);
  }
  const fifth = samples.length / 5;
  const early = samples.slice(Math.floor(fifth), Math.floor(2 * fifth));
  const late = samples.slice(Math.floor(4 * fifth));
  return FIGURES.map(({ what, unit, of, factor, more }) => {
    const [before, after] = [median(early.map(of)), median(late.map(of))];
    const bound = before * factor + more;
    // One that was never measured is not within its bound either.
    return { what, unit, early: before, late: after, bound, isWithin: after <= bound };
  });
}

function median(values: readonly (number | undefined)[]): number {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
