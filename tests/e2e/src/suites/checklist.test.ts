/** What users count on and no other suite is about: handles, limits to the byte, connections step by step, routing. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ActorConnDisposed, ActorError, createClient } from "@greenroom/client";
import { TestSocket } from "../bad-input/ws-client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/checklist-registry.js";

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

test("connections open from every kind of handle, and reach the same actor", async () => {
  const client = connectTo();
  const made = await client.box.create("kinds");
  const id = await made.resolve();
  const handles = [made, client.box.get("kinds"), client.box.getOrCreate("kinds"), client.box.getForId(id)];
  for (const [index, handle] of handles.entries()) {
    const connection = handle.connect();
    await connection.set(`set by ${index}`);
    assert.equal(connection.actorId, id);
    assert.equal(await handle.get(), `set by ${index}`);
  }
  await client.dispose();
});

test("a missing actor is missing for every use of its handle", async () => {
  const client = connectTo();
  const missing = client.box.get("nobody");
  await refused(missing.get(), "actor.not_found");
  await refused(missing.resolve(), "actor.not_found");
  await refused(missing.send("values", "x"), "actor.not_found");
  assert.equal((await missing.fetch("/")).status, 404);
  await refused(missing.connect().get(), "actor.not_found");
  await client.dispose();
});

test("no key is the empty key, and no other", async () => {
  const client = connectTo();
  await client.box.getOrCreate().set("without");
  assert.equal(await client.box.getOrCreate([]).get(), "without");
  assert.deepEqual(await client.box.get([]).key(), []);
  for (const key of ["", "a", "/"]) assert.equal(await client.box.getOrCreate(key).get(), undefined, key);
  await client.dispose();
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
  await delay(400);
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

const MAX_IN = 65_536;
const MAX_OUT = 1_048_576;

test("requests and replies of exactly the limit pass over HTTP, one byte more does not", async () => {
  const client = connectTo();
  const [path, query] = (await client.box.getOrCreate("bytes").getGatewayUrl()).split("?");
  const call = async (name: string, body: string): Promise<string> => {
    const response = await fetch(`${path}/action/${name}?${query}`, { method: "POST", body });
    return response.text();
  };
  const bodyOf = (length: number) => `{"args":["${"x".repeat(length - 13)}"]}`;
  assert.equal(bodyOf(100).length, 100);
  assert.match(await call("echo", bodyOf(MAX_IN)), /^\{"output":"x/);
  assert.match(await call("echo", bodyOf(MAX_IN + 1)), /incoming_too_long/);
  const frame = '{"output":""}'.length;
  const reply = await call("repeat", `{"args":[${MAX_OUT - frame}]}`);
  assert.equal(reply.length, MAX_OUT);
  assert.match(await call("repeat", `{"args":[${MAX_OUT - frame + 1}]}`), /outgoing_too_long/);
  await client.dispose();
});

test("frames of exactly the limit pass over a WebSocket, one byte more does not", async () => {
  const open = () => TestSocket.connect(server.port, "json", "box");
  const frameOf = (length: number) => {
    const frame = (text: string) =>
      JSON.stringify({ body: { tag: "ActionRequest", val: { id: 1, name: "echo", args: [text] } } });
    return frame("x".repeat(length - frame("").length));
  };
  const socket = await open();
  socket.raw.send(frameOf(MAX_IN));
  assert.match(String(await socket.next()), /"ActionResponse"/);
  const ask = (length: number) => {
    const val = { id: 1, name: "repeat", args: [length] };
    socket.raw.send(JSON.stringify({ body: { tag: "ActionRequest", val } }));
    return socket.next();
  };
  const around = String(await ask(0)).length;
  assert.equal(String(await ask(MAX_OUT - around)).length, MAX_OUT);
  assert.match(String(await ask(MAX_OUT - around + 1)), /outgoing_too_long/);
  socket.raw.send(frameOf(MAX_IN + 1));
  assert.match((await socket.ended).reason, /incoming_too_long/);
});

test("a connection is idle, connecting, connected, disconnected, and comes to its end once", async () => {
  const client = connectTo();
  const connection = client.box.getOrCreate("statuses").connect();
  const seen: string[] = [connection.connStatus];
  const stop = connection.onStatusChange((status) => seen.push(status));
  let unheard = 0;
  connection.onStatusChange(() => unheard++)();
  assert.deepEqual([connection.actorId, connection.connectionId], [undefined, undefined]);
  await connection.ready;
  assert.equal(typeof connection.actorId, "string");
  assert.equal(typeof connection.connectionId, "string");
  await server.kill();
  await eventually(() => assert.ok(seen.includes("disconnected")));
  await server.restart();
  await eventually(() => assert.equal(connection.connStatus, "connected"));
  assert.deepEqual(seen.slice(0, 4), ["idle", "connecting", "connected", "disconnected"]);
  assert.equal(unheard, 0);
  stop();
  const known = seen.length;
  await connection.dispose();
  assert.deepEqual([connection.connStatus, seen.length], ["idle", known]);
  await assert.rejects(connection.get(), ActorConnDisposed);
  connection.on("anything", () => assert.fail("it is over"));
  await connection.dispose();
  await client.dispose();
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

test("getParams is asked once for each socket; what it throws is reported, and it is asked again", async () => {
  const client = connectTo();
  let asked = 0;
  const getParams = async () => {
    asked += 1;
    if (asked === 1) throw new Error("no token yet");
    return { name: `visit ${asked}` };
  };
  const connection = client.lounge.getOrCreate("params", { getParams }).connect();
  const errors: string[] = [];
  connection.onError((error) => errors.push(`${error.group}.${error.code}`));
  assert.deepEqual(await connection.present(), ["visit 2"]);
  assert.deepEqual(await connection.present(), ["visit 2"]);
  assert.deepEqual([asked, errors], [2, ["client.get_params_failed"]]);
  await server.kill();
  await server.restart();
  assert.deepEqual(await connection.present(), ["visit 3"]);
  assert.equal(asked, 3);
  await client.dispose();
});

test("a connection is not listed before it has been let in", async () => {
  const client = connectTo();
  const lounge = client.lounge.getOrCreate("preflight");
  const waiting = client.lounge
    .getOrCreate("preflight", { params: { name: "waiting", slow: true } })
    .connect();
  const isIn = waiting.ready.then(() => true);
  assert.deepEqual(await lounge.present(), []);
  // Its opening has reached the actor when this lets it in.
  await eventually(async () => {
    await lounge.letIn();
    assert.equal(await Promise.race([isIn, delay(20, false)]), true);
  });
  assert.deepEqual(await lounge.present(), ["waiting"]);
  assert.deepEqual(await lounge.log(), ["+waiting"]);
  await client.dispose();
});

test("the actor knows a connection by the id that its client has", async () => {
  const client = connectTo();
  const connection = client.lounge.getOrCreate("ids").connect();
  assert.equal(await connection.myId(), connection.connectionId);
  await client.dispose();
});

test("a client that leaves while the actor sleeps is gone when it wakes; others hear later events", async () => {
  const [leaving, staying] = [connectTo(), connectTo()];
  const as = (name: string) => ({ params: { name } });
  const gone = leaving.lounge.getOrCreate("asleep", as("leaving")).connect();
  const here = staying.lounge.getOrCreate("asleep", as("staying")).connect();
  const heard: string[] = [];
  here.on("hello", (text) => heard.push(text));
  await Promise.all([gone.ready, here.ready]);
  await here.nap();
  await leaving.dispose();
  const lounge = staying.lounge.getOrCreate("asleep");
  await eventually(async () => assert.deepEqual(await lounge.present(), ["staying"]));
  await lounge.greet("still there?");
  await eventually(() => assert.deepEqual(heard, ["still there?"]));
  await staying.dispose();
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
  assert.deepEqual(Object.keys(metadata.actorNames).sort(), ["box", "drowsy", "hasty", "lazy", "lounge"]);
  const client = connectTo();
  const [path, query] = (await client.box.getOrCreate("well").getGatewayUrl()).split("?");
  assert.equal((await fetch(`${path}/health?${query}`)).status, 200);
  await client.dispose();
});
