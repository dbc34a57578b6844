/** Clients that read slowly or not at all: what waits for them is bounded, and nobody else notices. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import type { Resync, WebSocketConstructor } from "@greenroom/client";
import { WebSocket } from "ws";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { type Heard, Listener } from "../harness/listener.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import { StalledStream } from "../harness/stalled-stream.js";
import type { registry } from "../server/slow-registry.js";

/** More than operating systems keep for a connection in both directions, and the limit of the server. */
const TOO_MUCH = 32 * 1024 * 1024;
const SIZE = 4096;
const TURN = 64;

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/slow-main.js") });
});
after(() => server.dispose());

async function listen(t: TestContext, key: string, events: readonly string[]): Promise<Listener> {
  const listener = await Listener.open(server.port, "feed", key, events);
  t.after(() => listener.close());
  return listener;
}

function feedOf(t: TestContext, key: string) {
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  return client.feed.getOrCreate([key]);
}

const numbers = (events: readonly Heard[]) =>
  events.map(({ args: [news] }) => (news as { number: number }).number);
const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

/** Tells news until it is more than anybody keeps. Gives how many there were. */
async function tellTooMuch(feed: ReturnType<typeof feedOf>, heard: (first: number) => Promise<void>) {
  let told = 0;
  for (; told * SIZE < TOO_MUCH; told += TURN) {
    await feed.tell(told, TURN, SIZE);
    await heard(told);
  }
  return told;
}

test("a client that does not read is disconnected, and the others get everything in order", async (t) => {
  const feed = feedOf(t, "stalled");
  const stalled = await listen(t, "stalled", ["news"]);
  const others = await Promise.all(upTo(8).map(() => listen(t, "stalled", ["news"])));
  stalled.stall();
  const told = await tellTooMuch(feed, async (first) => {
    for (const other of others) {
      for (let number = first; number < first + TURN; number++) {
        const { args } = await other.event();
        assert.equal((args[0] as { number: number }).number, number);
      }
    }
  });
  // The actor has let go of it, though its socket is still open.
  assert.equal(await feed.here(), others.length);
  stalled.resume();
  const { events, code, reason } = await stalled.untilEnd();
  assert.deepEqual({ code, reason }, { code: 1008, reason: "actor.client_too_slow" });
  assert.deepEqual(numbers(events), upTo(events.length), "what came before has no gap");
  assert.ok(events.length < told, `${events.length} of ${told}`);
});

test("of an event that is coalesced a slow client gets the newest, and stays connected", async (t) => {
  const feed = feedOf(t, "coalesced");
  const [stalled, other] = await Promise.all(
    upTo(2).map(() => listen(t, "coalesced", ["cursor", "level", "news"])),
  );
  assert.ok(stalled !== undefined && other !== undefined);
  stalled.stall();
  const USERS = 4;
  const steps = TOO_MUCH / (2 * USERS * SIZE);
  for (let at = 1; at <= steps; at++) {
    await feed.move(USERS, at, SIZE);
    await untilLevel(other, at * USERS + USERS - 1);
  }
  stalled.resume();
  const events = await untilLevel(stalled, steps * USERS + USERS - 1);
  const cursors = new Map<string, number>();
  let level = 0;
  const news: Heard[] = [];
  for (const event of events) {
    if (event.name === "news") news.push(event);
    if (event.name === "level") {
      const { at } = event.args[0] as { at: number };
      assert.ok(at > level, "levels come in order");
      level = at;
    }
    if (event.name === "cursor") {
      const { user, at } = event.args[0] as { user: string; at: number };
      assert.ok(at > (cursors.get(user) ?? 0), "cursors of a user come in order");
      cursors.set(user, at);
    }
  }
  assert.deepEqual(
    [...cursors].sort(),
    upTo(USERS).map((user) => [`user ${user}`, steps]),
  );
  assert.deepEqual(
    numbers(news),
    upTo(Math.floor(steps / 100)).map((number) => number + 1),
    "what is not coalesced has no gap",
  );
  const sent = 2 * USERS * steps;
  assert.ok(events.length < sent, `${events.length} of ${sent}`);
  assert.equal(await feed.here(), 2);
  assert.equal(await stalled.call("text", [1]), "x", "it can go on");
});

