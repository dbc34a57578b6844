/** Clients that come back to an actor that keeps its events, and to one that does not. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ClientConfig, Resync } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { CuttingProxy } from "../harness/cutting-proxy.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/resume-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/resume-main.js") });
});
after(() => server.dispose());

const direct = () => createClient<typeof registry>(server.url);

/** A client behind a proxy that can cut it off. */
async function distant(config: ClientConfig = {}) {
  const proxy = await CuttingProxy.start(server.port);
  const client = createClient<typeof registry>({
    disableMetadataLookup: true,
    ...config,
    endpoint: proxy.url,
  });
  return { proxy, client };
}

/** What can be heard of a connection. */
interface Heard {
  readonly log: string[];
  readonly resyncs: Resync[];
}

interface Audible {
  on(event: "tick" | "tock" | "whisper" | "secret", handler: (text: string) => void): () => void;
  onResync(listener: (resync: Resync) => void): () => void;
}

function listen(conn: Audible, events: readonly ("tick" | "tock" | "whisper" | "secret")[]): Heard {
  const heard: Heard = { log: [], resyncs: [] };
  for (const event of events) conn.on(event, (text) => heard.log.push(`${event} ${text}`));
  conn.onResync((resync) => heard.resyncs.push(resync));
  return heard;
}

const ways: readonly ClientConfig[] = [
  {},
  { encoding: "json" },
  { encoding: "cbor" },
  { transport: "sse" },
  { transport: "sse", encoding: "json" },
];

for (const way of ways) {
  const { encoding = "bare", transport = "websocket" } = way;
  test(`a client gets what it missed, and nothing twice (${transport}, ${encoding})`, async () => {
    const key = `missed-${transport}-${encoding}`;
    const { proxy, client } = await distant(way);
    const speaker = direct().feed.getOrCreate(key);
    const conn = client.feed.getOrCreate(key, { params: { name: "ann" } }).connect();
    await conn.ready;
    await speaker.say("tick", "before");
    const { log, resyncs } = listen(conn, ["tick", "whisper", "secret"]);
    await conn.sync();
    await speaker.say("tick", "1", "2");
    await conn.whisper("psst");
    await eventually(() => assert.equal(log.length, 3));
    proxy.cutAll();
    await speaker.say("tick", "3");
    await speaker.say("tock", "nobody listens");
    await speaker.say("secret", "4");
    await speaker.say("tick", "5");
    await eventually(() => assert.equal(log.length, 6));
    await speaker.say("tick", "6");
    await eventually(() => assert.equal(log.length, 7));
    assert.deepEqual(log, ["tick 1", "tick 2", "whisper psst", "tick 3", "secret 4", "tick 5", "tick 6"]);
    assert.deepEqual(resyncs, []);
  });

  test(`what an actor has forgotten is one resync, before what follows (${transport}, ${encoding})`, async () => {
    const key = `forgotten-${transport}-${encoding}`;
    const { proxy, client } = await distant(way);
    const speaker = direct().short.getOrCreate(key);
    const conn = client.short.getOrCreate(key).connect();
    const { log, resyncs } = listen(conn, ["tick"]);
    conn.onResync(() => log.push("resync"));
    await conn.sync();
    await speaker.say("tick", "1");
    await eventually(() => assert.deepEqual(log, ["tick 1"]));
    // The client does not come back before everything is said.
    proxy.plan = () => ({ after: 1, halfOpen: false });
    proxy.cutAll();
    for (const text of ["2", "3", "4", "5", "6"]) await speaker.say("tick", text);
    proxy.plan = () => undefined;
    await eventually(() => assert.deepEqual(log, ["tick 1", "resync"]));
    await speaker.say("tick", "7");
    await eventually(() => assert.deepEqual(log, ["tick 1", "resync", "tick 7"]));
    assert.deepEqual(resyncs, [{ reason: "expired", from: 1, to: 6 }]);
  });
}

