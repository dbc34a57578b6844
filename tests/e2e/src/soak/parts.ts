/** What the clients of the soak do. */

import assert from "node:assert/strict";
import type { ActorConn, Client } from "@greenroom/client";
import { eventually } from "../harness/eventually.js";
import type { ledger, registry } from "../server/soak-registry.js";
import { PATIENCE, type Part } from "./part.js";

type Soaked = Client<typeof registry>;

const LINE = "a line that is about as long as something that people say to each other";
/** What is sent through the actor's own HTTP handler, in bytes. */
const BODY = 256 * 1024;
/** The length of a long text. */
const PAGE = 16 * 1024;

const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);
const zeros = (count: number) => upTo(count).map(() => 0);

/** All parts, and what ends their connections. */
export function parts(client: Soaked): { readonly parts: readonly Part[]; end(): Promise<void> } {
  const live = liveActions(client, 8);
  return {
    parts: [
      live.part,
      httpActions(client, 8),
      longTexts(client, 4),
      naps(client, 16),
      alarms(client, 4),
      jobs(client, 4),
      bodies(client, 2),
      visits(client, 4),
      briefLives(client, 2),
    ],
    end: live.end,
  };
}

/** Durable writes over WebSockets, each of which is told to all listeners of its actor. */
function liveActions(client: Soaked, lanes: number): { readonly part: Part; end(): Promise<void> } {
  const writers: ActorConn<typeof ledger>[] = [];
  const listeners: typeof writers = [];
  const [written, heard] = [zeros(lanes), zeros(lanes)];
  for (const lane of upTo(lanes)) {
    const handle = client.ledger.getOrCreate(["live", String(lane)]);
    writers.push(handle.connect());
    const listener = handle.connect();
    listener.on("counted", (count) => {
      heard[lane] = count;
    });
    listeners.push(listener);
  }
  return {
    part: {
      name: "live",
      lanes,
      perSecond: 10,
      async once(lane) {
        const expected = (written[lane] ?? 0) + 1;
        assert.equal(await writers[lane]?.add(LINE), expected, "the count of a ledger over a WebSocket");
        written[lane] = expected;
      },
      async check() {
        for (const lane of upTo(lanes)) assert.equal(await writers[lane]?.count(), written[lane]);
        await eventually(() => assert.deepEqual(heard, written, "the last event of each ledger"), PATIENCE);
      },
    },
    async end() {
      await Promise.all([...writers, ...listeners].map((connection) => connection.dispose()));
    },
  };
}

/** Durable writes over HTTP. */
function httpActions(client: Soaked, lanes: number): Part {
  const written = zeros(lanes);
  const handle = (lane: number) => client.ledger.getOrCreate(["http", String(lane)]);
  return {
    name: "http",
    lanes,
    perSecond: 5,
    async once(lane) {
      const expected = (written[lane] ?? 0) + 1;
      assert.equal(await handle(lane).add(LINE), expected, "the count of a ledger over HTTP");
      written[lane] = expected;
    },
    async check() {
      for (const lane of upTo(lanes)) assert.equal(await handle(lane).count(), written[lane]);
    },
  };
}

/** Long texts that replace each other: what the store holds in memory until it writes a table is full every few minutes. */
function longTexts(client: Soaked, lanes: number): Part {
  const pages = 8;
  const written = zeros(lanes);
  const handle = (lane: number) => client.album.getOrCreate([String(lane)]);
  const textOf = (number: number) => `${number} `.padEnd(PAGE, "x");
  return {
    name: "write",
    lanes,
    perSecond: 4,
    async once(lane) {
      const number = written[lane] ?? 0;
      const count = await handle(lane).put(String(number % pages), textOf(number));
      assert.equal(count, Math.min(number + 1, pages), "the pages of an album");
      written[lane] = number + 1;
    },
    async check() {
      for (const [lane, count] of written.entries()) {
        for (let number = Math.max(0, count - pages); number < count; number++) {
          assert.equal(await handle(lane).page(String(number % pages)), textOf(number));
        }
      }
    },
  };
}

