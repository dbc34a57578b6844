/**
 * `kill -9` of the server at random moments while clients hammer 20 actors: nothing that was acknowledged and no
 * event that anyone received is ever missing, and nothing happens twice.
 *
 * `KILL_SEED` replays the choices of a run (the moments of the kills depend on the machine, too), `KILL_ROUNDS`
 * sets how often the server is killed (20).
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "../harness/client.js";
import { ServerProcess } from "../harness/server.js";
import { callOverConnection, callOverHttp } from "../kill/callers.js";
import { Gate } from "../kill/gate.js";
import { LedgerModel } from "../kill/model.js";
import { Random } from "../kill/random.js";
import type { registry } from "../server/registry.js";

const SEED = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 32));
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 20);
const ACTORS = 20;
const ENCODINGS = ["bare", "cbor", "json"] as const;

/** The longest time that a round lets the server serve, in milliseconds. */
const SERVING = 800;
/** The longest time that a round lets the server start, when it does not let it finish. */
const STARTING = 250;

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start();
});
after(() => server.dispose());

const clientOf = (encoding: (typeof ENCODINGS)[number]) =>
  createClient<typeof registry>({ endpoint: server.url, encoding });

/** Starts the server and kills it before it serves, or just after. */
async function killWhileStarting(random: Random): Promise<void> {
  const started = server.restart().catch(() => {});
  await delay(random.between(0, STARTING));
  await server.kill();
  await started;
}

test(`nothing acknowledged is lost or doubled over ${ROUNDS} kills (KILL_SEED=${SEED})`, async (t) => {
  const random = new Random(SEED);
  const models = Array.from({ length: ACTORS }, (_, i) => new LedgerModel(`ledger-${i}`));
  const clients = ENCODINGS.map(clientOf);
  const reader = clientOf("bare");
  const stop = new AbortController();
  const gate = new Gate();
  gate.open();
  t.after(async () => {
    stop.abort();
    gate.open();
    await Promise.all([...clients, reader].map((client) => client.dispose()));
  });

  /** Reads every ledger and holds it against what was known before. */
  const checkAll = () =>
    Promise.all(
      models.map(async (model) => {
        const known = model.knowledge();
        model.check(await reader.ledger.getOrCreate(model.name).read(), known);
      }),
    );

  const callers = models.flatMap((model, i) => {
    const parts = (role: string, encoding: number) => {
      const client = clients[encoding % clients.length] ?? reader;
      const handle = client.ledger.getOrCreate(model.name);
      const own = new Random(random.between(0, 2 ** 32));
      return { name: `${role}${i}`, handle, model, random: own, stop: stop.signal, gate };
    };
    return [
      callOverConnection(parts("kept", i), 4),
      i % 2 === 0 ? callOverHttp(parts("http", i + 1)) : callOverConnection(parts("new", i + 1), 1),
    ];
  });
  // The first caller that meets what a kill does not explain ends the test.
  const working = Promise.all(callers);
  working.catch(() => {});

  const rounds = async () => {
    for (let kills = 0; kills < ROUNDS; kills++) {
      await delay(random.between(0, SERVING));
      gate.close();
      await server.kill();
      if (random.oneIn(4) && kills + 1 < ROUNDS) {
        kills += 1;
        await killWhileStarting(random);
      }
      await server.restart();
      gate.open();
      await checkAll();
    }
  };
  await Promise.race([rounds(), working.then(() => assert.fail("the callers stop when they are told to"))]);
  stop.abort();
  await working;
  await checkAll();

  const totals = { acknowledged: 0, refused: 0, lost: 0, events: 0 };
  for (const model of models) {
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += model.totals[name];
  }
  t.diagnostic(`seed ${SEED}, ${ROUNDS} kills, ${JSON.stringify(totals)}`);
  assert.ok(totals.acknowledged > ROUNDS * ACTORS, "the callers got work done between the kills");
  assert.ok(totals.lost > 0, "kills hit calls in flight");
  assert.ok(totals.events > ROUNDS * ACTORS, "the subscribers heard of it");
});
