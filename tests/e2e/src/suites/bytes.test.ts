/** What a change costs in bytes written: the same, however large the state is that it is made in. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, mock, test } from "node:test";
import type { Client } from "@greenroom/client";
import { NativeRegistry } from "@greenroom/native";
import { actor, setup } from "greenroom";
import { createClient } from "../harness/client.js";
import { list } from "../server/registry.js";

/** Large collections of every kind, to be changed in one place. */
const shapes = actor({
  state: {
    rows: [] as { id: number; tags: string[] }[],
    byName: {} as Record<string, number>,
    byId: new Map<number, string>(),
    members: new Set<number>(),
  },
  actions: {
    fill: (c, size: number) => {
      const numbers = Array.from({ length: size }, (_, i) => i + 1000);
      c.state.rows = numbers.map((id) => ({ id, tags: [] }));
      c.state.byName = Object.fromEntries(numbers.map((id) => [`name ${id}`, id]));
      c.state.byId = new Map(numbers.map((id) => [id, "value"]));
      c.state.members = new Set(numbers);
    },
    nested: (c) => c.state.rows[7]?.tags.push("tag"),
    property: (c) => {
      c.state.byName["name 1007"] = 1;
    },
    entry: (c) => {
      c.state.byId.set(1007, "other");
    },
    removal: (c) => c.state.byId.delete(1008),
    member: (c) => {
      c.state.members.add(7);
    },
    nothing: (c) => c.state.rows.length,
  },
});

interface Stats {
  readonly commits: number;
  readonly journalBytes: number;
  readonly snapshots: number;
}

const registry = () => setup({ use: { list, shapes }, port: 0, dataDir, noWelcome: true });
let dataDir: string;
let served: ReturnType<typeof registry>;
let native: NativeRegistry;
let client: Client<typeof served>;
let endpoint: string;

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "greenroom-bytes-"));
  // The registry keeps its native part to itself; the counters are read where it is started.
  const start = mock.method(NativeRegistry.prototype, "start");
  served = registry();
  const { url } = await served.start();
  native = start.mock.calls[0]?.this as NativeRegistry;
  start.mock.restore();
  endpoint = url;
  // Calls that are made again have their answers recorded: that is not what a change of the state costs.
  client = createClient<typeof served>({ endpoint, retryTimeout: 0 });
});
after(async () => {
  await client.dispose();
  await served.shutdown();
  await rm(dataDir, { recursive: true, force: true });
});

/** What the journals grew by while `change` ran. */
async function cost(change: () => Promise<unknown>): Promise<{ commits: number; bytes: number }> {
  const stats = () => JSON.parse(native.stats()) as Stats;
  const before = stats();
  await change();
  const now = stats();
  return { commits: now.commits - before.commits, bytes: now.journalBytes - before.journalBytes };
}

test("appending one element writes the same bytes at 100 and at 100,000 elements", async () => {
  const costs: unknown[] = [];
  for (const size of [100, 100_000]) {
    const actor = client.list.getOrCreate(`list of ${size}`);
    assert.equal(await actor.fill(size), size);
    costs.push(await cost(() => actor.append("one more")));
    assert.equal(await actor.length(), size + 1);
  }
  const [small, large] = costs as [{ commits: number; bytes: number }, unknown];
  assert.deepEqual(large, small);
  assert.equal(small.commits, 1);
  assert.ok(small.bytes > "one more".length && small.bytes < 64, `${small.bytes} bytes`);
});

test("the record of an answer costs some bytes beside it, however large the state is", async (t) => {
  const careful = createClient<typeof served>({ endpoint });
  t.after(() => careful.dispose());
  const plain = client.list.getOrCreate("recorded");
  assert.equal(await plain.fill(100_000), 100_000);
  const without = await cost(() => plain.append("one more"));
  const recorded = await cost(() => careful.list.getOrCreate("recorded").append("one more"));
  assert.equal(recorded.commits, 1);
  assert.ok(recorded.bytes > without.bytes, "there is a record");
  assert.ok(recorded.bytes < without.bytes + 64, `${recorded.bytes} bytes instead of ${without.bytes}`);
});

test("a thousand appends to a large list write a thousand times that", async () => {
  const actor = client.list.getOrCreate("busy list");
  await actor.fill(100_000);
  const one = await cost(() => actor.append("0000"));
  const thousand = await cost(async () => {
    for (let i = 0; i < 1000; i++) await actor.append(String(i).padStart(4, "0"));
  });
  assert.deepEqual(thousand, { commits: 1000, bytes: 1000 * one.bytes });
});

for (const change of ["nested", "property", "entry", "removal", "member"] as const) {
  test(`a change of one ${change} writes the same bytes in a small and in a large state`, async () => {
    const costs: { commits: number; bytes: number }[] = [];
    for (const size of [100, 20_000]) {
      const actor = client.shapes.getOrCreate([change, String(size)]);
      await actor.fill(size);
      costs.push(await cost(() => actor.action({ name: change, args: [] })));
    }
    assert.deepEqual(costs[1], costs[0]);
    assert.ok(costs[0] !== undefined && costs[0].bytes < 64, JSON.stringify(costs));
  });
}

test("an action that changes nothing writes nothing", async () => {
  const actor = client.shapes.getOrCreate("idle");
  await actor.fill(1000);
  assert.deepEqual(await cost(() => actor.nothing()), { commits: 0, bytes: 0 });
});
