/** Calls that their callers give up, whichever way they came. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ClientConfig } from "@greenroom/client";
import { WebSocket } from "ws";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { createRivetClient } from "../harness/rivet.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/calls-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/calls-main.js") });
});
after(() => server.dispose());

const connectTo = (config: ClientConfig = {}) =>
  createClient<typeof registry>({ endpoint: server.url, ...config });

const ABORTED = { group: "actor", code: "aborted" };

for (const encoding of ["json", "cbor", "bare"] as const) {
  for (const transport of [undefined, "websocket", "sse"] as const) {
    test(`an abort reaches the action over ${transport ?? "http"} in ${encoding}`, async () => {
      const client = connectTo({ encoding, ...(transport === undefined ? {} : { transport }) });
      const handle = client.patient.getOrCreate(["abort", encoding, transport ?? "http"]);
      const connection = transport === undefined ? undefined : handle.connect();
      const callee = connection ?? handle;
      const controller = new AbortController();
      const call = callee.action({ name: "wait", args: ["a"], signal: controller.signal });
      const other = callee.action({ name: "echo", args: ["b"], signal: controller.signal });
      assert.equal(await other, "b");
      await eventually(async () => assert.deepEqual(await handle.log(), ["+a"]));
      controller.abort();
      await assert.rejects(call, ABORTED);
      await eventually(async () => assert.deepEqual(await handle.log(), ["+a", "-a true"]));
      // The connection goes on.
      assert.equal(await callee.echo(1), 1);
      await assert.rejects(callee.action({ name: "echo", args: [2], signal: controller.signal }), ABORTED);
      await client.dispose();
    });
  }
}

/** Calls an action as our client does, but lets its connection go without a word. */
async function callAndVanish(gateway: string, name: string, until: () => Promise<void>): Promise<void> {
  const gone = new AbortController();
  const call = fetch(gateway.replace("?", "/action/wait?"), {
    method: "POST",
    headers: { "x-rivet-encoding": "json", "x-greenroom-call": `${randomBytes(16).toString("hex")}.0.0.0` },
    body: JSON.stringify({ args: [name] }),
    signal: gone.signal,
  });
  call.catch(() => {});
  await until();
  gone.abort();
  await assert.rejects(call);
}

test("who aborts over HTTP is not waited for, but who only loses the connection may come back", async (t) => {
  const client = connectTo();
  t.after(() => client.dispose());
  const handle = client.patient.getOrCreate("vanished");
  const logs = (entries: string[]) => eventually(async () => assert.deepEqual(await handle.log(), entries));
  await callAndVanish(await handle.getGatewayUrl(), "lost", () => logs(["+lost"]));
  // Those who were lost later are told later, unless they have said that they do not come back.
  const controller = new AbortController();
  const call = handle.action({ name: "wait", args: ["aborted"], signal: controller.signal });
  await logs(["+lost", "+aborted"]);
  controller.abort();
  await assert.rejects(call, ABORTED);
  await logs(["+lost", "+aborted", "-aborted true"]);
});

test("an actor that gives up its call of another one is not waited for either", async (t) => {
  const client = connectTo();
  t.after(() => client.dispose());
  const handle = client.patient.getOrCreate("left");
  const logs = (entries: string[]) => eventually(async () => assert.deepEqual(await handle.log(), entries));
  await callAndVanish(await handle.getGatewayUrl(), "lost", () => logs(["+lost"]));
  await client.peer.getOrCreate("leaves").leave("left", "a");
  await logs(["+lost", "+a", "-a true"]);
});

for (const transport of ["websocket", "sse"] as const) {
  test(`a client that is disposed is not waited for over ${transport}`, async (t) => {
    const watcher = connectTo();
    t.after(() => watcher.dispose());
    const handle = watcher.patient.getOrCreate(["disposed", transport]);
    const logs = (entries: string[]) => eventually(async () => assert.deepEqual(await handle.log(), entries));
    await callAndVanish(await handle.getGatewayUrl(), "lost", () => logs(["+lost"]));
    const client = connectTo({ transport });
    const call = client.patient.getOrCreate(["disposed", transport]).connect().wait("a");
    const failed = assert.rejects(call, { group: "client", code: "connection_disposed" });
    await logs(["+lost", "+a"]);
    await client.dispose();
    await failed;
    await logs(["+lost", "+a", "-a true"]);
  });
}

test("that a call is given up can be said of any call, and creates and reveals nothing", async (t) => {
  const client = connectTo();
  t.after(() => client.dispose());
  const caller = randomBytes(16).toString("hex");
  const say = async (gateway: string, headers: Record<string, string>) => {
    const url = gateway.replace("?", "/action/wait?");
    const response = await fetch(url, { method: "DELETE", headers });
    return [response.status, response.headers.get("x-rivet-error"), await response.text()] as const;
  };
  const gateway = await client.patient.getOrCreate("nobody").getGatewayUrl();
  const given = { "x-greenroom-call": `${caller}.0.0.0` };
  assert.deepEqual(await say(gateway, given), [204, null, ""]);
  await assert.rejects(client.patient.get("nobody").log(), { code: "not_found" });
  await client.patient.getOrCreate("nobody").log();
  assert.deepEqual(await say(gateway, given), [204, null, ""]);
  assert.equal((await say(gateway, {}))[0], 405);
  for (const malformed of ["", "x", caller, `${caller}.0.1.0`]) {
    const [status, error] = await say(gateway, { "x-greenroom-call": malformed });
    assert.deepEqual([status, error], [400, "request.invalid"], malformed);
  }
});

