/** Calls that are made again: what the server is told, and when a call is given up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClientConfig, createClient } from "@greenroom/client";
import { FakeClock, settle } from "./support/fake-clock.js";
import { FakeServer, type Seen } from "./support/fake-server.js";
import { type FakeSocket, fakeWebSockets } from "./support/fake-socket.js";

async function connect(config: ClientConfig = {}) {
  const clock = new FakeClock();
  const { sockets, WebSocket } = fakeWebSockets();
  const client = createClient({
    endpoint: "http://server.test",
    disableMetadataLookup: true,
    ...config,
    runtime: {
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      random: () => 0,
      loadWebSocket: async () => WebSocket,
    },
  });
  const conn = client.get("source", "k").connect();
  conn.onError(() => {});
  await settle();
  const socket = (): FakeSocket => sockets.at(-1) ?? assert.fail("no socket was opened");
  return { conn, clock, socket };
}

/** The kinds of the frames that were sent. */
const kinds = ({ sent }: FakeSocket): number[] => sent.map((frame) => Buffer.from(frame, "hex")[2] ?? -1);
const CALLER = 40;
const ACTION = 0;
const KEYED = 41;

test("a call whose connection was lost is sent again, as it was, behind who calls", async () => {
  const { conn, clock, socket } = await connect();
  socket().extendedInit();
  const call = conn.action({ name: "get" });
  const first = socket();
  assert.deepEqual(kinds(first), [CALLER, ACTION]);
  first.drop();
  await clock.advance(200);
  const second = socket();
  assert.notEqual(second, first);
  second.extendedInit();
  assert.deepEqual(kinds(second), [CALLER, ACTION]);
  assert.equal(second.sent[1], first.sent[1]);
  // The same caller, who has sent a call before.
  assert.equal(second.sent[0]?.slice(0, 72), first.sent[0]?.slice(0, 72));
  assert.notEqual(second.sent[0], first.sent[0]);
  second.response(0, 7);
  assert.equal(await call, 7);
  void conn.dispose();
});

test("an error that passes is waited out, one that does not is the answer", async () => {
  const { conn, clock, socket } = await connect();
  socket().extendedInit();
  const call = conn.action({ name: "get" });
  socket().error("actor", "restarting", "wait", 0);
  await clock.advance(200);
  assert.deepEqual(kinds(socket()), [CALLER, ACTION, CALLER, ACTION]);
  socket().error("actor", "overloaded", "fewer", 0);
  await assert.rejects(call, { group: "actor", code: "overloaded" });
  void conn.dispose();
});

test("a time that is none is refused, and the call is not sent", async () => {
  const { conn, socket } = await connect();
  socket().extendedInit();
  for (const retryTimeout of [Number.NaN, -1]) {
    await assert.rejects(conn.action({ name: "get", retryTimeout }), {
      name: "TypeError",
      message: "retryTimeout has to be a number of milliseconds, 0 or more",
    });
  }
  assert.deepEqual(kinds(socket()), [CALLER]);
  void conn.dispose();
});

test("servers that do not know of it, and callers that do not want it, get each call once", async () => {
  for (const [config, retryTimeout, extended] of [
    [{}, undefined, false],
    [{ retryTimeout: 0 }, undefined, true],
    [{}, 0, true],
  ] as const) {
    const { conn, socket } = await connect(config);
    if (extended) socket().extendedInit();
    else socket().init();
    const call = conn.action({ name: "get", ...(retryTimeout === undefined ? {} : { retryTimeout }) });
    assert.equal(kinds(socket()).at(-1), ACTION);
    socket().drop();
    await assert.rejects(call, { group: "client", code: "connection_lost" });
    void conn.dispose();
  }
});

test("nobody waits for longer than the time that was given", async () => {
  const { conn, clock, socket } = await connect({ retryTimeout: 5_000 });
  socket().extendedInit();
  const call = conn.action({ name: "get" });
  socket().drop();
  const over = assert.rejects(call, { group: "client", code: "connection_lost" });
  await clock.advance(5_001);
  await over;
  void conn.dispose();
});

test("keys of users are sent to servers that know them, and checked before", async () => {
  const { conn, socket } = await connect();
  socket().extendedInit();
  void conn.action({ name: "get", idempotencyKey: "k" }).catch(() => {});
  assert.deepEqual(kinds(socket()), [CALLER, KEYED]);
  for (const idempotencyKey of ["", "k".repeat(257), "ü".repeat(129)]) {
    await assert.rejects(conn.action({ name: "get", idempotencyKey }), TypeError);
  }
  void conn.dispose();
  const other = await connect();
  other.socket().init();
  await assert.rejects(other.conn.action({ name: "get", idempotencyKey: "k" }), {
    group: "client",
    code: "idempotency_unsupported",
  });
  void other.conn.dispose();
});

/** A client of a server that has the extensions. */
function over({ url }: FakeServer, config: ClientConfig) {
  return createClient({ endpoint: url, disableMetadataLookup: true, ...config });
}

test("the server is told of a call over HTTP that is aborted after it was sent", async (t) => {
  const server = await FakeServer.start(() => ({}));
  t.after(() => server.stop());
  const controller = new AbortController();
  const told = new Promise<Seen>((resolve) => {
    server.answer = (request) => {
      if (request.method === "DELETE") {
        resolve(request);
        return { status: 500 };
      }
      controller.abort();
      return new Promise(() => {});
    };
  });
  const options = { params: { who: "me" }, signal: controller.signal };
  const call = over(server, { retryTimeout: 60_000, token: "t" })
    .get("tally", "a", options)
    .action({ name: "read" });
  await assert.rejects(call, { group: "actor", code: "aborted" });
  const { url, headers } = await told;
  const [post] = server.calls;
  assert.equal(url, post?.url);
  assert.match(String(headers["x-greenroom-call"]), /^[0-9a-f]{32}\.0\.0\.0$/);
  for (const name of ["x-rivet-token", "x-rivet-conn-params", "x-greenroom-call"]) {
    assert.equal(headers[name], post?.headers[name], name);
  }
});

test("it is not told of calls without an id, that others may come for, that were not sent or are answered", async (t) => {
  const server = await FakeServer.start(() => ({}));
  t.after(() => server.stop());
  const methods: string[] = [];
  for (const [retryTimeout, options] of [
    [0, {}],
    [60_000, { idempotencyKey: "k" }],
  ] as const) {
    const controller = new AbortController();
    const { signal } = controller;
    const handle = over(server, { retryTimeout }).get("tally", "a");
    server.answer = ({ method }) => {
      methods.push(method);
      controller.abort();
      return new Promise(() => {});
    };
    await assert.rejects(handle.action({ name: "read", signal, ...options }), { code: "aborted" });
    await assert.rejects(handle.action({ name: "read", signal }), { code: "aborted" });
    server.answer = ({ method }) => {
      methods.push(method);
      return { body: Buffer.from("04000105", "hex") };
    };
    const late = new AbortController();
    await handle.action({ name: "read", signal: late.signal });
    late.abort();
    await handle.action({ name: "read" });
  }
  assert.deepEqual(methods, Array(6).fill("POST"));
});
