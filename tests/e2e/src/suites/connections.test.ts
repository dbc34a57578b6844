/** Admission, connection state, targeted messages, subscriptions, disconnects, reconnects. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { ActorConnDisposed, ActorError } from "@greenroom/client";
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
const as = (user: string) => ({ params: { user } });

test("params reach the hooks, state is per connection, messages find their target", async () => {
  const client = connectTo();
  const ann = client.room.getOrCreate("r1", as("ann")).connect();
  const bob = client.room.getOrCreate("r1", as("bob")).connect();
  const welcomed: string[] = [];
  const whispers: string[][] = [];
  ann.on("welcome", (user) => welcomed.push(user));
  bob.on("whisper", (from, text) => whispers.push([from, text]));
  ann.on("whisper", () => assert.fail("not meant for ann"));
  await Promise.all([ann.ready, bob.ready]);
  assert.deepEqual(await ann.who(), ["ann", "bob"]);
  assert.equal(await ann.calls(), 1);
  assert.equal(await ann.calls(), 2);
  assert.equal(await bob.calls(), 1);
  await ann.whisper("bob", "psst");
  await eventually(() => assert.deepEqual(whispers, [["ann", "psst"]]));
  assert.deepEqual(welcomed, ["ann"]);
  assert.equal(typeof ann.actorId, "string");
  await ann.dispose();
  await eventually(async () => assert.deepEqual(await bob.who(), ["bob"]));
  assert.ok((await bob.log()).includes("-ann"));
  await client.dispose();
});

test("connection state survives the actor's sleep", async () => {
  const client = connectTo();
  const ann = client.room.getOrCreate("sleepy", as("ann")).connect();
  assert.equal(await ann.calls(), 1);
  await ann.nap();
  assert.equal(await ann.calls(), 2);
  assert.deepEqual(await ann.who(), ["ann"]);
  await client.dispose();
});

for (const [user, code] of [
  ["banned", "user.banned"],
  ["crash", "internal_error"],
] as const) {
  test(`a connection refused by the actor (${user}) is told why, in the open and in its calls`, async () => {
    const client = connectTo();
    const room = client.room.getOrCreate("gate", as(user));
    const refused = (error: unknown) =>
      error instanceof ActorError &&
      `${error.group}.${error.code}`.includes(code) &&
      !/secret/.test(error.message);
    await assert.rejects(room.who(), refused);
    const connection = room.connect();
    const seen = new Promise<unknown>((resolve) => connection.onError(resolve));
    await assert.rejects(connection.who(), refused);
    assert.ok(refused(await seen));
    await client.dispose();
    const guest = connectTo();
    assert.ok(!(await guest.room.getOrCreate("gate", as("guest")).log()).includes(`-${user}`));
    await guest.dispose();
  });
}

test("events reach subscribers only, in order, before the reply of their action, and stop when asked", async () => {
  const client = connectTo();
  const a = client.room.getOrCreate("events", as("a")).connect();
  const b = client.room.getOrCreate("events", as("b")).connect();
  const heard: string[] = [];
  const once: string[] = [];
  const stop = a.on("said", (text) => heard.push(text));
  a.once("said", (text) => once.push(text));
  await Promise.all([a.ready, b.ready]);
  await a.say("0");
  assert.deepEqual(heard, ["0"]);
  for (let i = 1; i < 50; i++) void b.say(String(i));
  await b.who();
  await a.who();
  assert.deepEqual(
    heard,
    Array.from({ length: 50 }, (_, i) => String(i)),
  );
  assert.deepEqual(once, ["0"]);
  stop();
  await a.who();
  await b.say("unheard");
  await a.who();
  assert.equal(heard.length, 50);
  await client.dispose();
});

test("the actor can throw a client out; a call over HTTP still reaches the others", async () => {
  const client = connectTo();
  const room = client.room.getOrCreate("kick", as("op"));
  const ann = client.room.getOrCreate("kick", as("ann")).connect();
  const closed = new Promise<void>((resolve) => ann.onClose(() => resolve()));
  const said = new Promise<string>((resolve) => ann.on("said", resolve));
  await ann.ready;
  await room.say("over http");
  assert.equal(await said, "over http");
  await room.kick("ann");
  await closed;
  await client.dispose();
});

test("after the server was killed, the connection comes back by itself and subscribes again", async () => {
  const client = connectTo();
  const room = client.room.getOrCreate("restart", as("ann"));
  const connection = room.connect();
  const heard: string[] = [];
  const statuses: string[] = [];
  connection.onStatusChange((status) => statuses.push(status));
  connection.on("said", (text) => heard.push(text));
  await connection.ready;
  await connection.say("before");
  await server.kill();
  await eventually(() => assert.notEqual(connection.connStatus, "connected"));
  // Called while nobody is there: it waits for the new connection.
  const queued = connection.who();
  await server.restart();
  assert.deepEqual(await queued, ["ann"]);
  await connection.say("after");
  assert.deepEqual(heard, ["before", "after"]);
  assert.deepEqual(statuses.filter((s, i) => s !== statuses[i - 1]).slice(-2), ["connecting", "connected"]);
  await connection.dispose();
  await assert.rejects(connection.who(), ActorConnDisposed);
  await client.dispose();
});

test("disposing lets the process end by itself", async () => {
  const { spawn } = await import("node:child_process");
  const script = `
    import { createClient } from "@greenroom/client";
    const client = createClient(${JSON.stringify(server.url)});
    const connection = client.getOrCreate("counter", "exit").connect();
    await connection.action({ name: "increment", args: [1] });
    await client.dispose();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd: new URL("../..", import.meta.url),
    stdio: "inherit",
  });
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
});

test("the hooks see the request behind a call, an upgrade and an event stream", async () => {
  const headers = { "x-trace": "7" };
  const handle = createClient<typeof registry>({ endpoint: server.url, headers }).visitors.getOrCreate("v");
  const call = await handle.whoAmI();
  assert.deepEqual([call.method, call.pathname, call.search], ["POST", "/action/whoAmI", ""]);
  assert.equal(call.trace, "7");
  for (const [transport, path] of [
    ["websocket", "/connect"],
    ["sse", "/sse"],
  ] as const) {
    const client = createClient<typeof registry>({ endpoint: server.url, headers, transport });
    const conn = client.visitors.getOrCreate("v").connect();
    const seen = await conn.whoAmI();
    assert.deepEqual([seen.method, seen.pathname], ["GET", path]);
    await client.dispose();
  }
});
