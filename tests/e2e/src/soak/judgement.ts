/** Whether a server has stayed as it was: figures of the second and of the last fifth of a soak, and their bounds. */

import type { Sample } from "./sample.js";

/** What is made of a figure. `disturbed`: it is beyond its bound, and so was what else went on on the machine. */
export type Verdict = "flat" | "grown" | "disturbed";

/** One figure at two times. */
export interface Finding {
  readonly what: string;
  readonly unit: string;
  /** What it was in the second fifth: the first is warm-up. A median, if nothing else is said. */
  readonly early: number;
  /** What it was in the last fifth. */
  readonly late: number;
  /** The most that it may be then; absent for what says something of the machine only. */
  readonly bound?: number;
  readonly verdict: Verdict;
}

/** The fewest samples with which a fifth says anything. */
export const FEWEST_SAMPLES = 25;

/** The share of the processors from which on others decide how long an answer takes. */
const BUSY = 0.25;

/** What rows in the store's tables take beside what it counts of them: nodes of its lists, and the allocator's own. */
const PER_ROW = 0.1;

const MB = 2 ** 20;

interface Figure {
  readonly what: string;
  readonly unit: string;
  /** `undefined` in samples in which there was nothing to measure. `before` is the sample before it in its fifth. */
  readonly of: (sample: Sample, before: Sample | undefined) => number | undefined;
  /** Which value of a fifth stands for it, of those in order. Default: the median. */
  readonly pick?: (sorted: readonly number[]) => number | undefined;
}

interface Bounded extends Figure {
  /** The factor by which it may grow, and the amount on top. */
  readonly factor: number;
  readonly more: number;
  /** It depends on what else goes on on the machine. */
  readonly isTiming?: true;
  /** There are runtimes and systems that do not tell. */
  readonly isOptional?: true;
}

const FIGURES: readonly Bounded[] = [
  // The store keeps a table for a while that it has written to a file, and says nothing of it: up to 48 MB more or less,
  // so the lowest is what counts. Of memory that was used and is free again, some stays with the process.
  {
    what: "memory beside the store's, lowest",
    unit: "MB",
    of: (sample) => (sample.resident - heldByStore(sample)) / MB,
    pick: lowest,
    factor: 1.1,
    more: 16,
  },
  // Of it, rows of keys and alarms take 5 MB more after half an hour: each 120 bytes beside what the store counts, and
  // their tables are in no file before some hours have passed.
  {
    what: "native memory beside the store's, lowest",
    unit: "MB",
    of: (sample) => (sample.native === undefined ? undefined : (sample.native - heldByStore(sample)) / MB),
    pick: lowest,
    factor: 1.05,
    more: 8,
    isOptional: true,
  },
  // Its tables are 77 MB when all are full, and the cache is 64 MB.
  {
    what: "memory of the store",
    unit: "MB",
    of: (sample) => heldByStore(sample) / MB,
    factor: 0,
    more: 77 * (1 + PER_ROW) + 64,
  },
  { what: "JavaScript heap", unit: "MB", of: ({ heap }) => heap / MB, factor: 1.05, more: 1 },
  { what: "JavaScript buffers", unit: "MB", of: ({ external }) => external / MB, factor: 1, more: 4 },
  { what: "timers", unit: "", of: ({ timers }) => timers, factor: 1, more: 16, isOptional: true },
  // All that sleep soon may be awake at once where answers take long; their number stays the same.
  { what: "actors awake", unit: "", of: ({ awake }) => awake, factor: 1, more: 140 },
  { what: "connections", unit: "", of: ({ connections }) => connections, factor: 1, more: 8 },
  { what: "calls", unit: "", of: ({ calls }) => calls, factor: 1, more: 32 },
  { what: "open files", unit: "", of: ({ files }) => files, factor: 1, more: 4 },
  // It has one for each of its tables, and there are more of them the more is written, up to a bound for each level.
  { what: "open files of the store", unit: "", of: ({ storeFiles }) => storeFiles, factor: 2, more: 32 },
  {
    what: "removed files that are open",
    unit: "",
    of: ({ removedFiles }) => removedFiles,
    factor: 1,
    more: 8,
  },
  // One leak for each visit, or each request, would be thousands.
  { what: "open sockets", unit: "", of: ({ sockets }) => sockets, factor: 1, more: 32 },
  // The core has threads for slow work, which end when there is none.
  { what: "threads", unit: "", of: ({ threads }) => threads, factor: 1, more: 16 },
  // The store's log is up to 64 MB and what comes until a table is full, and the first one may be kept beside the next.
  { what: "data directory", unit: "MB", of: ({ data }) => data / MB, factor: 2, more: 128 },
  {
    what: "processor time for an operation",
    unit: "µs",
    of: perOperation,
    factor: 1.25,
    more: 100,
    isTiming: true,
  },
  {
    what: "live p50",
    unit: "ms",
    of: ({ latency }) => latency.live?.p50,
    factor: 1.5,
    more: 2,
    isTiming: true,
  },
  {
    what: "http p50",
    unit: "ms",
    of: ({ latency }) => latency.http?.p50,
    factor: 1.5,
    more: 2,
    isTiming: true,
  },
];

