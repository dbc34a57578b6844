/** A soak of a server that runs: load, samples, and a look at everything in the end. */

import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { type Client, createClient } from "@greenroom/client";
import { eventually } from "../harness/eventually.js";
import type { registry } from "../server/soak-registry.js";
import { Load, pauseUntil } from "./load.js";
import { Machine } from "./machine.js";
import { told } from "./metrics.js";
import { PATIENCE } from "./part.js";
import { parts } from "./parts.js";
import { look, type Sample } from "./sample.js";

/** How long after an error the server has to be there for the error not to be of its end, in milliseconds. */
const PROBABLY_ALIVE = 10_000;

/** What is soaked, and for how long. */
export interface SoakOptions {
  readonly url: string;
  readonly pid: number;
  readonly dataDir: string;
  readonly seconds: number;
  /** Pause between two samples, in seconds. */
  readonly every: number;
  /** Settles when the server process has ended. */
  readonly gone: Promise<unknown>;
  /** Called with each sample. */
  readonly onSample?: (sample: Sample) => void;
}

/** What came of it. */
export interface SoakResult {
  readonly samples: readonly Sample[];
  /** By part. */
  readonly operations: Readonly<Record<string, number>>;
}

/** Runs it to its end. @throws Error as soon as an answer is wrong or the server ends, and in the end if a state is wrong. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const client = createClient<typeof registry>({ endpoint: options.url });
  // The clients would wait for another server for ever.
  const gone = options.gone.then(() => {
    throw new Error("the server has ended");
  });
  try {
    return await Promise.race([work(client, options), gone]);
  } catch (error) {
    // One that has ended makes for many errors, some of them before its end is known.
    await Promise.race([gone, setTimeout(PROBABLY_ALIVE, undefined, { ref: false })]);
    throw error;
  } finally {
    await client.dispose();
  }
}

async function work(client: Client<typeof registry>, options: SoakOptions): Promise<SoakResult> {
  const todo = parts(client);
  const begin = performance.now();
  const load = new Load(todo.parts);
  const samples: Sample[] = [];
  const machine = new Machine(options.dataDir);
  await machine.look((await look(options.pid, options.dataDir)).cpu);
  const elapsed = () => (performance.now() - begin) / 1_000;
  // Where a look takes longer than the pause between two, some are left out.
  const after = (seconds: number) => (Math.floor(seconds / options.every) + 1) * options.every;
  for (let next = options.every; next <= options.seconds; next = after(Math.max(next, elapsed()))) {
    if (!(await pauseUntil(begin + next * 1_000, load.signal))) break;
    const seen = await look(options.pid, options.dataDir);
    const sample: Sample = {
      at: elapsed(),
      ...(await client.gauge.getOrCreate().look()),
      ...(await told(options.url)),
      ...seen,
      ...(await machine.look(seen.cpu)),
      operations: [...load.done.values()].reduce((sum, count) => sum + count, 0),
      latency: load.takeLatencies(),
    };
    samples.push(sample);
    options.onSample?.(sample);
  }
  await load.stop();
  for (const part of todo.parts) await part.check();
  await todo.end();
  await eventually(() => isAlone(options.url), PATIENCE);
  return { samples, operations: Object.fromEntries(load.done) };
}

/** @throws Error while the server still knows of clients or calls, all of which have gone. */
async function isAlone(url: string): Promise<void> {
  const { connections, calls } = await told(url);
  assert.deepEqual({ connections, calls }, { connections: 0, calls: 0 }, "what is left of all clients");
}
