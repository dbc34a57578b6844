/** Sleep, wake, destroy, restart, shutdown: what an actor keeps and what it forgets. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ActorError } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start();
});
after(() => server.dispose());

const connectTo = () => createClient<typeof registry>(server.url);

const RICH = {
  nothing: null,
  missing: undefined,
  yes: true,
  zero: -0,
  nan: Number.NaN,
  big: 2n ** 100n,
  small: -5n,
  text: "naïve 😀",
  when: new Date(1_700_000_000_123),
  pattern: /a+b/giu,
  failure: new RangeError("too far"),
  buffer: new Uint8Array([1, 2, 3]).buffer,
  bytes: new Uint8Array([0, 255]),
  floats: new Float32Array([1.5, -2]),
  bigs: new BigUint64Array([7n]),
  map: new Map<unknown, unknown>([
    ["k", { deep: [1] }],
    [1, new Map([[true, new Set([1n])]])],
  ]),
  set: new Set<unknown>(["a", 1, null]),
  nested: { list: [[{ x: 1 }], []], empty: {} },
};

test("the hooks run in order, once per life and once per wake", async () => {
  const client = connectTo();
  const actor = client.memory.getOrCreate("order");
  assert.deepEqual(await actor.log(), ["createState", "onCreate", "onWake"]);
  await actor.nap();
  assert.deepEqual(await actor.log(), ["createState", "onCreate", "onWake", "onSleep", "onWake"]);
  await client.dispose();
});

test("state survives sleep and a restart of the process, whatever its kind; vars do not", async () => {
  const client = connectTo();
  const actor = client.memory.getOrCreate("rich");
  await actor.set(RICH);
  const born = await actor.born();
  await actor.nap();
  assert.deepEqual(await actor.get(), RICH);
  assert.notEqual(await actor.born(), born);
  await server.kill();
  await server.restart();
  assert.deepEqual(await actor.get(), RICH);
  await client.dispose();
});

test("an idle actor sleeps by itself, wakes on a call, and its connections do not notice", async () => {
  const client = connectTo();
  const napper = client.napper.getOrCreate("n");
  const connection = napper.connect();
  const counted: number[] = [];
  let opened = 0;
  connection.onOpen(() => {
    opened += 1;
  });
  connection.on("counted", (n) => counted.push(n));
  assert.equal(await connection.count(), 1);
  await eventually(async () => assert.ok((await napper.wakes()) > 1), { every: 300 });
  assert.equal(await napper.count(), 2);
  await eventually(() => assert.deepEqual(counted, [1, 2]));
  assert.equal(opened, 1);
  await client.dispose();
});

test("destroy answers, forgets everything, and frees the key", async () => {
  const client = connectTo();
  const actor = client.memory.getOrCreate("mortal");
  await actor.set("something");
  const id = await actor.resolve();
  const pinned = client.memory.getForId(id);
  const connection = actor.connect();
  await connection.ready;
  await actor.end();
  await assert.rejects(pinned.get(), (e) => e instanceof ActorError && e.code === "not_found");
  await eventually(async () => assert.notEqual(await actor.resolve(), id));
  assert.equal(await actor.get(), undefined);
  assert.equal(await connection.get(), undefined);
  await server.kill();
  await server.restart();
  await assert.rejects(pinned.get(), (e) => e instanceof ActorError && e.code === "not_found");
  await client.dispose();
});

test("an immediate save is on disk before it resolves", async () => {
  const client = connectTo();
  const actor = client.memory.getOrCreate("saved");
  assert.equal(await actor.keep("this"), "stored");
  await server.kill();
  await server.restart();
  assert.equal(await actor.get(), "this");
  await client.dispose();
});

test("a graceful stop puts actors to sleep, exits with 0, and loses nothing", async () => {
  const client = connectTo();
  const actor = client.memory.getOrCreate("graceful");
  await actor.set("kept");
  const connection = actor.connect();
  await connection.ready;
  assert.equal(await server.stop("SIGTERM"), 0);
  await server.restart();
  assert.equal(await actor.get(), "kept");
  assert.ok((await actor.log()).includes("onSleep"));
  // The connection comes back by itself.
  assert.equal(await connection.get(), "kept");
  await client.dispose();
});

test("the durability dial: what a kill takes back is what its setting says", async () => {
  const client = connectTo();
  const dial = client.dial.getOrCreate("d");
  await dial.strict();
  await dial.ephemeral();
  await server.kill();
  await server.restart();
  assert.deepEqual(await dial.read(), { strict: 1, relaxed: 0, ephemeral: 0 });
  // Due in a minute, it is not stored yet when its reply is there.
  assert.equal(await dial.relaxed(), 1);
  await server.kill();
  await server.restart();
  assert.deepEqual(await dial.read(), { strict: 1, relaxed: 0, ephemeral: 0 });
  await dial.relaxed();
  await dial.save();
  await server.kill();
  await server.restart();
  assert.deepEqual(await dial.read(), { strict: 1, relaxed: 1, ephemeral: 0 });
  // A stored change takes along what it builds on.
  await dial.ephemeral();
  await dial.relaxed();
  await dial.strict();
  await server.kill();
  await server.restart();
  assert.deepEqual(await dial.read(), { strict: 2, relaxed: 2, ephemeral: 1 });
  await client.dispose();
});