for (const transport of ["websocket", "sse"] as const) {
  test(`a client that is back before its old connection is missed takes its place (${transport})`, async () => {
    const key = `half-open-${transport}`;
    const { proxy, client } = await distant({ transport });
    const speaker = direct().feed.getOrCreate(key);
    const conn = client.feed.getOrCreate(key, { params: { name: "ann" } }).connect();
    const { log, resyncs } = listen(conn, ["tick", "whisper"]);
    await conn.sync();
    proxy.cutAll(true);
    // Only the client knows of it: to the actor, the old connection is still there.
    await speaker.say("tick", "1", "2");
    await conn.whisper("3");
    await eventually(() => assert.deepEqual(log, ["tick 1", "tick 2", "whisper 3"]));
    await eventually(async () => assert.equal(await speaker.conns(), 1));
    await speaker.say("tick", "4");
    await eventually(() => assert.equal(log.length, 4));
    assert.deepEqual(resyncs, []);
  });

  test(`missed events outlive the sleep of the actor and the end of the process (${transport})`, async () => {
    const key = `sleeps-${transport}`;
    const { proxy, client } = await distant({ transport });
    const speaker = direct().feed.getOrCreate(key);
    const conn = client.feed.getOrCreate(key, { params: { name: "ann" } }).connect();
    const { log, resyncs } = listen(conn, ["tick"]);
    await conn.sync();
    proxy.plan = () => ({ after: 1, halfOpen: false });
    proxy.cutAll();
    await speaker.say("tick", "1");
    await speaker.nap();
    await speaker.say("tick", "2");
    await server.kill();
    await server.restart();
    await speaker.say("tick", "3");
    proxy.plan = () => undefined;
    await eventually(() => assert.deepEqual(log, ["tick 1", "tick 2", "tick 3"]), { within: 30_000 });
    assert.deepEqual(resyncs, []);
  });

  test(`the next actor of a key is another one (${transport})`, async () => {
    const key = `destroyed-${transport}`;
    const { client } = await distant({ transport });
    const speaker = direct().feed.getOrCreate(key);
    const conn = client.feed.getOrCreate(key, { params: { name: "ann" } }).connect();
    const { log, resyncs } = listen(conn, ["tick"]);
    await conn.sync();
    await speaker.say("tick", "1", "2");
    await eventually(() => assert.equal(log.length, 2));
    await speaker.end();
    await eventually(() => assert.equal(resyncs.length, 1));
    await conn.sync();
    await speaker.say("tick", "of the next");
    await eventually(() => assert.deepEqual(log, ["tick 1", "tick 2", "tick of the next"]));
    assert.deepEqual(resyncs, [{ reason: "unknown", from: 2, to: 0 }]);
  });

  test(`an actor that keeps nothing says so after each reconnection (${transport})`, async () => {
    const key = `off-${transport}`;
    const { proxy, client } = await distant({ transport });
    const conn = client.deaf.getOrCreate(key).connect();
    let opened = 0;
    conn.onOpen(() => {
      opened += 1;
    });
    await conn.sync();
    const resyncs: Resync[] = [];
    conn.onResync((resync) => resyncs.push(resync));
    // Who listens to nothing misses nothing.
    proxy.cutAll();
    await eventually(() => assert.equal(opened, 2));
    await conn.sync();
    assert.deepEqual(resyncs, []);
    conn.on("tick", () => {});
    for (const times of [1, 2]) {
      await conn.sync();
      proxy.cutAll();
      await eventually(() => assert.equal(resyncs.length, times));
    }
    assert.deepEqual(resyncs, [{ reason: "off" }, { reason: "off" }]);
  });
}