/** Actors that sleep between calls. */
function naps(client: Soaked, lanes: number): Part {
  const each = 8;
  const written = zeros(lanes * each);
  const turns = zeros(lanes);
  let wakes = 0;
  const handle = (number: number) => client.sleeper.getOrCreate([String(number)]);
  return {
    name: "sleep",
    lanes,
    perSecond: 2,
    async once(lane) {
      const turn = turns[lane] ?? 0;
      turns[lane] = turn + 1;
      const number = lane * each + (turn % each);
      const { count, sinceWake } = await handle(number).add();
      const expected = (written[number] ?? 0) + 1;
      assert.equal(count, expected, "the count of an actor that sleeps");
      written[number] = expected;
      if (sinceWake === 1) wakes++;
    },
    async check() {
      const visited = written.filter((count) => count > 0);
      for (const [number, count] of written.entries()) {
        if (count > 0) assert.equal(await handle(number).count(), count);
      }
      assert.ok(wakes >= visited.length, "each has begun at least once");
      // Whoever was called again had slept before: the pause between two calls is long enough for that.
      const calls = written.reduce((sum, count) => sum + count, 0);
      assert.ok(calls < 4 * visited.length || wakes > calls / 2, `${wakes} wakes in ${calls} calls`);
    },
  };
}

/** Calls that are made later. */
function alarms(client: Soaked, lanes: number): Part {
  const set = zeros(lanes);
  const handle = (lane: number) => client.bell.getOrCreate([String(lane)]);
  return {
    name: "schedule",
    lanes,
    perSecond: 2,
    async once(lane) {
      await handle(lane).ringIn(500);
      set[lane] = (set[lane] ?? 0) + 1;
    },
    async check() {
      for (const lane of upTo(lanes)) {
        await eventually(async () => assert.equal(await handle(lane).rung(), set[lane]), PATIENCE);
      }
    },
  };
}

/** Messages that wait for their answer. */
function jobs(client: Soaked, lanes: number): Part {
  const sent = zeros(lanes);
  const handle = (lane: number) => client.desk.getOrCreate([String(lane)]);
  return {
    name: "queue",
    lanes,
    perSecond: 4,
    async once(lane) {
      const number = (sent[lane] ?? 0) + 1;
      const outcome = await handle(lane).send("job", number, { wait: true });
      assert.deepEqual(outcome, { status: "completed", response: number * 2 });
      sent[lane] = number;
    },
    async check() {
      for (const lane of upTo(lanes)) assert.equal(await handle(lane).done(), sent[lane]);
    },
  };
}

/** Bodies of requests that come back as they go. */
function bodies(client: Soaked, lanes: number): Part {
  const body = new Uint8Array(BODY).map((_, index) => index * 7);
  return {
    name: "stream",
    lanes,
    perSecond: 2,
    async once(lane) {
      const response = await client.mirror.getOrCreate([String(lane)]).fetch("/", { method: "POST", body });
      assert.equal(response.status, 200);
      const back = new Uint8Array(await response.arrayBuffer());
      assert.ok(Buffer.from(body).equals(back), `${back.length} other bytes came back`);
    },
    check: async () => {},
  };
}

/** Clients that come, say something, listen, and go. */
function visits(client: Soaked, lanes: number): Part {
  const written = zeros(lanes);
  return {
    name: "visit",
    lanes,
    perSecond: 2,
    async once(lane) {
      const connection = client.ledger.getOrCreate(["visited", String(lane)]).connect();
      try {
        const heard = new Promise<number>((resolve) => connection.once("counted", resolve));
        await connection.ready;
        const expected = (written[lane] ?? 0) + 1;
        assert.equal(await connection.add(LINE), expected, "the count of a ledger that is visited");
        written[lane] = expected;
        assert.equal(await heard, expected, "the event that a visitor hears");
      } finally {
        await connection.dispose();
      }
    },
    async check() {
      for (const [lane, count] of written.entries()) {
        assert.equal(await client.ledger.getOrCreate(["visited", String(lane)]).count(), count);
      }
    },
  };
}

/** Actors that are created, used and destroyed. A key is used again. */
function briefLives(client: Soaked, lanes: number): Part {
  return {
    name: "brief",
    lanes,
    perSecond: 2,
    async once(lane) {
      const actor = client.brief.getOrCreate([String(lane)]);
      assert.equal(await actor.add(), 1, "nothing is left of an actor that was destroyed");
      await actor.end();
      await eventually(() => isGone(client, lane), PATIENCE);
    },
    check: async () => {},
  };
}

/** @throws Error while there is still the brief actor of a lane. */
async function isGone(client: Soaked, lane: number): Promise<void> {
  await assert.rejects(client.brief.get([String(lane)]).resolve(), { code: "not_found" });
}
