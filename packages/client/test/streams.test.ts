import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ActorConn, createClient } from "@greenroom/client";
import { FakeClock, settle } from "./support/fake-clock.js";
import { type FakeSocket, fakeWebSockets } from "./support/fake-socket.js";

interface Source {
  readonly "~types"?: {
    actions: { read: (c: never, name: string) => AsyncGenerator<unknown>; get: (c: never) => number };
    events: undefined;
    queues: undefined;
    params: unknown;
    input: unknown;
    state: unknown;
    connState: unknown;
  };
}
interface Registry {
  readonly "~actors"?: { source: Source };
}

async function connect(): Promise<{ conn: ActorConn<Source>; clock: FakeClock; socket: () => FakeSocket }> {
  const clock = new FakeClock();
  const { sockets, WebSocket } = fakeWebSockets();
  const client = createClient<Registry>({
    // Fewer frames to count.
    retryTimeout: 0,
    endpoint: "http://host:1",
    disableMetadataLookup: true,
    runtime: {
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      random: () => 0,
      loadWebSocket: async () => WebSocket,
      fetch: () => Promise.reject(new TypeError("there is no network here")),
    },
  });
  const conn = client.source.getOrCreate("k").connect();
  conn.onError(() => {});
  await settle();
  const socket = (): FakeSocket => sockets.at(-1) ?? assert.fail("no socket was opened");
  return { conn, clock, socket };
}

const cancelFrame = (id: number): string => Buffer.from([4, 0, 32, id]).toString("hex");
const creditFrame = (id: number, items: number): string => Buffer.from([4, 0, 33, id, items]).toString("hex");

async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** Waits until what is loaded on demand is there. */
async function loaded(): Promise<void> {
  await import("../dist/connection/item-stream.js");
  await settle();
}

describe("calls that are given up", () => {
  test("the server is told if it knows the extensions, and only then", async () => {
    for (const isExtended of [true, false]) {
      const { conn, socket } = await connect();
      if (isExtended) socket().extendedInit();
      else socket().init();
      const controller = new AbortController();
      const call = conn.action({ name: "get", signal: controller.signal });
      assert.equal(socket().sent.length, 1);
      controller.abort();
      await assert.rejects(call, { group: "actor", code: "aborted" });
      assert.deepEqual(socket().sent.slice(1), isExtended ? [cancelFrame(0)] : []);
      // What comes all the same is nobody's.
      socket().response(0, 1);
    }
  });

  test("what was never sent, or is answered, needs no telling", async () => {
    const { conn, socket } = await connect();
    const controller = new AbortController();
    const early = conn.action({ name: "get", signal: controller.signal });
    controller.abort();
    await assert.rejects(early, { code: "aborted" });
    socket().extendedInit();
    assert.deepEqual(socket().sent, []);
    const late = new AbortController();
    const call = conn.action({ name: "get", signal: late.signal });
    socket().response(1, 7);
    assert.equal(await call, 7);
    late.abort();
    assert.equal(socket().sent.length, 1);
  });
});