for (const [who, protocols] of [
  ["a client that can be told", ["greenroom.1"]],
  ["a client of old", []],
] as const) {
  test(`events that may be left out are, and the gap is seen: ${who}`, async (t) => {
    const key = `sparks-${protocols.length}`;
    const feed = feedOf(t, key);
    const stalled = await Listener.open(server.port, "feed", key, ["spark", "news"], protocols);
    t.after(() => stalled.close());
    const other = await listen(t, key, ["news"]);
    stalled.stall();
    const rounds = TOO_MUCH / (TURN * SIZE);
    for (let round = 0; round < rounds; round++) {
      await feed.sparkle(round * TURN, TURN, SIZE);
      assert.deepEqual(numbers([await other.event()]), [round]);
    }
    assert.equal(await feed.here(), 1 + protocols.length);
    stalled.resume();
    if (protocols.length === 0) {
      const { events, code, reason } = await stalled.untilEnd();
      assert.deepEqual({ code, reason }, { code: 1008, reason: "actor.client_too_slow" });
      const sparks = numbers(events.filter(({ name }) => name === "spark"));
      assert.deepEqual(sparks, upTo(sparks.length));
      return;
    }
    const events: Heard[] = [];
    do events.push(await stalled.event());
    while (events.filter(({ name }) => name === "news").length < rounds);
    assert.deepEqual(
      numbers(events.filter(({ name }) => name === "news")),
      upTo(rounds),
      "the others are all there",
    );
    let next = 0;
    let isTold = false;
    let gaps = 0;
    for (const { name, args } of events) {
      if (name === "Resync") {
        assert.equal((args[0] as { reason: string }).reason, "slow");
        isTold = true;
      }
      if (name !== "spark") continue;
      const { number } = args[0] as { number: number };
      assert.ok(number === next || (isTold && number > next), `${number} after ${next - 1}`);
      gaps += Number(number !== next);
      next = number + 1;
    }
    assert.ok(gaps > 0);
    assert.equal(next, rounds * TURN, "the newest are there");
  });
}

test("our client says that it was slow", async (t) => {
  const feed = feedOf(t, "ours");
  const sockets: WebSocket[] = [];
  class Pausable extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      sockets.push(this);
    }
  }
  const client = createClient<typeof registry>({
    endpoint: server.url,
    transport: "websocket",
    runtime: { loadWebSocket: async () => Pausable as unknown as WebSocketConstructor },
  });
  t.after(() => client.dispose());
  const connection = client.feed.getOrCreate(["ours"]).connect();
  const resyncs: Resync[] = [];
  let newest = -1;
  connection.onResync((resync) => resyncs.push(resync));
  connection.on("spark", ({ number }) => {
    newest = number;
  });
  await connection.here();
  sockets[0]?.pause();
  for (let first = 0; first * SIZE < TOO_MUCH; first += TURN) await feed.sparkle(first, TURN, SIZE);
  assert.deepEqual(resyncs, []);
  sockets[0]?.resume();
  await eventually(() => assert.equal(newest, TOO_MUCH / SIZE - 1));
  assert.ok(resyncs.length > 0 && resyncs.every(({ reason }) => reason === "slow"), JSON.stringify(resyncs));
  assert.equal(sockets.length, 1, "it was never disconnected");
});

/** Everything up to this level. */
async function untilLevel(listener: Listener, level: number): Promise<Heard[]> {
  const events: Heard[] = [];
  for (;;) {
    const event = await listener.event();
    events.push(event);
    if (event.name === "level" && (event.args[0] as { at: number }).at === level) return events;
  }
}

test("what has more than its room waiting is one message at least", async (t) => {
  const feed = feedOf(t, "large");
  const listener = await listen(t, "large", ["news"]);
  // In memory it has twice its size and is more than may wait.
  for (const number of upTo(5)) {
    await feed.tell(number, 1, 800_000);
    assert.deepEqual(numbers([await listener.event()]), [number]);
    // What is answered behind it has been written behind it.
    await listener.call("here", []);
  }
});

test("answers that nobody reads are bounded as well, and are never left out", async (t) => {
  const feed = feedOf(t, "answers");
  const caller = await listen(t, "answers", []);
  caller.stall();
  const size = 64 * 1024;
  for (let asked = 0; asked * size < TOO_MUCH; asked += 1) caller.begin("text", [size]);
  await eventually(async () => assert.equal(await feed.here(), 0));
  caller.resume();
  const { code, reason } = await caller.untilEnd();
  assert.deepEqual({ code, reason }, { code: 1008, reason: "actor.client_too_slow" });
});

