/** What actors weigh, as those see it who run the server. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/isolation-registry.js";

/** An actor as `/actors/largest` lists it. */
interface Heavy {
  readonly actor_id: string;
  readonly name: string;
  readonly key: string;
  readonly awake: boolean;
  readonly total_bytes: number;
  readonly state_bytes: number;
  readonly kv_bytes: number;
  readonly queue_bytes: number;
  readonly journal_bytes: number;
  readonly connections: number;
}

async function largest(server: ServerProcess, query = ""): Promise<readonly Heavy[]> {
  const response = await fetch(`${server.url}/actors/largest${query}`);
  assert.equal(response.status, 200);
  return ((await response.json()) as { readonly actors: readonly Heavy[] }).actors;
}

test("an actor that grows is seen growing, and named when it is large", async (t) => {
  const server = await ServerProcess.start({ script: join(DIST, "server/isolation-main.js") });
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  const small = client.hoarder.getOrCreate("small");
  await small.keep(10);
  const heavy = client.hoarder.getOrCreate(["a", "heavy one"]);
  const id = await heavy.resolve();
  const seen = async (): Promise<Heavy> => {
    const [first] = await largest(server, "?name=hoarder&limit=1");
    assert.ok(first !== undefined);
    return first;
  };

  await heavy.keep(50_000);
  await eventually(async () => {
    const { actor_id, key, awake, state_bytes, total_bytes, journal_bytes } = await seen();
    assert.deepEqual([actor_id, key, awake], [id, "a/heavy one", true]);
    assert.ok(state_bytes >= 50_000 && state_bytes < 120_000, `${state_bytes}`);
    assert.ok(total_bytes >= state_bytes && journal_bytes > 0);
  });
  await heavy.keepPairs(20, 10_000);
  await heavy.queueUp(10, 10_000);
  await eventually(async () => {
    const { kv_bytes, queue_bytes, total_bytes } = await seen();
    assert.ok(kv_bytes >= 200_000 && kv_bytes < 250_000, `${kv_bytes}`);
    assert.ok(queue_bytes >= 100_000 && queue_bytes < 120_000, `${queue_bytes}`);
    assert.ok(total_bytes >= 350_000, `${total_bytes}`);
  });
  assert.doesNotMatch(server.stderr, /an actor is large/);

  for (let n = 0; n < 20; n++) await heavy.keep(50_000);
  await eventually(() => {
    const line = server.stderr.split("\n").find((line) => line.includes("an actor is large"));
    assert.match(line ?? "", /actor="hoarder" key="a\/heavy one" id="\w+" total_bytes=\d{7}/);
    assert.ok(line?.includes(id), line);
    assert.match(line ?? "", /limit_bytes=1000000/);
  });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const value = (sample: string): number =>
    Number(
      metrics
        .split("\n")
        .find((line) => line.startsWith(sample))
        ?.split(" ")
        .at(-1),
    );
  assert.ok(value('greenroom_actor_bytes{actor="hoarder",part="state"}') > 1_000_000);
  assert.ok(value('greenroom_actor_largest_bytes{actor="hoarder"}') > 1_300_000);
  assert.equal(value('greenroom_actors_awake{actor="hoarder"}'), 2);
  assert.equal(value('greenroom_actors_awake{actor="calm"}'), 0);
  // No ids and keys among the labels: they would be a series each.
  assert.doesNotMatch(metrics, new RegExp(`${id}|heavy one`));
  await eventually(async () => {
    assert.match(
      await (await fetch(`${server.url}/metrics`)).text(),
      /greenroom_js_heap_bytes\{part="used"\} \d{7}/,
    );
  });

  // Asleep it weighs nothing; what it was is there when it wakes.
  await heavy.forget();
  await heavy.sleepNow();
  await eventually(async () => {
    const [first] = await largest(server, "?name=hoarder");
    assert.equal(first?.key, "small");
  });
  await heavy.keep(1);
  await eventually(async () => {
    const { key, kv_bytes, state_bytes } = await seen();
    assert.equal(key, "a/heavy one");
    assert.ok(kv_bytes >= 200_000 && state_bytes < 10_000, `${kv_bytes} ${state_bytes}`);
  });
});
