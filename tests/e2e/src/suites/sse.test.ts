/** Connections over event streams: our client, a proxy that blocks WebSockets, and the bare protocol. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ActorError, type ClientConfig } from "@greenroom/client";
import { BlockingProxy } from "../harness/blocking-proxy.js";
import { createClient } from "../harness/client.js";
import { RawEventStream } from "../harness/event-stream.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { Program } from "../harness/program.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/registry.js";

let server: ServerProcess;
/** Open from the beginning, for the heartbeat at the end. */
let quiet: RawEventStream;
before(async () => {
  server = await ServerProcess.start();
  quiet = await RawEventStream.open(streamOf("counter", "quiet"));
});
after(async () => {
  quiet?.close();
  await server.dispose();
});

const connectTo = (config: ClientConfig = {}) =>
  createClient<typeof registry>({ endpoint: server.url, transport: "sse", ...config });
const as = (user: string) => ({ params: { user } });

function streamOf(actor: string, key: string, more = ""): string {
  const query = `rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=${key}`;
  return `${server.url}/gateway/${actor}/sse?${query}${more}`;
}

for (const encoding of ["json", "cbor", "bare"] as const) {
  test(`calls, events and errors in ${encoding}`, async () => {
    const client = connectTo({ encoding });
    const counter = client.counter.getOrCreate(`talk-${encoding}`).connect();
    const heard: number[] = [];
    counter.on("newCount", (count) => heard.push(count));
    assert.equal(await counter.increment(3), 3);
    // Before the reply of the call that it belongs to.
    assert.deepEqual(heard, [3]);
    const calls = Array.from({ length: 20 }, () => counter.increment(1));
    assert.deepEqual(
      await Promise.all(calls),
      Array.from({ length: 20 }, (_, i) => 4 + i),
    );
    assert.equal(heard.length, 21);
    await assert.rejects(counter.fail(), (error) => {
      assert.ok(error instanceof ActorError);
      assert.deepEqual([error.group, error.code, error.metadata], ["user", "my_code", { a: 1 }]);
      return true;
    });
    const value = { bytes: new Uint8Array([1, 2, 255]), big: 2n ** 70n, text: "line\nline\u2028 \u{1f3ad}" };
    assert.deepEqual(await counter.echo(value), value);
    if (encoding !== "json") {
      const rich = { when: new Date(7), map: new Map([[1, new Set(["a"])]]) };
      assert.deepEqual(await counter.echo(rich), rich);
    }
    await client.dispose();
  });
}

test("params reach the hooks, messages find their target, and the actor learns when a client leaves", async () => {
  const client = connectTo();
  const ann = client.room.getOrCreate("r1", as("ann")).connect();
  const bob = createClient<typeof registry>(server.url).room.getOrCreate("r1", as("bob")).connect();
  const whispers: string[][] = [];
  ann.on("whisper", (from, text) => whispers.push([from, text]));
  await Promise.all([ann.ready, bob.ready]);
  assert.deepEqual(await ann.who(), ["ann", "bob"]);
  assert.equal(await ann.calls(), 1);
  assert.equal(await ann.calls(), 2);
  await bob.whisper("ann", "psst");
  await eventually(() => assert.deepEqual(whispers, [["bob", "psst"]]));
  await ann.dispose();
  await eventually(async () => assert.deepEqual(await bob.who(), ["bob"]));
  await bob.dispose();
  await client.dispose();
});

test("a connection refused by the actor is told why, in the open and in its calls", async () => {
  const client = connectTo();
  const connection = client.room.getOrCreate("gate", as("banned")).connect();
  const seen = new Promise<ActorError>((resolve) => connection.onError(resolve));
  await assert.rejects(connection.who(), { group: "user", code: "banned", message: "not you" });
  assert.deepEqual((await seen).metadata, { user: "banned" });
  await client.dispose();
});

test("the actor can throw a client out, and says so", async () => {
  const client = connectTo();
  const ann = client.room.getOrCreate("kick", as("ann")).connect();
  const closed = new Promise((resolve) => ann.onClose(resolve));
  await ann.ready;
  await client.room.getOrCreate("kick", as("op")).kick("ann");
  assert.deepEqual(await closed, { code: 1000, reason: "kicked" });
  await client.dispose();
});

test("a connection survives the sleep of its actor", async () => {
  const client = connectTo();
  const ann = client.room.getOrCreate("sleepy", as("ann")).connect();
  assert.equal(await ann.calls(), 1);
  await ann.nap();
  assert.equal(await ann.calls(), 2);
  await client.dispose();
});

test("a message that is too long costs the connection, and its call says why", async () => {
  const client = connectTo();
  const counter = client.counter.getOrCreate("long").connect();
  await counter.ready;
  await assert.rejects(counter.echo("x".repeat(70_000)), { group: "message", code: "incoming_too_long" });
  assert.equal(await counter.echo("short"), "short");
  await client.dispose();
});

for (const runtime of ["node", "bun"] as const) {
  test(`in ${runtime} the client does everything, and lets the process end`, async () => {
    const args = [server.url, "sse"];
    const { code, stdout, stderr } = await new Program(`${DIST}/server/talk.js`, { args, runtime }).ended;
    assert.equal(code, 0, stderr);
    const { seen } = JSON.parse(stdout) as { seen: Record<string, unknown> };
    const refusal = ["user", "my_code", { a: 1 }];
    const expected = {
      overHttp: 1,
      overWebSocket: 3,
      event: 3,
      bytes: [1, 2, 255],
      big: String(2n ** 70n),
      refusals: [refusal, refusal],
    };
    assert.deepEqual(seen, { json: expected, cbor: expected, bare: expected });
    assert.equal(stderr, "");
  });
}

