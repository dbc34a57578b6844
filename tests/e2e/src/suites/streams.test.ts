/** Results that stream: in order, not faster than they are taken, and to their end whoever ends them. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ClientConfig } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/calls-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/calls-main.js") });
});
after(() => server.dispose());

const WAYS = [undefined, "websocket", "sse"] as const;

/** What calls an actor of the given key, over one of the ways, and the client behind it. */
function reach(way: (typeof WAYS)[number], key: string, config: ClientConfig = {}) {
  const transport = way === undefined ? {} : { transport: way };
  const client = createClient<typeof registry>({ endpoint: server.url, ...transport, ...config });
  const handle = client.source.getOrCreate([key, way ?? "http", config.encoding ?? ""]);
  return { client, handle, callee: way === undefined ? handle : handle.connect() };
}

async function collect<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

for (const way of WAYS) {
  const name = way ?? "http";
  for (const encoding of ["json", "cbor", "bare"] as const) {
    test(`items of all kinds arrive in order over ${name} in ${encoding}`, async () => {
      const { client, callee } = reach(way, "values", { encoding });
      const [date, map, ...rest] = await collect(callee.values());
      assert.deepEqual(rest, [new Uint8Array([1, 2]), undefined, "größer\n"]);
      // JSON has no more than that.
      if (encoding !== "json") assert.deepEqual([date, map], [new Date(0), new Map([["a", 1n]])]);
      assert.deepEqual(await collect(callee.nothing()), []);
      const numbers = await collect(callee.action({ name: "count", args: [500] }));
      assert.deepEqual(
        numbers,
        Array.from({ length: 500 }, (_, index) => index + 1),
      );
      // As a promise it is the stream.
      assert.deepEqual(await collect(await callee.count(2)), [1, 2]);
      assert.equal(await callee.plain(7), 7);
      await client.dispose();
    });
  }

  test(`what an item shows is stored when it arrives over ${name}`, async () => {
    const { client, handle, callee } = reach(way, "stored");
    for await (const n of callee.count(3)) assert.ok((await handle.made()) >= n);
    await client.dispose();
  });

  test(`a generator is not advanced far beyond what is taken over ${name}, and break ends it`, async () => {
    const { client, handle, callee } = reach(way, "pressure");
    const sizes = way === undefined ? [100 * 1024] : [10, 100 * 1024];
    for (const size of sizes) {
      const before = await handle.made();
      const stream = callee.forever(size)[Symbol.asyncIterator]();
      await stream.next();
      let made = 0;
      // It stops by itself, while nobody takes more.
      await eventually(async () => {
        const now = (await handle.made()) - before;
        const isStill = now === made;
        made = now;
        await delay(50);
        assert.ok(isStill);
      });
      // A single response has no other limit than what is buffered on its way.
      const limit = way === undefined ? (32 * 1024 * 1024) / size : 500;
      assert.ok(made <= limit, `${made} items of ${size} bytes were made for one that was taken`);
      for (let taken = 0; taken < made + 100; taken++) await stream.next();
      assert.ok((await handle.made()) - before > made);
      await stream.return?.();
    }
    const finals = async () => (await handle.log()).filter((entry) => entry === "finally").length;
    await eventually(async () => assert.equal(await finals(), sizes.length));
    for await (const item of callee.forever(1)) {
      assert.equal(item, "x");
      break;
    }
    await eventually(async () => assert.equal(await finals(), sizes.length + 1));
    await client.dispose();
  });

  test(`an abort ends a stream over ${name}, for both sides`, async () => {
    const { client, handle, callee } = reach(way, "abort");
    const controller = new AbortController();
    const { signal } = controller;
    const stream = callee.action({ name: "pausing", args: [[1, 60_000]], signal });
    const taken: number[] = [];
    await assert.rejects(
      async () => {
        for await (const item of stream) {
          taken.push(item);
          controller.abort();
        }
      },
      { group: "actor", code: "aborted" },
    );
    assert.deepEqual(taken, [1]);
    const finals = async () => (await handle.log()).filter((entry) => entry === "finally");
    await eventually(async () => assert.equal((await finals()).length, 1));
    await client.dispose();
  });

  test(`errors come after the items before them over ${name}`, async () => {
    const { client, callee } = reach(way, "errors");
    const items: number[] = [];
    await assert.rejects(
      async () => {
        for await (const item of callee.failing(40)) items.push(item);
      },
      { group: "user", code: "no_more", metadata: { after: 40 } },
    );
    assert.equal(items.length, 40);
    await assert.rejects(collect(callee.failing(0)), { group: "user", code: "no_more" });
    // Too long between two items.
    const slow: number[] = [];
    await assert.rejects(
      async () => {
        for await (const item of callee.pausing([1_700, 1_700, 10_000])) slow.push(item);
      },
      { group: "actor", code: "action_timed_out" },
    );
    assert.deepEqual(slow, [1_700, 1_700]);
    // An item that is too large ends the stream, and nothing else.
    const some: string[] = [];
    await assert.rejects(
      async () => {
        for await (const item of callee.large(300 * 1024)) some.push(item);
      },
      { group: "message", code: "outgoing_too_long" },
    );
    assert.deepEqual(some, ["small"]);
    assert.equal(await callee.plain(1), 1);
    // What does not stream cannot be iterated, and an action that does not exist is no stream.
    const plain = callee.plain(1) as unknown as AsyncIterable<unknown>;
    await assert.rejects(collect(plain), TypeError);
    const missing = callee.action({ name: "missing" as "nothing" });
    await assert.rejects(collect(missing), { group: "actor", code: "action_not_found" });
    await client.dispose();
  });

  test(`a client that leaves ends its streams over ${name}`, async () => {
    const { client, handle, callee } = reach(way, "leaves");
    const controller = new AbortController();
    const call = callee.action({ name: "forever", args: [10], signal: controller.signal });
    const stream = call[Symbol.asyncIterator]();
    await stream.next();
    if (way === undefined) controller.abort();
    await client.dispose();
    const other = createClient<typeof registry>(server.url);
    const again = other.source.getForId(await other.source.get(["leaves", way ?? "http", ""]).resolve());
    await eventually(async () => assert.ok((await again.log()).includes("finally")));
    await other.dispose();
    void handle;
  });
}

