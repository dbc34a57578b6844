/** Handles and the client itself: which actor they mean, how they find it, what they refuse. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { ActorClientError, ActorError, MalformedResponseMessage, ManagerError } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { DIST } from "../harness/paths.js";
import { freePort, ServerProcess } from "../harness/server.js";
import type { registry } from "../server/client-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: `${DIST}/server/client-main.js` });
});
after(() => server.dispose());

function connectTo(options: Parameters<typeof createClient>[0] = {}) {
  return createClient<typeof registry>({ endpoint: server.url, ...(options as object) });
}

const NOT_FOUND = { group: "actor", code: "not_found" };

test("one part and a list of it are the same key, as are none and an empty list; order and number count", async () => {
  const { note } = connectTo();
  const id = (key?: string | string[]): Promise<string> => note.getOrCreate(key).resolve();
  assert.equal(await id("same"), await id(["same"]));
  assert.equal(await id(), await id([]));
  const ids = await Promise.all([
    id(),
    id("a"),
    id(["a", "b"]),
    id(["b", "a"]),
    id(["a", "b", "c"]),
    id("a,b"),
  ]);
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual((await note.getOrCreate(["a", "b"]).describe()).key, ["a", "b"]);
});

test("a handle to nobody fails when it is used, whatever for, and says why", async () => {
  const nobody = connectTo().note.get("nobody");
  await assert.rejects(nobody.resolve(), NOT_FOUND);
  await assert.rejects(nobody.reload(), NOT_FOUND);
  await assert.rejects(nobody.read(), NOT_FOUND);
  const connection = nobody.connect();
  await assert.rejects(connection.ready, NOT_FOUND);
  await connection.dispose();
});

test("input reaches the actor that is created, and region is what it was created with", async () => {
  const { note } = connectTo();
  const created = await note.create("with input", { input: { text: "first" } });
  assert.equal(await created.read(), "first");
  assert.equal(await note.getOrCreate("with input", { createWithInput: { text: "late" } }).read(), "first");
  assert.equal(await note.getOrCreate("none").read(), "");
  assert.equal(typeof (await created.describe()).region, "string");
});

test("a handle is no promise, and other handles to its key mean the same actor", async () => {
  const { note } = connectTo();
  const handle = note.getOrCreate("plain");
  assert.equal(await handle, handle);
  await handle.write("x");
  assert.equal(await note.get("plain").read(), "x");
  assert.equal(await note.getForId(await handle.resolve()).read(), "x");
});

test("a key means the actor that has it now, in calls and on connections; an id means one life", async () => {
  const client = connectTo();
  const handle = client.note.getOrCreate("phoenix");
  await handle.write("first life");
  const first = await handle.resolve();
  const pinned = client.note.getForId(first);
  const connection = handle.connect();
  await connection.ready;
  const reopened = new Promise<void>((resolve) => void connection.onOpen(resolve));
  await handle.end();
  assert.equal(await handle.read(), "");
  const second = await handle.resolve();
  assert.notEqual(second, first);
  await reopened;
  const heard = new Promise((resolve) => connection.once("changed", resolve));
  await connection.write("second life");
  assert.equal(await heard, "second life");
  assert.equal(connection.actorId, second);
  await assert.rejects(pinned.read(), NOT_FOUND);
  await client.dispose();
});

test("reload ends an instance, not the actor", async () => {
  const handle = connectTo().note.getOrCreate("reloaded");
  await handle.write("kept");
  const before = await handle.wakes();
  await handle.reload();
  assert.equal(await handle.read(), "kept");
  assert.equal(await handle.wakes(), before + 1);
});

test("actors are listed by name and the beginning of their keys, a page at a time", async () => {
  const client = connectTo();
  const keys = ["1", "2", "3", "4", "5"].map((part) => ["team", part]);
  for (const key of [...keys, ["teams"], ["other"]]) await client.list.getOrCreate(key).add("x");
  const pages: string[][][] = [];
  let cursor: string | undefined;
  do {
    const page = await client.list.list({ keyPrefix: ["team"], limit: 2, cursor });
    pages.push(page.actors.map(({ key }) => [...key]));
    cursor = page.cursor;
  } while (cursor !== undefined);
  assert.deepEqual(pages.flat(), keys);
  assert.ok(pages.every((page) => page.length <= 2) && pages.length >= 3);
  const all = await client.list("list");
  assert.equal(all.actors.length, 7);
  const [first] = all.actors;
  assert.ok(first !== undefined && first.name === "list" && (first.createdAt ?? 0) > Date.now() - 60_000);
  await client.list.getForId(first.actorId).add("y");
  assert.deepEqual((await client.list.list({ keyPrefix: "nobody" })).actors, []);
  assert.deepEqual(await client.list("nothing"), { actors: [], cursor: undefined });
  await assert.rejects(client.list.list({ cursor: "made up" }), { code: "invalid_input" });
});

test("names as values reach the same actors", async () => {
  const client = createClient(server.url);
  const handle = client.getOrCreate("note", "untyped");
  await handle.action({ name: "write", args: ["text"] });
  assert.equal(await client.get("note", "untyped").action({ name: "read" }), "text");
  const id = await handle.resolve();
  assert.equal(await client.getForId("note", id).action({ name: "read" }), "text");
  await assert.rejects(client.create("note", "untyped"), { code: "duplicate_key" });
  await assert.rejects(client.getOrCreate("nothing", "a").action({ name: "read" }), {
    code: "not_registered",
  });
});

test("a client that was disposed refuses everything, and its connections are over", async () => {
  const client = connectTo();
  const handle = client.note.getOrCreate("disposed");
  const connection = handle.connect();
  await connection.ready;
  await Promise.all([client.dispose(), client.dispose()]);
  const disposed = { group: "client", code: "disposed" };
  await assert.rejects(handle.read(), disposed);
  await assert.rejects(handle.resolve(), disposed);
  await assert.rejects(handle.reload(), disposed);
  await assert.rejects(client.note.create("late"), disposed);
  await assert.rejects(client.note.list(), disposed);
  assert.throws(() => handle.connect(), disposed);
  assert.equal(connection.connStatus, "idle");
  await assert.rejects(connection.read(), { code: "connection_disposed" });
});

const loose = (value: unknown): never => value as never;

for (const [what, given, message] of [
  ["an unknown option", { endpont: "http://x" }, /unknown option `endpont`: there are endpoint, namespace/],
  ["a number for an endpoint", { endpoint: 5 }, /option `endpoint` is number, not string/],
  ["a text for headers", { headers: "x" }, /option `headers` is string, not object/],
  ["a text for a size", { maxInputSize: "4096" }, /option `maxInputSize` is string, not number/],
  ["an unknown encoding", { encoding: "xml" }, /encoding is "xml", not one of json, cbor, bare/],
  ["an unknown transport", { transport: "pigeon" }, /transport is "pigeon", not one of websocket, sse/],
  ["an unknown option of the gateway", { gateway: { skip: true } }, /unknown option `skip`/],
] as const) {
  test(`createClient refuses ${what}`, () => {
    assert.throws(() => createClient(loose(given)), { name: "TypeError", message });
  });
}

test("handles refuse unknown options, wrong types, and names that another method has for them", async () => {
  const { note } = connectTo();
  assert.throws(() => note.get("k", loose({ createWithInput: 1 })), /unknown option `createWithInput`/);
  assert.throws(() => note.getOrCreate("k", loose({ input: 1 })), /`input`: use `createWithInput`/);
  assert.throws(() => note.getOrCreate("k", loose({ region: "eu" })), /`region`: use `createInRegion`/);
  await assert.rejects(note.create("k", loose({ createInRegion: "eu" })), /`createInRegion`: use `region`/);
  await assert.rejects(note.create("k", loose({ createWithInput: 1 })), /`createWithInput`: use `input`/);
  assert.throws(() => note.getOrCreate("k", loose({ getParams: {} })), /`getParams` is object, not function/);
  assert.throws(
    () => note.getOrCreate("k").connect(undefined, loose({ skip: true })),
    /unknown option `skip`/,
  );
  await assert.rejects(note.list(loose({ prefix: "a" })), /unknown option `prefix`: there are keyPrefix/);
  for (const key of [5, null, ["a", 5], {}]) {
    assert.throws(
      () => note.getOrCreate(loose(key)),
      /a key is a string or a list of strings|an actor key is/,
    );
  }
  assert.throws(() => note.getForId(loose(5)), /an actor id is a string, not of type number/);
});

test("not waiting for a starting actor is accepted everywhere, and calls arrive all the same", async () => {
  for (const encoding of ["bare", "json"] as const) {
    const client = connectTo({ encoding, gateway: { skipReadyWait: true } });
    const handle = client.note.getOrCreate(["skip", encoding]);
    await handle.write("x");
    assert.equal(await handle.action({ name: "read", skipReadyWait: false }), "x");
    const connection = handle.connect(undefined, { skipReadyWait: true });
    assert.equal(await connection.read(), "x");
    const id = await handle.resolve();
    assert.equal(await client.note.getForId(id, { skipReadyWait: true }).read(), "x");
    await client.dispose();
  }
});

/** A server that answers every request with `body`. */
async function answering(body: string, seen: string[] = []): Promise<{ url: string; close(): void }> {
  const http = createServer((request, response) => {
    seen.push(request.url ?? "");
    response.setHeader("content-type", "application/json").end(body);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, close: () => http.close() };
}

test("a server can send its clients to another one, once; they need not ask", async () => {
  const seen: string[] = [];
  const front = await answering(JSON.stringify({ clientEndpoint: server.url }), seen);
  const client = connectTo({ endpoint: front.url });
  const handle = client.note.getOrCreate("redirected");
  await handle.write("there");
  assert.equal(await handle.connect().read(), "there");
  assert.deepEqual(seen, ["/metadata?namespace=default"]);
  await client.dispose();
  const direct = connectTo({ endpoint: server.url, disableMetadataLookup: true });
  assert.equal(await direct.note.get("redirected").read(), "there");
  front.close();
});

test("answers that make no sense and servers that are not there have errors of their own", async () => {
  const strange = await answering("{}");
  const client = connectTo({ endpoint: strange.url });
  const lookup = await client.note
    .getOrCreate("a")
    .resolve()
    .catch((error: unknown) => error);
  assert.ok(lookup instanceof MalformedResponseMessage && lookup instanceof ActorClientError);
  assert.equal(lookup.code, "malformed_response");
  const call = await client.note
    .getOrCreate("a")
    .read()
    .catch((error: unknown) => error);
  assert.ok(call instanceof MalformedResponseMessage, String(call));
  strange.close();
  const nobody = connectTo({ endpoint: `http://127.0.0.1:${await freePort()}`, disableMetadataLookup: true });
  const unreached = await nobody.note
    .getOrCreate("a")
    .resolve()
    .catch((error: unknown) => error);
  assert.ok(unreached instanceof ManagerError && unreached instanceof ActorError);
  assert.deepEqual([unreached.code, unreached.retryable], ["endpoint_unreachable", true]);
});
