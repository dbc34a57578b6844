/** Calls at a later time: through sleep, `kill -9` and restart, each with one effect. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ActorError } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import { Random } from "../kill/random.js";
import type { registry } from "../server/schedule-registry.js";

const SEED = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 32));
const KILLS = 10;

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/schedule-main.js") });
});
after(() => server.dispose());

const connectTo = () => createClient<typeof registry>(server.url);

/** Resolves once so many scheduled calls were heard of. */
function heard(
  connection: { on(event: "fired", handler: (text: string) => void): unknown },
  count: number,
): Promise<string[]> {
  return new Promise((resolve) => {
    const texts: string[] = [];
    connection.on("fired", (text) => {
      if (texts.push(text) === count) resolve(texts);
    });
  });
}

/** Waits until the wall clock has passed `time`. */
async function passed(time: number): Promise<void> {
  while (Date.now() <= time) await delay(time - Date.now() + 1);
}

test("a call is made at its time, with its arguments and what there is to know about it", async () => {
  const client = connectTo();
  const planner = client.planner.getOrCreate("simple");
  const connection = planner.connect();
  const texts = heard(connection, 2);
  await connection.ready;
  const asked = Date.now();
  // Both at once, so that the second is set long before the first is due.
  const [late, past] = await Promise.all([connection.after(500, "late"), connection.at(1_000, "past")]);
  assert.deepEqual(await texts, ["past", "late"]);
  const fired = await planner.fired();
  assert.deepEqual(fired[0], {
    text: "past",
    info: { kind: "at", id: past, scheduledAt: 1_000, firedAt: fired[0]?.info.firedAt },
  });
  const info = fired[1]?.info;
  assert.equal(info?.id, late);
  assert.ok(info !== undefined && info.scheduledAt >= asked + 500 && info.firedAt >= info.scheduledAt);
  assert.deepEqual(await planner.list(), []);
  await client.dispose();
});

test("a call wakes a sleeping actor", async () => {
  const client = connectTo();
  // On a busy machine it may need longer to fall asleep.
  for (let attempt = 1; ; attempt++) {
    const planner = client.planner.getOrCreate(["sleeper", `${attempt}`]);
    const connection = planner.connect();
    const texts = heard(connection, 1);
    await connection.after(900 * attempt, "wake up");
    assert.deepEqual(await texts, ["wake up"]);
    const log = await planner.log();
    const fired = log.indexOf("fire wake up");
    // It may also have slept before it was asked for anything.
    if (log[fired - 1] !== "wake" && attempt < 4) continue;
    assert.deepEqual(log.slice(fired - 2, fired + 1), ["sleep", "wake", "fire wake up"]);
    break;
  }
  await client.dispose();
});

test("calls are made in the order of their times, also when all are overdue after a kill", async () => {
  const client = connectTo();
  const planner = client.planner.getOrCreate("overdue");
  const now = Date.now();
  const plans = [
    { time: now + 300, text: "c" },
    { time: now + 100, text: "a" },
    { time: now + 200, text: "b1" },
    { time: now + 200, text: "b2" },
    { time: now + 200, text: "b3" },
  ];
  await planner.several(plans);
  await server.kill();
  await passed(now + 300);
  await server.restart();
  await eventually(async () => assert.equal((await planner.fired()).length, 5));
  assert.deepEqual(
    (await planner.fired()).map(({ text }) => text),
    ["a", "b1", "b2", "b3", "c"],
  );
  await client.dispose();
});

test("what waits survives a graceful restart, and nothing is made twice", async () => {
  const client = connectTo();
  const planner = client.planner.getOrCreate("restarted");
  await planner.after(0, "before");
  await eventually(async () => assert.equal((await planner.fired()).length, 1));
  const id = await planner.after(60_000, "much later");
  const waiting = await planner.list();
  assert.equal(await server.stop("SIGTERM"), 0);
  await server.restart();
  assert.deepEqual(await planner.list(), waiting);
  assert.deepEqual(await planner.get(id), waiting[0]);
  assert.deepEqual([waiting.length, waiting[0]?.action, waiting[0]?.args], [1, "fire", ["much later"]]);
  assert.equal((await planner.fired()).length, 1);
  await client.dispose();
});

test("a cancelled call is not made", async () => {
  const client = connectTo();
  const planner = client.planner.getOrCreate("cancelled");
  const connection = planner.connect();
  const texts = heard(connection, 1);
  const id = await connection.after(2_000, "never");
  await connection.after(2_100, "after it");
  assert.equal(await connection.cancel(id), true);
  assert.equal(await connection.cancel(id), false);
  assert.equal(await connection.get(id), undefined);
  assert.deepEqual(await texts, ["after it"]);
  await client.dispose();
});