test("several streams and calls share a connection without holding each other up", async () => {
  const { client, callee } = reach("websocket", "several");
  const stuck = callee.forever(10)[Symbol.asyncIterator]();
  await stuck.next();
  const streams = await Promise.all([100, 200, 300].map((to) => collect(callee.count(to))));
  assert.deepEqual(
    streams.map((items) => items.length),
    [100, 200, 300],
  );
  assert.equal(await callee.plain(1), 1);
  await stuck.return?.();
  await client.dispose();
});

test("an actor stays awake while it streams", async () => {
  const { client, handle, callee } = reach("websocket", "awake");
  // Each pause is longer than it takes to fall asleep.
  assert.deepEqual(await collect(callee.pausing([250, 250])), [250, 250]);
  // On a busy machine it may have slept before and afterwards.
  const log = await handle.log();
  assert.equal(log[log.indexOf("begins") + 1], "finally");
  await client.dispose();
});

test("a stream that its consumer forgets is given up after a while", async () => {
  const { client, handle, callee } = reach("websocket", "forgotten");
  const stream = callee.forever(10)[Symbol.asyncIterator]();
  await stream.next();
  await eventually(async () => assert.ok((await handle.log()).includes("finally")));
  let taken = 0;
  await assert.rejects(
    async () => {
      for (;;) {
        const { done } = await stream.next();
        assert.ok(done !== true);
        taken++;
      }
    },
    { group: "actor", code: "action_timed_out" },
  );
  assert.ok(taken > 0);
  await client.dispose();
});

test("a stream over a connection that breaks ends with an error, after what arrived", async () => {
  const { client, callee } = reach("websocket", "breaks");
  const stream = callee.pausing([1, 900])[Symbol.asyncIterator]();
  assert.deepEqual(await stream.next(), { done: false, value: 1 });
  const lost = assert.rejects(stream.next(), { group: "client", code: "connection_lost" });
  await server.kill();
  await lost;
  await server.restart();
  assert.deepEqual(await collect(callee.count(2)), [1, 2]);
  await client.dispose();
});

test("an actor can pass on what another one streams", async () => {
  const client = createClient<typeof registry>(server.url);
  const relay = client.peer.getOrCreate("relay");
  const source = client.source.getOrCreate("relay");
  for (const callee of [relay, relay.connect()]) {
    assert.deepEqual(await collect(callee.relay(100)), [
      ...Array.from({ length: 100 }, (_, index) => (index + 1) * 10),
    ]);
    // Giving up reaches through to the source.
    const before = (await source.log()).filter((entry) => entry === "finally").length;
    for await (const item of callee.relayForever()) {
      assert.equal(item.length, 10);
      break;
    }
    await eventually(async () =>
      assert.ok((await source.log()).filter((entry) => entry === "finally").length > before),
    );
  }
  await client.dispose();
});
