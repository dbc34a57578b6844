/**
 * Connections that are cut at random bytes, some without the server's knowing, and `kill -9` of the server: what a
 * client hears of an actor that keeps its events is exactly what the actor has sent, each event once and in order.
 *
 * `RESUME_SEED` replays the choices of a run (where bytes and kills meet depends on the machine, too), `RESUME_KILLS`
 * sets how often the server is killed (8).
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ClientConfig } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import { Gate } from "../kill/gate.js";
import { Random } from "../kill/random.js";
import { Listener } from "../resume/listener.js";
import type { registry } from "../server/resume-registry.js";

const SEED = Number(process.env.RESUME_SEED ?? Math.floor(Math.random() * 2 ** 32));
const KILLS = Number(process.env.RESUME_KILLS ?? 8);
const ACTORS = ["north", "south"];

/** The longest time that a round lets the server serve, in milliseconds. */
const SERVING = 2_500;

const WAYS: readonly ClientConfig[] = [
  { encoding: "bare" },
  { encoding: "json" },
  { transport: "sse" },
  { transport: "sse", encoding: "cbor" },
];

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/resume-main.js") });
});
after(() => server.dispose());

test(`clients that come back miss nothing over ${KILLS} kills (RESUME_SEED=${SEED})`, async (t) => {
  const random = new Random(SEED);
  const direct = createClient<typeof registry>(server.url);
  const stop = new AbortController();
  const gate = new Gate();
  gate.open();
  t.after(() => {
    stop.abort();
    gate.open();
  });
  const listeners = await Promise.all(
    ACTORS.flatMap((key) =>
      WAYS.map(async (way, index) => {
        const own = new Random(random.between(0, 2 ** 32));
        const listener = await Listener.start(`${key}-${index}`, key, server.port, way, own);
        return { key, listener };
      }),
    ),
  );
  for (const { listener } of listeners) listener.beginCutting();

  let said = 0;
  const speak = async (key: string) => {
    const own = new Random(random.between(0, 2 ** 32));
    const handle = direct.feed.getOrCreate(key);
    while (!stop.signal.aborted) {
      await gate.opened;
      const texts = Array.from({ length: own.between(1, 4) }, () => `${++said}`);
      const name = (["tick", "tick", "tock", "secret"] as const)[own.between(0, 4)] ?? "tick";
      // A kill takes it back, or only its answer.
      await handle.say(name, ...texts).catch(() => {});
      if (own.oneIn(40)) await handle.nap().catch(() => {});
      await delay(own.between(0, 8));
    }
  };
  const act = async (listener: Listener) => {
    const own = new Random(random.between(0, 2 ** 32));
    for (let turn = 0; !stop.signal.aborted; turn++) {
      await listener.act(`${listener.name} ${turn}`);
      await delay(own.between(0, 60));
    }
  };
  const working = Promise.all([...ACTORS.map(speak), ...listeners.map(({ listener }) => act(listener))]);
  working.catch(() => {});

  for (let kill = 0; kill < KILLS; kill++) {
    await delay(random.between(0, SERVING));
    gate.close();
    await server.kill();
    await server.restart();
    gate.open();
  }
  await delay(SERVING);
  stop.abort();
  for (const { listener } of listeners) listener.endCutting();
  await working;

  const totals = { cuts: 0, sent: 0, heard: 0 };
  for (const key of ACTORS) {
    const handle = direct.feed.getOrCreate(key);
    await handle.say("tick", "the end");
    const sent = await handle.sent();
    totals.sent += sent.length;
    for (const { listener } of listeners.filter((each) => each.key === key)) {
      // Whoever lacks something is told in full below.
      await eventually(() => assert.ok(listener.log.some(([, , text]) => text === "the end")), {
        within: 20_000,
      }).catch(() => {});
      listener.check(sent);
      totals.cuts += listener.proxy.cuts;
      totals.heard += listener.log.length;
    }
  }
  t.diagnostic(`seed ${SEED}, ${KILLS} kills, ${JSON.stringify(totals)}`);
  assert.ok(totals.cuts > 4 * listeners.length, `${totals.cuts} connections were cut`);
  assert.ok(totals.heard > 20 * listeners.length, `${totals.heard} events were heard`);
});

/** Event streams that do not say where their client was. */
const forgetful: ClientConfig = {
  transport: "sse",
  runtime: {
    fetch: (input, init) => {
      const headers = new Headers(init?.headers);
      headers.delete("last-event-id");
      return fetch(input, { ...init, headers });
    },
  },
};

test("a client that does not say where it was is found", async () => {
  const random = new Random(SEED);
  const listener = await Listener.start("lost", "found", server.port, forgetful, random);
  const speaker = createClient<typeof registry>(server.url).feed.getOrCreate("found");
  await speaker.say("tick", "1");
  await eventually(() => assert.equal(listener.log.length, 1));
  listener.endCutting();
  await speaker.say("tick", "2");
  await eventually(async () => assert.equal(listener.resyncs.length, 1));
  await speaker.say("tick", "3");
  await eventually(() => assert.equal(listener.log.at(-1)?.[2], "3"));
  const sent = await speaker.sent();
  assert.throws(() => listener.check(sent), /lost: event 1 is another one/);
});
