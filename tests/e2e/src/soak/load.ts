/** Runs the parts at their pace, and keeps account of what they take. */

import { setMaxListeners } from "node:events";
import type { Part } from "./part.js";

/** How long operations took, in milliseconds. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

/** The load of all parts, until it is told to end or something is wrong. */
export class Load {
  /** Operations that were done, by part. */
  readonly done = new Map<string, number>();
  /** Settles when all lanes have ended; rejects with what was wrong first. */
  readonly ended: Promise<void>;
  readonly #stop = new AbortController();
  readonly #took = new Map<string, number[]>();

  constructor(parts: readonly Part[]) {
    // Each lane listens, which is more than Node.js expects.
    setMaxListeners(0, this.signal);
    const lanes = parts.flatMap((part) =>
      Array.from({ length: part.lanes }, (_, lane) => this.#run(part, lane)),
    );
    this.ended = Promise.all(lanes).then(() => {});
    // Whoever awaits it later hears of it then.
    this.ended.catch(() => this.#stop.abort());
  }

  /** Lets each lane finish what it is at. */
  stop(): Promise<void> {
    this.#stop.abort();
    return this.ended;
  }

  /** Aborted when it ends. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Latencies since the last time, by part; parts that did nothing meanwhile are left out. */
  takeLatencies(): Readonly<Record<string, Latency>> {
    const latencies: Record<string, Latency> = {};
    for (const [name, took] of this.#took) {
      if (took.length === 0) continue;
      took.sort((a, b) => a - b);
      latencies[name] = { count: took.length, p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
      this.#took.set(name, []);
    }
    return latencies;
  }

  async #run(part: Part, lane: number): Promise<void> {
    const pause = 1_000 / part.perSecond;
    // Lanes begin one after the other, or they would do everything in the same moment for ever.
    let next = performance.now() + (pause * lane) / part.lanes;
    while (await this.#isTime(next)) {
      const begin = performance.now();
      try {
        await part.once(lane);
      } catch (error) {
        throw new Error(`${part.name}, lane ${lane}: ${String(error)}`, { cause: error });
      }
      this.#note(part.name, performance.now() - begin);
      // What was missed is not made up for: the load has a bound.
      next = Math.max(next + pause, performance.now());
    }
  }

  #note(name: string, ms: number): void {
    this.done.set(name, (this.done.get(name) ?? 0) + 1);
    const took = this.#took.get(name);
    if (took === undefined) this.#took.set(name, [ms]);
    else took.push(ms);
  }

  /** Waits until then; `false` if the load ends before. */
  #isTime(then: number): Promise<boolean> {
    return pauseUntil(then, this.signal);
  }
}

/** Waits until `performance.now()` is `then`; `false` as soon as `signal` is aborted. */
export function pauseUntil(then: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (result: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      resolve(result);
    };
    const abort = () => end(false);
    const timer = setTimeout(() => end(true), Math.max(0, then - performance.now()));
    signal.addEventListener("abort", abort);
  });
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
