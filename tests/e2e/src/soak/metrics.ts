/** What the server says of itself at `/metrics`. */

import type { Sample } from "./sample.js";

/** The figures of {@link Sample} that only the server knows. */
export type Told = Pick<Sample, "native" | "tables" | "cache" | "awake" | "connections" | "calls">;

/** Asks the server. @throws Error if it does not answer, or leaves out a figure that it has to know. */
export async function told(url: string): Promise<Told> {
  const response = await fetch(`${url}/metrics`);
  if (!response.ok) throw new Error(`/metrics answers ${response.status}`);
  const text = await response.text();
  const native = find(text, "greenroom_native_memory_bytes");
  return {
    tables: sum(text, 'greenroom_store_memory_bytes{part="tables"}'),
    cache: sum(text, 'greenroom_store_memory_bytes{part="cache"}'),
    ...(native === undefined ? {} : { native }),
    awake: sum(text, "greenroom_actors_awake"),
    connections: sum(text, "greenroom_actor_connections"),
    calls: sum(text, "greenroom_actor_calls"),
  };
}

/** The sum of all samples of a metric, or one sample. */
function sum(text: string, metric: string): number {
  const found = find(text, metric);
  if (found === undefined) throw new Error(`there is no ${metric} in /metrics`);
  return found;
}

function find(text: string, metric: string): number | undefined {
  const samples = text
    .split("\n")
    .filter((line) => ["{", " "].some((next) => line.startsWith(metric + next)));
  if (samples.length === 0) return undefined;
  return samples.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" "))), 0);
}