test("an event stream whose client does not read ends, and the others get everything", async (t) => {
  const feed = feedOf(t, "stream");
  const other = await listen(t, "stream", ["news"]);
  const stalled = await StalledStream.open(server.url, "feed", "stream");
  t.after(() => stalled.cancel());
  await stalled.subscribe("news");
  const told = await tellTooMuch(feed, async (first) => {
    for (let number = first; number < first + TURN; number++) {
      assert.deepEqual(numbers([await other.event()]), [number]);
    }
  });
  assert.equal(await feed.here(), 1);
  const text = await stalled.rest();
  const heard = [...text.matchAll(/"number":(\d+)/g)].map(([, number]) => Number(number));
  assert.deepEqual(heard, upTo(heard.length));
  assert.ok(heard.length < told);
  assert.match(text, /event: close\ndata: .*1008.*client_too_slow/);
});

for (const [way, open] of [
  ["HTTP", floodOverHttp],
  ["HTTP to our client", floodOverHandle],
  ["a connection", floodOverConnection],
] as const) {
  test(`an answer that streams over ${way} waits for whoever reads it, and ends when nobody does`, async (t) => {
    const feed = feedOf(t, `flood ${way}`);
    const leave = await open(t, `flood ${way}`);
    // It comes to a stop by itself, long before what operating systems keep and the windows together exceed this.
    const { produced } = await steady(async () => (await feed.flooded()).produced);
    assert.ok(produced * SIZE < TOO_MUCH, `${produced} items`);
    leave();
    await eventually(async () => assert.equal((await feed.flooded()).ended, true));
    assert.ok((await feed.flooded()).produced < produced + 256, "nothing is produced for nobody");
  });
}

/** Reads the first item of a flood, and no more. */
async function floodOverHttp(t: TestContext, key: string): Promise<() => void> {
  const query = `rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=${encodeURIComponent(key)}`;
  const asked = request(`${server.url}/gateway/feed/action/flood?${query}`, {
    agent: false,
    method: "POST",
    headers: { accept: "application/vnd.greenroom.stream", "x-rivet-encoding": "json" },
  });
  t.after(() => asked.destroy());
  asked.on("error", () => {});
  asked.end(JSON.stringify({ args: [SIZE] }));
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.on("error", () => {});
  assert.equal(response.statusCode, 200);
  await once(response, "readable");
  return () => response.destroy();
}

/** Takes the first item of a flood, and no more. */
async function floodOverHandle(t: TestContext, key: string): Promise<() => void> {
  const items = feedOf(t, key).flood(SIZE)[Symbol.asyncIterator]();
  assert.equal((await items.next()).done, false);
  return () => void items.return?.(undefined);
}

/** As above, over a connection. */
async function floodOverConnection(t: TestContext, key: string): Promise<() => void> {
  const client = createClient<typeof registry>({ endpoint: server.url, transport: "websocket" });
  t.after(() => client.dispose());
  const items = client.feed.getOrCreate([key]).connect().flood(SIZE)[Symbol.asyncIterator]();
  assert.equal((await items.next()).done, false);
  return () => void items.return?.(undefined);
}

/** A number once it is the same each time that it is looked at. */
async function steady(look: () => Promise<number>): Promise<{ produced: number }> {
  let [last, times] = [-1, 0];
  await eventually(
    async () => {
      const produced = await look();
      times = produced === last ? times + 1 : 0;
      last = produced;
      assert.ok(times >= 25, `${produced} items, and more and more`);
    },
    { within: 60_000 },
  );
  return { produced: last };
}

test("an event whose topic is wrong is not sent, and whoever sends it is told", async (t) => {
  const feed = feedOf(t, "odd");
  const listener = await listen(t, "odd", ["odd", "news"]);
  await assert.rejects(feed.odd(), { code: "internal_error" });
  assert.match(server.stderr, /coalesceBy of event 'odd' has to give a string or a number, not object/);
  await feed.tell(1, 1, 1);
  assert.equal((await listener.event()).name, "news");
});