const AROUND = {
  others: { what: "processors taken by others", unit: "%", of: ({ others }: Sample) => others * 100 },
  sync: { what: "a sync of the disk", unit: "ms", of: ({ sync }: Sample) => sync },
} as const satisfies Record<string, Figure>;

/** The processor time for each of the operations since the sample before, in microseconds. */
function perOperation(sample: Sample, before: Sample | undefined): number | undefined {
  const operations = sample.operations - (before?.operations ?? sample.operations);
  return operations > 0 ? (1_000 * (sample.cpu - (before?.cpu ?? 0))) / operations : undefined;
}

/** The store's memory, in bytes. */
function heldByStore({ tables, cache }: Sample): number {
  return tables * (1 + PER_ROW) + cache;
}

/** Looks at all figures. @throws Error if there are too few samples. */
export function judge(samples: readonly Sample[]): readonly Finding[] {
  if (samples.length < FEWEST_SAMPLES) {
    throw new Error(`${samples.length} samples say nothing about growth; it takes ${FEWEST_SAMPLES}`);
  }
  const fifth = samples.length / 5;
  const early = samples.slice(Math.floor(fifth), Math.floor(2 * fifth));
  const late = samples.slice(Math.floor(4 * fifth));
  const at = (figure: Figure): [number, number] => [standsFor(figure, early), standsFor(figure, late)];
  const [others, sync] = [at(AROUND.others), at(AROUND.sync)];
  const isDisturbed = Math.max(...others) > 100 * BUSY || sync[1] > sync[0] * 1.5 + 1;
  const around = [
    { ...AROUND.others, early: others[0], late: others[1] },
    { ...AROUND.sync, early: sync[0], late: sync[1] },
  ].map(({ what, unit, early, late }): Finding => ({ what, unit, early, late, verdict: "flat" }));
  const findings = FIGURES.flatMap((figure): Finding[] => {
    const { what, unit, of, factor, more, isTiming, isOptional } = figure;
    if (isOptional && samples.every((sample) => of(sample, undefined) === undefined)) return [];
    const [before, after] = at(figure);
    const bound = before * factor + more;
    // One that was never measured is not within its bound either.
    const beyond: Verdict = isTiming && isDisturbed && after > bound ? "disturbed" : "grown";
    return [{ what, unit, early: before, late: after, bound, verdict: after <= bound ? "flat" : beyond }];
  });
  return [...findings, ...around];
}

/** What stands for the values of one figure; `NaN` if there are none. */
function standsFor({ of, pick = median }: Figure, samples: readonly Sample[]): number {
  const values = samples
    .map((sample, index) => of(sample, samples[index - 1]))
    .filter((value) => value !== undefined);
  return pick(values.sort((a, b) => a - b)) ?? Number.NaN;
}

function median(sorted: readonly number[]): number | undefined {
  return sorted[Math.floor(sorted.length / 2)];
}

function lowest(sorted: readonly number[]): number | undefined {
  return sorted[0];
}
