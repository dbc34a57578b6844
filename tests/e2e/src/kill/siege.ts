/** A server, its diaries and their visitors, while the server is ended in all the ways of a plan. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { KillRegistry } from "../server/kill-registry.js";
import { Gate } from "./gate.js";
import { DiaryModel } from "./model.js";
import { killsOf, type Step } from "./plan.js";
import { Random } from "./random.js";
import { callOverConnection, callOverHttp, publish, talk, type Visit } from "./visitors.js";

/** How many diaries there are: every third may be destroyed, every second has visitors that take their time. */
const DIARIES = 9;
const ENCODINGS = ["bare", "cbor", "json"] as const;

export interface SiegeOptions {
  readonly seed: number;
  readonly plan: readonly Step[];
  /** Further environment variables of the server. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a siege has seen. */
export interface Figures {
  kills: number;
  stops: number;
  checks: number;
  acknowledged: number;
  refused: number;
  lost: number;
  events: number;
  fired: number;
  ticks: number;
  wakes: number;
  lives: number;
  /** Destructions from outside that were acknowledged. */
  ended: number;
}

/**
 * Runs a plan to its end, with a check of every diary after every restart.
 *
 * @throws AssertionError when something is not as it was acknowledged.
 */
export async function siege({ seed, plan, env = {} }: SiegeOptions): Promise<Figures> {
  const random = new Random(seed);
  const server = await ServerProcess.start({ script: join(DIST, "server/kill-main.js"), env });
  // What is lost stays lost: the models count it.
  const config = { endpoint: server.url, retryTimeout: 0 };
  const clients = ENCODINGS.map((encoding) => createClient<KillRegistry>({ ...config, encoding }));
  const [reader] = clients;
  assert.ok(reader);
  const models = Array.from({ length: DIARIES }, (_, i) => new DiaryModel(`diary-${i}`));
  const stop = new AbortController();
  const gate = new Gate();
  gate.open();
  const figures: Figures = {
    ...{ kills: 0, stops: 0, checks: 0, acknowledged: 0, refused: 0, lost: 0, events: 0 },
    ...{ fired: 0, ticks: 0, wakes: 0, lives: 0, ended: 0 },
  };

  const check = async (model: DiaryModel): Promise<void> => {
    const known = model.knowledge();
    const reading = await reader.diary.getOrCreate(model.name).read(model.position);
    model.check(reading, known);
    figures.checks += 1;
  };
  const checkAll = () => Promise.all(models.map(check));
  /** Checks until everything has happened that has to happen by itself and is owed now. */
  const checkDebts = async (): Promise<void> => {
    const debts = models.map((model) => new Set(model.owed()));
    await eventually(
      async () => {
        await checkAll();
        for (const [i, model] of models.entries()) {
          const left = model.owed().filter((line) => debts[i]?.has(line));
          assert.deepEqual(left, [], `${model.name} owes what was acknowledged`);
        }
      },
      { within: 20_000, every: 100 },
    );
  };

  const visit = (model: DiaryModel, i: number, role: string, client: number): Visit => ({
    name: `${role}${i}`,
    diary: (clients[client % clients.length] ?? reader).diary.getOrCreate(model.name),
    model,
    random: new Random(random.between(0, 2 ** 32)),
    stop: stop.signal,
    gate,
    pause: i % 2 === 0 ? 15 : 400,
    mortal: i % 3 === 0,
    url: server.url,
  });
  const visiting = Promise.all(
    models.flatMap((model, i) => [
      callOverConnection(visit(model, i, "kept", i), 4),
      callOverConnection(visit(model, i, "new", i + 1), 1),
      callOverHttp(visit(model, i, "http", i + 2)),
      publish(visit(model, i, "post", i)),
      talk(visit(model, i, "raw", i + 1)),
    ]),
  );
  // The first visitor that meets what the plan does not explain ends the siege.
  visiting.catch(() => {});

  const steps = async (): Promise<void> => {
    for (const step of plan) {
      await delay(step.serve);
      gate.close();
      await take(server, step);
      figures.kills += killsOf(step);
      if (step.how === "stop") figures.stops += 1;
      await server.restart();
      gate.open();
      await checkAll();
      if (random.oneIn(5)) await checkDebts();
    }
  };
  try {
    await Promise.race([
      steps(),
      visiting.then(() => assert.fail("the visitors stop when they are told to")),
    ]);
    stop.abort();
    await visiting;
    await checkDebts();
    await checkTicks(models, check);
  } finally {
    stop.abort();
    gate.open();
    await Promise.all(clients.map((client) => client.dispose()));
    await server.dispose();
  }
  for (const { totals } of models) {
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) figures[name] += totals[name];
  }
  return figures;
}

/** Jobs that were started and not stopped go on. */
function checkTicks(
  models: readonly DiaryModel[],
  check: (model: DiaryModel) => Promise<void>,
): Promise<unknown> {
  return Promise.all(
    models.map(async (model) => {
      const before = model.totals.ticks;
      await eventually(
        async () => {
          await check(model);
          assert.ok(!model.ticks || model.totals.ticks > before, `the job of ${model.name} runs no more`);
        },
        { within: 20_000, every: 250 },
      );
    }),
  );
}

async function take(server: ServerProcess, step: Step): Promise<void> {
  switch (step.how) {
    case "kill":
      return server.kill();
    case "kill in shutdown": {
      server.signal("SIGTERM");
      await delay(step.after);
      return server.kill();
    }
    case "kill in start": {
      await server.kill();
      for (const after of step.after) {
        const started = server.restart().catch(() => {});
        await delay(after);
        await server.kill();
        await started;
      }
      return;
    }
    case "stop": {
      const code = await server.stop("SIGTERM");
      assert.equal(code, 0, server.stderr);
    }
  }
}