test("guards are asked again before what was missed is told", async () => {
  const { proxy, client } = await distant();
  const speaker = direct().feed.getOrCreate("guarded");
  const params = { name: "ann", mayHear: true };
  const conn = client.feed.getOrCreate("guarded", { getParams: async () => ({ ...params }) }).connect();
  const { log, resyncs } = listen(conn, ["tick", "secret"]);
  const errors: string[] = [];
  conn.onError(({ group, code }) => errors.push(`${group}.${code}`));
  await conn.sync();
  await speaker.say("secret", "1");
  await eventually(() => assert.equal(log.length, 1));
  proxy.cutAll();
  await speaker.say("secret", "2");
  await speaker.say("tick", "3");
  await eventually(() => assert.deepEqual(log, ["secret 1", "secret 2", "tick 3"]));
  params.mayHear = false;
  proxy.cutAll();
  await speaker.say("secret", "4");
  await speaker.say("tick", "5");
  await eventually(() => assert.equal(log.length, 4));
  await speaker.say("secret", "6");
  await speaker.say("tick", "7");
  await eventually(() => assert.equal(log.length, 5));
  assert.deepEqual(log.slice(3), ["tick 5", "tick 7"]);
  assert.deepEqual(errors, ["auth.forbidden"]);
  assert.deepEqual(resyncs, []);
});

test("who began or ended to listen meanwhile hears what was sent while it listened", async () => {
  const { proxy, client } = await distant();
  const speaker = direct().feed.getOrCreate("changing");
  const conn = client.feed.getOrCreate("changing", { params: { name: "ann" } }).connect();
  const { log, resyncs } = listen(conn, ["tick"]);
  const tocks: string[] = [];
  const stop = conn.on("tock", (text) => tocks.push(text));
  await conn.sync();
  proxy.plan = () => ({ after: 1, halfOpen: false });
  proxy.cutAll();
  await speaker.say("tock", "1");
  stop();
  await speaker.say("tock", "2");
  conn.on("tock", (text) => tocks.push(text));
  conn.on("secret", (text) => log.push(`secret ${text}`));
  await speaker.say("secret", "3");
  await speaker.say("tick", "4");
  proxy.plan = () => undefined;
  await conn.sync();
  await speaker.say("tock", "5");
  await eventually(() => assert.deepEqual(tocks, ["5"]));
  assert.deepEqual(log, ["tick 4"]);
  assert.deepEqual(resyncs, []);
});

test("any number of subscriptions goes on", async () => {
  const { proxy, client } = await distant();
  const speaker = direct().feed.getOrCreate("wide");
  const conn = client.feed.getOrCreate("wide", { params: { name: "ann" } }).connect();
  const { log, resyncs } = listen(conn, ["tick"]);
  // More of them, and with longer names, than fit into one message; the actor has no such events.
  const on = conn.on as (event: string, handler: () => void) => void;
  for (let count = 0; count < 1_000; count++) on(`${"long ".repeat(40)}${count}`, () => {});
  const last = new Promise<void>((heard, missed) => {
    conn.on("tock", (text) => {
      log.push(`tock ${text}`);
      heard();
    });
    conn.onResync(({ reason }) => missed(new Error(`it cannot be told everything: ${reason}`)));
  });
  await conn.sync();
  proxy.cutAll();
  await speaker.say("tick", "1");
  await speaker.say("tock", "2");
  await last;
  assert.deepEqual(log, ["tick 1", "tock 2"]);
  assert.deepEqual(resyncs, []);
});

test("many events that a client does not listen to are no reason for a resync", async () => {
  const { proxy, client } = await distant();
  const speaker = direct().short.getOrCreate("rare");
  const conn = client.short.getOrCreate("rare").connect();
  const { log, resyncs } = listen(conn, ["tick"]);
  await conn.sync();
  for (let count = 0; count < 10; count++) await speaker.say("tock", String(count));
  proxy.cutAll();
  for (let count = 0; count < 10; count++) await speaker.say("tock", String(count));
  await speaker.say("tick", "1");
  await eventually(() => assert.deepEqual(log, ["tick 1"]));
  assert.deepEqual(resyncs, []);
});