test("an action that is given up before its connection is open is never sent", async () => {
  const client = connectTo();
  const handle = client.patient.getOrCreate("early");
  const connection = handle.connect();
  const controller = new AbortController();
  const call = connection.action({ name: "wait", args: ["a"], signal: controller.signal });
  controller.abort();
  await assert.rejects(call, ABORTED);
  assert.equal(await connection.echo("later"), "later");
  assert.deepEqual(await handle.log(), []);
  await client.dispose();
});

test("a client that disappears gives up its calls", async () => {
  const client = connectTo();
  const handle = client.patient.getOrCreate("gone");
  const url = `${await handle.getGatewayUrl()}`.replace("http", "ws").replace("?", "/connect?");
  const socket = new WebSocket(url, ["rivet", "rivet_encoding.json"]);
  await new Promise((resolve) => socket.once("message", resolve));
  const request = { id: 1, name: "wait", args: ["a"] };
  socket.send(JSON.stringify({ body: { tag: "ActionRequest", val: request } }));
  await eventually(async () => assert.deepEqual(await handle.log(), ["+a"]));
  socket.terminate();
  await eventually(async () => assert.deepEqual(await handle.log(), ["+a", "-a true"]));
  await client.dispose();
});

test("clients that did not ask for the extensions see nothing of them", async () => {
  const client = connectTo();
  const handle = client.source.getOrCreate("old");
  await handle.made();
  const url = `${await handle.getGatewayUrl()}`.replace("http", "ws").replace("?", "/connect?");
  for (const [protocols, extensions] of [
    [["rivet", "rivet_encoding.json"], undefined],
    [["rivet", "rivet_encoding.json", "greenroom.1"], "1"],
  ] as const) {
    const socket = new WebSocket(url, [...protocols]);
    const next = () =>
      new Promise<Record<string, unknown>>((resolve) =>
        socket.once("message", (data) => resolve(JSON.parse(String(data)).body)),
      );
    const init = await next();
    assert.equal((init.val as { extensions?: unknown }).extensions, extensions);
    assert.equal(socket.protocol, "rivet");
    const request = { id: 1, name: "count", args: [1] };
    socket.send(JSON.stringify({ body: { tag: "ActionRequest", val: request } }));
    const answer = await next();
    if (extensions === undefined) {
      assert.equal(answer.tag, "Error");
      assert.equal((answer.val as { code: unknown }).code, "stream_not_supported");
    } else {
      assert.equal(answer.tag, "StreamStart");
    }
    socket.terminate();
  }
  await client.dispose();
});

test("frames about calls that are not there change nothing, and malformed ones end the connection", async () => {
  const client = connectTo();
  const handle = client.source.getOrCreate("strange");
  await handle.made();
  const url = `${await handle.getGatewayUrl()}`.replace("http", "ws").replace("?", "/connect?");
  const open = async () => {
    const socket = new WebSocket(url, ["rivet", "rivet_encoding.json"]);
    await new Promise((resolve) => socket.once("message", resolve));
    const say = (tag: string, val: unknown) => socket.send(JSON.stringify({ body: { tag, val } }));
    return { socket, say };
  };
  const { socket, say } = await open();
  const answer = new Promise<string>((resolve) => socket.once("message", (data) => resolve(String(data))));
  say("CancelRequest", { id: 77 });
  say("StreamCredit", { id: 77, items: 4_000_000_000_000 });
  say("ActionRequest", { id: 1, name: "plain", args: [5] });
  say("CancelRequest", { id: 1 });
  say("StreamCredit", { id: 1, items: 0 });
  assert.match(await answer, /"output":5/);
  socket.terminate();
  for (const val of [{}, { id: "x" }, { id: -1 }, null]) {
    for (const tag of ["CancelRequest", "StreamCredit"]) {
      const { socket, say } = await open();
      const closed = new Promise<string>((resolve) =>
        socket.once("close", (code, reason) => resolve(`${code} ${reason}`)),
      );
      say(tag, val);
      assert.equal(await closed, "1011 actor.invalid_request");
    }
  }
  await client.dispose();
});

test("the unmodified rivetkit client can abort, and is told what it cannot have", async () => {
  const client = await createRivetClient(server.url);
  const handle = client.getOrCreate("patient", ["rivet"]);
  const controller = new AbortController();
  const call = handle.action({ name: "wait", args: ["a"], signal: controller.signal });
  const log = () => handle.action({ name: "log", args: [] });
  await eventually(async () => assert.deepEqual(await log(), ["+a"]));
  controller.abort();
  await assert.rejects(call);
  await eventually(async () => assert.deepEqual(await log(), ["+a", "-a true"]));
  const source = client.getOrCreate("source", ["rivet"]);
  for (const callee of [source, source.connect()]) {
    await assert.rejects(callee.action({ name: "count", args: [1] }), {
      group: "actor",
      code: "stream_not_supported",
    });
  }
  await client.dispose();
});
