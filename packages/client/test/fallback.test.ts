import assert from "node:assert/strict";
import { test } from "node:test";
import { type ActorConn, createClient, type LiveTransport } from "@greenroom/client";
import { FakeClock, settle } from "./support/fake-clock.js";
import { FakeNetwork } from "./support/fake-fetch.js";
import { fakeWebSockets } from "./support/fake-socket.js";

function setUp(transport?: LiveTransport) {
  const clock = new FakeClock();
  const network = new FakeNetwork();
  const { sockets, WebSocket } = fakeWebSockets();
  const client = createClient({
    endpoint: "http://host:1",
    disableMetadataLookup: true,
    encoding: "json",
    runtime: {
      fetch: network.fetch,
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      random: () => 0,
      loadWebSocket: async () => WebSocket,
    },
    ...(transport === undefined ? {} : { transport }),
  });
  const open = async (key: string): Promise<ActorConn<unknown>> => {
    const connection = client.getOrCreate("room", key).connect();
    await settled();
    return connection;
  };
  /** Lets the time pass until the next attempt. */
  const pause = async (): Promise<void> => {
    await settled();
    await clock.advance(clock.next ?? 0);
    await settled();
  };
  /** Lets the attempt under way fail as a blocked WebSocket does, and time pass until the next one. */
  const block = async (): Promise<void> => {
    sockets.at(-1)?.drop();
    await pause();
  };
  return { client, clock, network, sockets, open, block, pause };
}

async function settled(): Promise<void> {
  for (let round = 0; round < 10; round++) await settle();
}

test("two WebSockets that do not open though the server answers: then an event stream", async () => {
  const { network, sockets, open, block, pause } = setUp();
  const connection = await open("a");
  await block();
  assert.deepEqual([sockets.length, network.probes, network.streams.length], [2, 1, 0]);
  await block();
  assert.deepEqual([sockets.length, network.probes, network.streams.length], [2, 2, 1]);
  network.stream.init();
  await connection.ready;
  // All connections of the client learn from it, and a lost one comes back the same way.
  const other = await open("b");
  assert.equal(network.streams.length, 2);
  network.stream.init("c2");
  await other.ready;
  network.stream.end();
  await pause();
  assert.deepEqual([sockets.length, network.streams.length], [2, 3]);
});

test("a server that is down is no reason, however long", async () => {
  const { network, sockets, open, block } = setUp();
  network.answers = false;
  await open("a");
  for (let attempt = 0; attempt < 10; attempt++) await block();
  assert.deepEqual([sockets.length, network.probes, network.streams.length], [11, 10, 0]);
});

test("the failures have to follow each other", async () => {
  const { network, sockets, open, block } = setUp();
  await open("a");
  await block();
  network.answers = false;
  await block();
  network.answers = true;
  await block();
  assert.deepEqual([sockets.length, network.streams.length], [4, 0]);
});

test("a WebSocket that worked clears what failed before", async () => {
  const { network, sockets, open, block } = setUp();
  const connection = await open("a");
  await block();
  const socket = sockets.at(-1);
  socket?.onmessage?.({
    data: JSON.stringify({ body: { tag: "Init", val: { actorId: "a", connectionId: "c" } } }),
  });
  await connection.ready;
  await block();
  await block();
  assert.deepEqual([sockets.length, network.streams.length], [4, 0]);
});

test("a server that closes a WebSocket in its own words has opened it", async () => {
  const { network, sockets, open, pause } = setUp();
  await open("a");
  for (let attempt = 0; attempt < 4; attempt++) {
    sockets.at(-1)?.drop(1011, "actor.stopping");
    await pause();
  }
  assert.deepEqual([sockets.length, network.probes, network.streams.length], [5, 0, 0]);
});

test("WebSockets that hang until the time is up count as well", async () => {
  const { network, open, clock, pause } = setUp();
  await open("a");
  for (let attempt = 0; attempt < 2; attempt++) {
    assert.equal(network.streams.length, 0);
    await clock.advance(15_000);
    await pause();
  }
  assert.equal(network.streams.length, 1);
});

test("an event stream that does not open gives WebSockets their next chance", async () => {
  const { network, sockets, open, block, pause } = setUp();
  await open("a");
  await block();
  await block();
  network.stream.fail();
  await pause();
  assert.deepEqual([sockets.length, network.streams.length], [3, 1]);
});

test("a transport that is asked for is the only one", async () => {
  const { network, sockets, open, block } = setUp("websocket");
  await open("a");
  for (let attempt = 0; attempt < 5; attempt++) await block();
  assert.deepEqual([sockets.length, network.probes, network.streams.length], [6, 0, 0]);
  const sse = setUp("sse");
  await sse.open("a");
  for (let attempt = 0; attempt < 3; attempt++) {
    sse.network.stream.fail();
    await sse.pause();
  }
  assert.deepEqual([sse.sockets.length, sse.network.streams.length], [0, 4]);
  assert.throws(() => createClient({ transport: "pigeon" as LiveTransport }), /transport is "pigeon"/);
});

test("without a WebSocket class it is an event stream at once, unless a WebSocket is insisted on", async () => {
  for (const transport of [undefined, "websocket"] as const) {
    const clock = new FakeClock();
    const network = new FakeNetwork();
    const client = createClient({
      endpoint: "http://host:1",
      disableMetadataLookup: true,
      runtime: {
        setTimeout: clock.setTimeout,
        clearTimeout: clock.clearTimeout,
        fetch: network.fetch,
        loadWebSocket: () => Promise.reject(new TypeError("this platform has no WebSocket")),
      },
      ...(transport === undefined ? {} : { transport }),
    });
    const connection = client.getOrCreate("room", "a").connect();
    const errors: string[] = [];
    connection.onError(({ message }) => errors.push(message));
    await settled();
    assert.equal(network.streams.length, transport === undefined ? 1 : 0);
    assert.equal(errors.length, transport === undefined ? 0 : 1);
    await connection.dispose();
  }
});
