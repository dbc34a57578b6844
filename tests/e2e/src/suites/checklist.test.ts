/** What users count on and no other suite is about: handles after a destruction, saves, listeners, routing. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ActorError } from "@greenroom/client";
import { setupTest } from "greenroom/test";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import { registry } from "../server/checklist-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/checklist-main.js") });
});
after(() => server.dispose());

const connectTo = () => createClient<typeof registry>(server.url);

const refused = (call: Promise<unknown>, code: string) =>
  assert.rejects(call, (error) => {
    assert.ok(error instanceof ActorError, String(error));
    assert.equal(`${error.group}.${error.code}`, code);
    return true;
  });

test("a handle by key works again after its actor was destroyed; one by id does not", async () => {
  const client = connectTo();
  const handle = client.box.getOrCreate("reborn");
  const connection = handle.connect();
  await connection.ready;
  let id = await handle.resolve();
  const pinned = client.box.getForId(id);
  const reborn = async () => {
    const before = id;
    await eventually(async () => {
      id = await handle.resolve();
      assert.notEqual(id, before);
    });
  };

  await handle.end();
  await handle.send("values", "through a queue");
  await eventually(async () => assert.equal(await handle.get(), "through a queue"));
  await reborn();
  await handle.end();
  assert.equal(((await (await handle.fetch("/")).json()) as { value: unknown }).value, null);
  await reborn();
  await eventually(async () => assert.equal(await connection.get(), undefined));
  await eventually(() => assert.equal(connection.actorId, id));

  await refused(pinned.get(), "actor.not_found");
  await refused(pinned.send("values", "x"), "actor.not_found");
  assert.equal((await pinned.fetch("/")).status, 404);
  await handle.end();
  await eventually(async () => {
    await refused(client.box.get("reborn").resolve(), "actor.not_found");
  });
  const again = await client.box.create("reborn", { input: { value: "created" } });
  assert.equal(await again.get(), "created");
  await client.dispose();
});

test("a save with a deadline is on disk after it", async () => {
  const client = connectTo();
  const [saved, unsaved] = [client.lazy.getOrCreate("saved"), client.lazy.getOrCreate("unsaved")];
  await saved.set(1, 50);
  await unsaved.set(1);
  // Long after it, so that a busy machine has the time.
  await delay(1_500);
  await server.kill();
  await server.restart();
  assert.deepEqual([await saved.get(), await unsaved.get()], [1, 0]);
  await client.dispose();
});

test("an action may give a promise without being async", async () => {
  const client = connectTo();
  assert.equal(await client.box.getOrCreate("promise").later("value"), "value");
  assert.equal(await client.box.getOrCreate("promise").connect().later("value"), "value");
  await client.dispose();
});

test("an action that waits for nothing is never timed out", async () => {
  const client = connectTo();
  const hasty = client.hasty.getOrCreate("h");
  assert.equal(await hasty.block(200), "done");
  await refused(hasty.wait(10_000), "actor.action_timed_out");
  await client.dispose();
});

test("an action has a minute unless the options say otherwise", async (t) => {
  const { client, clock } = await setupTest(t, registry);
  let outcome = "waits";
  const ended = refused(client.box.getOrCreate("hangs").hang(), "actor.action_timed_out").then(() => {
    outcome = "timed out";
  });
  await clock.advance(59_999);
  assert.equal(outcome, "waits");
  await clock.advance(1);
  await ended;
});

test("onOpen and onClose have any number of listeners, and each can be taken back", async () => {
  const client = connectTo();
  const connection = client.box.getOrCreate("listeners").connect();
  const heard: string[] = [];
  connection.onOpen(() => heard.push("open 1"));
  const stop = connection.onOpen(() => heard.push("open 2"));
  connection.onClose(() => heard.push("close 1"));
  connection.onClose(() => heard.push("close 2"))();
  await connection.ready;
  await eventually(() => assert.deepEqual(heard, ["open 1", "open 2"]));
  stop();
  await server.kill();
  await eventually(() => assert.deepEqual(heard.slice(2), ["close 1"]));
  await server.restart();
  await eventually(() => assert.deepEqual(heard.slice(3), ["open 1"]));
  await client.dispose();
});

test("the actor knows a connection by the id that its client has", async () => {
  const client = connectTo();
  const connection = client.box.getOrCreate("ids").connect();
  assert.equal(await connection.whichConnection(), connection.connectionId);
  await client.dispose();
});

test("sleeping twice is sleeping once", async () => {
  const client = connectTo();
  const box = client.box.getOrCreate("twice");
  await box.napTwice();
  assert.equal(await box.sleeps(), 1);
  await client.dispose();
});

test("a raw request in progress keeps the actor awake", async () => {
  const client = connectTo();
  const response = await client.drowsy.getOrCreate("d").fetch("/");
  assert.deepEqual(await response.json(), { before: 0, after: 0 });
  await eventually(async () => assert.ok((await client.drowsy.getOrCreate("d").sleeps()) > 0), {
    every: 150,
  });
  await client.dispose();
});

test("requests are routed by header and by query, and actors see nothing of either", async () => {
  const client = connectTo();
  const box = client.box.getOrCreate(["routed", "b"]);
  await box.set("found");
  const id = await box.resolve();
  const headers = { "x-rivet-target": "actor", "x-rivet-actor": id };
  const byHeader = await fetch(new URL("/request/a/b?q=1", server.url), { headers });
  assert.equal(byHeader.status, 200);
  const [path, query] = (await box.getGatewayUrl()).split("?");
  const byQuery = await fetch(`${path}/request/a/b?${query}&q=1`);
  for (const response of [byHeader, byQuery]) {
    const { value, url } = (await response.json()) as { value: string; url: string };
    assert.equal(value, "found");
    assert.deepEqual([new URL(url).pathname, new URL(url).search], ["/a/b", "?q=1"]);
  }
  const call = await fetch(new URL("/action/get", server.url), {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: '{"args":[]}',
  });
  assert.deepEqual(await call.json(), { output: "found" });
  await client.dispose();
});

test("the server says that it is well, and what it serves", async () => {
  const health = await fetch(new URL("/health", server.url));
  assert.equal(health.status, 200);
  const metadata = (await (await fetch(new URL("/metadata", server.url))).json()) as { actorNames: object };
  assert.deepEqual(Object.keys(metadata.actorNames).sort(), ["box", "drowsy", "hasty", "lazy"]);
  const client = connectTo();
  const [path, query] = (await client.box.getOrCreate("well").getGatewayUrl()).split("?");
  assert.equal((await fetch(`${path}/health?${query}`)).status, 200);
  await client.dispose();
});
