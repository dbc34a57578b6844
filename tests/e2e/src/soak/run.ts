/** A soak of a server that runs: load, samples, and a look at everything in the end. */

import { createClient } from "@greenroom/client";
import type { registry } from "../server/soak-registry.js";
import { Load, pauseUntil } from "./load.js";
import { parts } from "./parts.js";
import { look, type Sample } from "./sample.js";

/** What is soaked, and for how long. */
export interface SoakOptions {
  readonly url: string;
  readonly pid: number;
  readonly dataDir: string;
  readonly seconds: number;
  /** Pause between two samples, in seconds. */
  readonly every: number;
  /** Called with each sample. */
  readonly onSample?: (sample: Sample) => void;
}

/** What came of it. */
export interface SoakResult {
  readonly samples: readonly Sample[];
  /** By part. */
  readonly operations: Readonly<Record<string, number>>;
}

/** Runs it to its end. @throws Error as soon as an answer is wrong, and in the end if a state is. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const client = createClient<typeof registry>({ endpoint: options.url });
  try {
    const work = parts(client);
    const begin = performance.now();
    const load = new Load(work.parts);
    const samples: Sample[] = [];
    for (let number = 1; number * options.every <= options.seconds; number++) {
      if (!(await pauseUntil(begin + number * options.every * 1_000, load.signal))) break;
      const sample: Sample = {
        at: (performance.now() - begin) / 1_000,
        heap: await client.gauge.getOrCreate().look(),
        ...(await look(options.pid, options.dataDir)),
        operations: [...load.done.values()].reduce((sum, count) => sum + count, 0),
        latency: load.takeLatencies(),
      };
      samples.push(sample);
      options.onSample?.(sample);
    }
    await load.stop();
    for (const part of work.parts) await part.check();
    await work.end();
    return { samples, operations: Object.fromEntries(load.done) };
  } finally {
    await client.dispose();
  }
}