for (const refusal of ["answer", "hang up"] as const) {
  test(`behind a proxy that blocks WebSockets (${refusal}) a connection falls back by itself`, async () => {
    const proxy = await BlockingProxy.start(server.url, refusal);
    const client = createClient<typeof registry>(proxy.url);
    const room = client.room.getOrCreate(`blocked-${refusal.length}`, as("ann"));
    const connection = room.connect();
    const said: string[] = [];
    connection.on("said", (text) => said.push(text));
    assert.deepEqual(await connection.who(), ["ann"]);
    await connection.say("through");
    assert.deepEqual(said, ["through"]);
    assert.equal(proxy.refused, 2);
    // What was learned holds for further connections.
    const second = room.connect();
    await second.ready;
    assert.equal(proxy.refused, 2);
    const insisting = createClient<typeof registry>({ endpoint: proxy.url, transport: "websocket" });
    const stubborn = insisting.room.getOrCreate("stubborn").connect();
    await eventually(() => assert.ok(proxy.refused >= 6));
    assert.notEqual(stubborn.connStatus, "connected");
    await Promise.all([client.dispose(), insisting.dispose()]);
    await proxy.stop();
  });
}

test("the default is a WebSocket, also when the server was down before", async () => {
  const late = await ServerProcess.start();
  await late.kill();
  const streams: string[] = [];
  const counting: typeof fetch = (input, init) => {
    if (String(input).includes("/sse?")) streams.push(String(input));
    return fetch(input, init);
  };
  const client = createClient<typeof registry>({ endpoint: late.url, runtime: { fetch: counting } });
  const connection = client.counter.getOrCreate("late").connect();
  const failures: string[] = [];
  connection.onError((error) => failures.push(error.code));
  await eventually(() => assert.ok(failures.length >= 3));
  await late.restart();
  await connection.ready;
  await late.kill();
  await eventually(() => assert.ok(failures.length >= 5));
  await late.restart();
  assert.equal(await connection.increment(1), 1);
  assert.deepEqual(streams, []);
  await client.dispose();
  await late.dispose();
});

test("the protocol can be read and spoken by hand", async () => {
  const stream = await RawEventStream.open(
    streamOf("room", "raw", "&rvt-conn-params=%7B%22user%22%3A%22curl%22%7D"),
  );
  const { headers } = stream.response;
  assert.equal(headers.get("content-type"), "text/event-stream");
  assert.equal(headers.get("cache-control"), "no-cache, no-transform");
  assert.equal(headers.get("x-accel-buffering"), "no");
  const init = await stream.event();
  const { tag, val } = (init.data as { body: { tag: string; val: Record<string, string> } }).body;
  assert.deepEqual([init.first, tag], ["id: 1", "Init"]);
  const send = (message: unknown, token = val.connectionToken ?? "") =>
    fetch(`${server.url}/connections/${val.connectionId}/message`, {
      method: "POST",
      headers: { "x-rivet-conn-token": token },
      body: JSON.stringify({ body: message }),
    });
  const subscribe = { tag: "SubscriptionRequest", val: { eventName: "said", subscribe: true } };
  const say = { tag: "ActionRequest", val: { id: 0, name: "say", args: ["hello"] } };
  assert.equal((await send(subscribe)).status, 202);
  const accepted = await send(say);
  assert.deepEqual([accepted.status, await accepted.text()], [202, ""]);
  assert.deepEqual(await stream.event(), {
    first: "id: 2",
    data: { body: { tag: "Event", val: { name: "welcome", args: ["curl"] } } },
  });
  assert.deepEqual(await stream.event(), {
    first: "id: 3",
    data: { body: { tag: "Event", val: { name: "said", args: ["hello"] } } },
  });
  assert.equal((await stream.event()).first, "id: 4");
  const stranger = await send(say, "guessed");
  assert.equal(stranger.status, 403);
  assert.equal(((await stranger.json()) as { code: string }).code, "forbidden");
  assert.equal((await send({ tag: "Nonsense" })).status, 400);
  assert.deepEqual(await stream.event(), {
    first: "event: close",
    data: { code: 1011, reason: "actor.invalid_request" },
  });
  assert.equal(await stream.next(), undefined);
  const gone = await send(say);
  assert.deepEqual([gone.status, gone.headers.get("x-rivet-error")], [404, "connection.not_found"]);
});

test("a quiet stream has its heartbeat after 15 seconds", async () => {
  assert.equal((await quiet.event()).first, "id: 1");
  assert.deepEqual(await quiet.next(), [":"]);
});

test("after the server was killed, the connection comes back by itself and subscribes again", async () => {
  const client = connectTo();
  const connection = client.room.getOrCreate("restart", as("ann")).connect();
  const heard: string[] = [];
  connection.on("said", (text) => heard.push(text));
  await connection.ready;
  await connection.say("before");
  await server.kill();
  await eventually(() => assert.notEqual(connection.connStatus, "connected"));
  const queued = connection.who();
  await server.restart();
  assert.deepEqual(await queued, ["ann"]);
  await connection.say("after");
  assert.deepEqual(heard, ["before", "after"]);
  await client.dispose();
});

test("a server that stops says so, and the connection finds its successor", async () => {
  const client = connectTo();
  const connection = client.counter.getOrCreate("stopped").connect();
  const closed = new Promise((resolve) => connection.onClose(resolve));
  assert.equal(await connection.increment(1), 1);
  await server.stop("SIGTERM");
  assert.deepEqual(await closed, { code: 1001, reason: "ws.going_away" });
  const queued = connection.increment(1);
  await server.restart();
  assert.equal(await queued, 2);
  await client.dispose();
});