describe("streams", () => {
  test("items come in order, also those that came while the code for them was loaded", async () => {
    const { conn, socket } = await connect();
    socket().extendedInit();
    const items = collect(conn.read("a"));
    const plain = conn.get();
    socket().stream(0, "start");
    for (const item of [1, "two", new Date(3)]) socket().stream(0, "item", item);
    socket().response(1, 7);
    socket().stream(0, "end");
    assert.deepEqual(await items, [1, "two", new Date(3)]);
    assert.equal(await plain, 7);
  });

  test("the server is told of every sixteen items, and of few large ones", async () => {
    const { conn, socket } = await connect();
    socket().extendedInit();
    const stream = conn.read("a")[Symbol.asyncIterator]();
    socket().stream(0, "start");
    for (let n = 0; n < 40; n++) socket().stream(0, "item", n);
    for (let n = 0; n < 40; n++) assert.deepEqual(await stream.next(), { done: false, value: n });
    assert.deepEqual(socket().sent.slice(1), [creditFrame(0, 16), creditFrame(0, 16)]);
    socket().stream(0, "item", "x".repeat(40_000));
    await stream.next();
    assert.deepEqual(socket().sent.slice(3), [creditFrame(0, 9)]);
  });

  test("a loop that is left cancels the call, once", async () => {
    const { conn, socket } = await connect();
    socket().extendedInit();
    const call = conn.read("a");
    socket().stream(0, "start");
    for (let n = 0; n < 3; n++) socket().stream(0, "item", n);
    for await (const item of call) {
      assert.equal(item, 0);
      break;
    }
    assert.deepEqual(socket().sent.slice(1), [cancelFrame(0)]);
    socket().stream(0, "item", 3);
    socket().stream(0, "end");
    assert.deepEqual(await collect(await call), []);
    assert.equal(socket().sent.length, 2);
  });

  test("an error comes after the items before it, and asks for no more of them", async () => {
    const { conn, socket } = await connect();
    socket().extendedInit();
    const stream = conn.read("a")[Symbol.asyncIterator]();
    socket().stream(0, "start");
    socket().stream(0, "item", 1);
    await loaded();
    socket().error("message", "outgoing_too_long", "too long", 0);
    assert.deepEqual(await stream.next(), { done: false, value: 1 });
    await assert.rejects(stream.next(), { group: "message", code: "outgoing_too_long" });
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
    assert.deepEqual(socket().sent.slice(1), [cancelFrame(0)]);
  });

  test("an abort ends a stream, and so does the end of the connection", async () => {
    const { conn, socket } = await connect();
    socket().extendedInit();
    const controller = new AbortController();
    const aborted = conn.action({ name: "read", args: ["a"], signal: controller.signal });
    const lost = collect(conn.read("b"));
    for (const id of [0, 1]) socket().stream(id, "start");
    const stream = await aborted;
    controller.abort();
    await assert.rejects(collect(stream), { group: "actor", code: "aborted" });
    assert.deepEqual(socket().sent.slice(2), [cancelFrame(0)]);
    const outcome = assert.rejects(lost, { group: "client", code: "connection_lost" });
    socket().drop();
    await outcome;
  });

  test("disposing ends streams", async () => {
    const { conn, socket } = await connect();
    socket().extendedInit();
    const items = assert.rejects(collect(conn.read("a")), { code: "connection_disposed" });
    socket().stream(0, "start");
    await loaded();
    void conn.dispose();
    await items;
  });

  test("several readers of one stream each get items that nobody else gets", async () => {
    const { conn, socket } = await connect();
    socket().extendedInit();
    const stream = (await Promise.all([conn.read("a"), socket().stream(0, "start")]))[0];
    const first = stream[Symbol.asyncIterator]();
    const pending = [first.next(), first.next(), first.next()];
    socket().stream(0, "item", 1);
    socket().stream(0, "item", 2);
    socket().stream(0, "end");
    const results = await Promise.all(pending);
    assert.deepEqual(
      results.map(({ done, value }) => (done === true ? "done" : value)),
      [1, 2, "done"],
    );
  });
});

describe("streams over HTTP", () => {
  /** The frames of an answer as JSON, in the pieces in which they arrive. */
  const read = (pieces: readonly string[]) => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const [piece] = pieces;
        pieces = pieces.slice(1);
        if (piece === undefined) controller.close();
        else controller.enqueue(Buffer.from(piece));
      },
      cancel() {
        cancelled = true;
      },
    });
    const headers = { "content-type": "application/vnd.greenroom.stream" };
    const client = createClient<Registry>({
      endpoint: "http://host:1",
      encoding: "json",
      disableMetadataLookup: true,
      runtime: { fetch: async () => new Response(body, { headers }) },
    });
    return { stream: client.source.getOrCreate("k").read("a"), wasCancelled: () => cancelled };
  };
  const item = (value: unknown): string =>
    `${JSON.stringify({ body: { tag: "StreamItem", val: { id: 0, item: value } } })}\n`;
  const end = `${JSON.stringify({ body: { tag: "StreamEnd", val: { id: 0 } } })}\n`;

  test("messages are put together from whatever pieces they come in", async () => {
    const text = item(1) + item("größer") + end;
    const bytes = Buffer.from(text);
    for (const cut of [1, 7, 40, bytes.length]) {
      const pieces: string[] = [];
      for (let at = 0; at < text.length; at += cut) pieces.push(text.slice(at, at + cut));
      assert.deepEqual(await collect(read(pieces).stream), [1, "größer"]);
    }
  });

  test("an answer that breaks off is an error after what arrived", async () => {
    for (const rest of ["", item(2).slice(0, 20)]) {
      const { stream } = read([item(1), rest].filter((piece) => piece !== ""));
      const items = stream[Symbol.asyncIterator]();
      assert.deepEqual(await items.next(), { done: false, value: 1 });
      await assert.rejects(items.next(), { group: "client", code: "connection_lost" });
    }
  });

  test("a loop that is left cancels the request", async () => {
    const { stream, wasCancelled } = read([item(1), item(2), item(3), item(4), end]);
    for await (const value of stream) {
      assert.equal(value, 1);
      break;
    }
    assert.ok(wasCancelled());
  });
});
