/**
 * `kill -9` of the server at random moments while publishers fill queues and a `run` loop empties them: no message that
 * was acknowledged is lost, each has its effect exactly once, and each queue keeps its order.
 *
 * `KILL_SEED` replays the choices of a run (the moments of the kills depend on the machine, too), `KILL_ROUNDS` sets
 * how often the server is killed (12).
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import { Gate } from "../kill/gate.js";
import type { Outcome } from "../kill/model.js";
import { outcomeOf } from "../kill/outcome.js";
import { Random } from "../kill/random.js";
import type { registry } from "../server/queue-registry.js";

const SEED = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 32));
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 12);
const ACTORS = 3;
const PUBLISHERS = 3;
const QUEUES = ["task", "quick"] as const;

/** The longest time that a round lets the server serve, in milliseconds. */
const SERVING = 600;

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/queue-main.js") });
});
after(() => server.dispose());

test(`every acknowledged message has one effect over ${ROUNDS} kills (KILL_SEED=${SEED})`, async (t) => {
  const random = new Random(SEED);
  const clients = (["bare", "cbor", "json"] as const).map((encoding) =>
    createClient<typeof registry>({ endpoint: server.url, encoding }),
  );
  const gate = new Gate();
  gate.open();
  const stop = new AbortController();
  const sent = new Map<string, Outcome | "pending">();

  /** Sends one message after the other, and repeats none: each has a text of its own. */
  const publish = async (actor: number, publisher: number): Promise<void> => {
    const handle = clients[publisher % clients.length]?.worker.getOrCreate(`w${actor}`);
    const own = new Random(random.between(0, 2 ** 32));
    assert.ok(handle !== undefined);
    for (let n = 0; !stop.signal.aborted; n++) {
      await gate.opened;
      const queue = QUEUES[own.between(0, 2)] ?? "task";
      const key = `${actor} ${queue} ${publisher} ${n}`;
      sent.set(key, "pending");
      const waits = own.oneIn(3);
      const call = waits
        ? handle.send(queue, key, { wait: true }).then(({ status, response }) => {
            assert.equal(status, "completed");
            // The effect of a task is told to who waits for it: the first, and only one.
            if (queue === "task") assert.equal(response, 1);
            return 1;
          })
        : handle.send(queue, key).then(() => 1);
      sent.set(key, await outcomeOf(call));
    }
  };
  const publishers = Array.from({ length: ACTORS * PUBLISHERS }, (_, i) =>
    publish(i % ACTORS, Math.floor(i / ACTORS)),
  );
  // The first that meets what a kill does not explain ends the test.
  const working = Promise.all(publishers);
  working.catch(() => {});

  /** Holds the effects against what was known before they were read. */
  const check = async (): Promise<void> => {
    const known = new Map(sent);
    for (let actor = 0; actor < ACTORS; actor++) {
      await eventually(async () => {
        const { effects } = (await clients[0]?.worker.getOrCreate(`w${actor}`).read()) ?? {};
        for (const [key, outcome] of known) {
          if (!key.startsWith(`${actor} `) || typeof outcome !== "object") continue;
          assert.equal(effects?.[key], 1, `${key} was acknowledged, and had ${effects?.[key]} effects`);
        }
      });
      const state = await clients[0]?.worker.getOrCreate(`w${actor}`).read();
      assert.ok(state !== undefined);
      for (const [key, count] of Object.entries(state.effects)) {
        assert.equal(count, 1, `${key} had ${count} effects`);
        assert.ok(sent.has(key) && sent.get(key) !== "refused", `${key} was never sent`);
      }
      const last = new Map<string, number>();
      for (const key of state.order) {
        const [, queue, publisher, n] = key.split(" ");
        const line = `${queue} ${publisher}`;
        assert.ok(Number(n) > (last.get(line) ?? -1), `${key} came after ${last.get(line)}`);
        last.set(line, Number(n));
      }
    }
  };

  try {
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.race([delay(random.between(50, SERVING)), working]);
      gate.close();
      await server.kill();
      await server.restart();
      gate.open();
      if (random.oneIn(3)) await check();
    }
  } finally {
    stop.abort();
    gate.open();
  }
  await working;
  await check();
  const outcomes = [...sent.values()];
  const count = (of: "lost" | "refused"): number => outcomes.filter((outcome) => outcome === of).length;
  const acknowledged = outcomes.filter((outcome) => typeof outcome === "object").length;
  t.diagnostic(
    `seed ${SEED}, ${ROUNDS} kills, ${acknowledged} acknowledged, ${count("lost")} lost, ${count("refused")} refused`,
  );
  assert.ok(acknowledged > ROUNDS * ACTORS * PUBLISHERS, "the publishers got work done between the kills");
  assert.ok(count("lost") > 0, "kills hit messages on their way");
  for (const client of clients) await client.dispose();
});