test("a call that fails is tried again", async () => {
  const client = connectTo();
  const planner = client.planner.getOrCreate("unsteady");
  const connection = planner.connect();
  const texts = heard(connection, 1);
  const id = await connection.unsteady();
  assert.deepEqual(await texts, ["at last"]);
  const [fired] = await planner.fired();
  assert.equal(fired?.info.id, id);
  assert.ok(fired.info.firedAt >= fired.info.scheduledAt + 1_000);
  await client.dispose();
});

test("an actor does not sleep while it is busy with a call", async () => {
  const client = connectTo();
  const planner = client.planner.getOrCreate("busy");
  const connection = planner.connect();
  const texts = heard(connection, 1);
  await connection.longer(600);
  assert.deepEqual(await texts, ["took its time"]);
  // It may have slept before and afterwards.
  const log = await planner.log();
  const begin = log.indexOf("begin");
  assert.deepEqual(log.slice(begin - 1, begin + 2), ["wake", "begin", "end"]);
  assert.deepEqual(await planner.list(), []);
  await client.dispose();
});

test("there is a limit, and destroying the actor ends everything", async () => {
  const client = connectTo();
  const planner = client.planner.getOrCreate("full");
  const refused = { group: "schedule", code: "max_schedules_exceeded" };
  for (let count = 0; count < 20; count++) await planner.after(60_000, "x");
  const isRefusal = (error: unknown) =>
    error instanceof ActorError && error.group === refused.group && error.code === refused.code;
  await assert.rejects(planner.after(60_000, "one too many"), isRefusal);
  await assert.rejects(planner.every(5_000), isRefusal);
  await planner.end();
  await eventually(async () => assert.deepEqual(await planner.list(), []));
  await client.dispose();
});

test("a job comes again, through a kill, and makes up for what it missed with one run", async () => {
  const client = connectTo();
  const planner = client.planner.getOrCreate("job");
  await planner.every(5_000);
  const [job] = await planner.jobs();
  assert.ok(job !== undefined);
  await server.kill();
  await passed(job.nextRunAt);
  await server.restart();
  await eventually(async () => assert.ok((await planner.fired()).length > 0));
  const { fired, history, next } = await planner.report();
  const runs = history.reverse();
  assert.equal(runs[0]?.scheduledAt, job.nextRunAt);
  // A machine that is busy may have taken longer than one interval.
  let due = job.nextRunAt;
  for (const [index, run] of runs.entries()) {
    const { result, scheduledAt, firedAt, finishedAt = Number.NaN } = run;
    assert.deepEqual([result, scheduledAt], ["ok", due]);
    const info = { kind: "every", id: "cron:tick", name: "tick", scheduledAt, firedAt };
    assert.deepEqual(fired[index], { text: "tick", info });
    due += 5_000 * (1 + Math.floor((finishedAt - due) / 5_000));
  }
  assert.deepEqual([fired.length, next], [runs.length, due]);
  assert.equal(await planner.deleteJob(), true);
  assert.deepEqual(await planner.jobs(), []);
  await client.dispose();
});

test(`every call has one effect over ${KILLS} kills (KILL_SEED=${SEED})`, async (t) => {
  const random = new Random(SEED);
  const client = connectTo();
  const actors = ["one", "two", "three"].map((key) => client.tally.getOrCreate(key));
  const accepted = actors.map(() => new Set<string>());
  const asked = actors.map(() => new Set<string>());
  for (let kill = 0; kill < KILLS; kill++) {
    await Promise.all(
      actors.map(async (tally, index) => {
        const plans = Array.from({ length: 20 }, (_, call) => ({
          key: `${kill}-${call}`,
          delay: random.between(0, 500),
        }));
        for (const { key } of plans) asked[index]?.add(key);
        await tally.plan(plans);
        for (const { key } of plans) accepted[index]?.add(key);
      }),
    );
    await delay(random.between(0, 500));
    await server.kill();
    await server.restart();
  }
  for (const [index, tally] of actors.entries()) {
    // Nothing fails here, so what waits would be told at once; on a busy machine that takes its time.
    await eventually(async () => assert.deepEqual((await tally.read()).waiting, [], server.stderr), {
      within: 30_000,
    });
    const { effects } = await tally.read();
    for (const key of accepted[index] ?? []) assert.equal(effects[key], 1, `${key} of ${index}`);
    for (const [key, count] of Object.entries(effects)) {
      assert.ok(count === 1 && asked[index]?.has(key), `${key} of ${index} happened ${count} times`);
    }
  }
  t.diagnostic(`${accepted.reduce((sum, each) => sum + each.size, 0)} calls`);
  await client.dispose();
});
