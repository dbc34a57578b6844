import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { actor, type CronJob, type CronRun, type FireInfo, type ScheduledCall } from "../../dist/index.js";
import { encodeArgs, encodeBody, jobId } from "../../dist/schedule/alarm.js";
import { skipped } from "../../dist/schedule/history.js";
import type { CoreAlarm, Output, Turn } from "./support/core.js";
import { Stage } from "./support/stage.js";

const SECOND = 1_000;

type SetAlarm = Extract<Output, { kind: "setAlarm" }>;

const isSet = (output: Output): output is SetAlarm => output.kind === "setAlarm";

/** The one alarm that was set last. */
function lastSet(stage: Stage): SetAlarm {
  const found = stage.outputs.findLast(isSet);
  assert.ok(found !== undefined, "an alarm was set");
  return found;
}

/** Tells an alarm, and gives the turns that lead to its answer. */
async function fire(stage: Stage, alarm: CoreAlarm, now = alarm.due): Promise<readonly Turn[]> {
  stage.forget();
  stage.core.alarm(1, 77, alarm, now);
  await stage.until((output) => output.kind === "reply" && output.call === 77);
  return stage.core.turns.slice();
}

/** The value that a call gave. */
async function value<T>(stage: Stage, name: string, ...args: unknown[]): Promise<T> {
  const outcome = await stage.call(name, ...args);
  assert.equal(outcome.kind, "reply", JSON.stringify(outcome));
  return (outcome as { value: T }).value;
}

/** The code of the error that a call gave. */
async function code(stage: Stage, name: string, ...args: unknown[]): Promise<string> {
  const outcome = await stage.call(name, ...args);
  return outcome.kind === "replyError" ? `${outcome.error.group}.${outcome.error.code}` : outcome.kind;
}

const fired: unknown[][] = [];

const diary = actor({
  state: { notes: [] as string[], failures: 0 },
  options: { maxSchedules: 3, actionTimeout: 40 },
  actions: {
    after: (c, ms: number, action: string, ...args: unknown[]) =>
      c.schedule.after(ms, action as "note", ...args),
    at: (c, time: number, ...args: unknown[]) => c.schedule.at(time, "note", ...args),
    unawaited(c) {
      c.state.notes.push("asked");
      void c.schedule.after(10, "note", "later");
      throw new Error("after all");
    },
    several: async (c) => {
      for (const text of ["a", "b", "c"]) await c.schedule.at(5_000, "note", text);
    },
    cancel: (c, id: string) => c.schedule.cancel(id),
    get: (c, id: string) => c.schedule.get(id),
    list: (c) => c.schedule.list(),
    note(c, text: string, ...rest: unknown[]) {
      fired.push([text, ...rest, c.conn === undefined]);
      c.state.notes.push(text);
      return () => "a result that cannot be sent";
    },
    fail(c) {
      c.state.failures++;
      throw new Error("no luck");
    },
    hang: async (c) => {
      await new Promise((resolve) => c.abortSignal.addEventListener("abort", resolve));
    },
    slow: async (c, text: string) => {
      await sleep(5);
      c.state.notes.push(text);
    },
    cancelsItself: async (c, info: FireInfo) => {
      assert.equal(await c.schedule.cancel(info.id), true);
      throw new Error("not again");
    },
  },
});

test("a call is set in the turn that asks for it, and removed in the turn that it ends with", async () => {
  fired.length = 0;
  const stage = await new Stage(diary).started();
  const before = Date.now();
  const id = await value<string>(stage, "after", 1_500, "note", "hi", new Map([[1, 2n]]));
  const set = lastSet(stage);
  assert.equal(set.id, id);
  assert.ok(set.due >= before + 1_500 && set.due <= Date.now() + 1_500);
  assert.equal(stage.core.turns.length, 1, "the alarm and the reply are one turn");
  const waiting: ScheduledCall = { id, action: "note", args: ["hi", new Map([[1, 2n]])], runAt: set.due };
  assert.deepEqual(await value(stage, "get", id), waiting);
  assert.deepEqual(await value(stage, "list"), [waiting]);
  const turns = await fire(stage, set, set.due + 7);
  assert.equal(turns.length, 1, "the effect and the removal are one turn");
  assert.deepEqual(turns[0]?.changes, [[2, ["notes"], ["hi"]]]);
  assert.deepEqual(turns[0]?.outputs, [
    { kind: "removeAlarm", id },
    { kind: "reply", call: 77, value: null },
  ]);
  const info: FireInfo = { kind: "at", id, scheduledAt: set.due, firedAt: set.due + 7 };
  assert.deepEqual(fired, [["hi", new Map([[1, 2n]]), info, true]]);
  assert.deepEqual(await value(stage, "list"), []);
});

test("an action that throws keeps what it scheduled, as it keeps its changes", async () => {
  const stage = await new Stage(diary).started();
  assert.equal(await code(stage, "unawaited"), "rivetkit.internal_error");
  assert.equal(lastSet(stage).attempt, 0);
  assert.equal(stage.core.turns.length, 1);
});

test("an asynchronous action ends in the turn that removes its alarm", async () => {
  const stage = await new Stage(diary).started();
  await stage.call("after", 0, "slow", "done");
  const turns = await fire(stage, lastSet(stage));
  const last = turns.at(-1);
  assert.deepEqual(last?.changes, [[2, ["notes"], ["done"]]]);
  assert.deepEqual(
    last?.outputs.map(({ kind }) => kind),
    ["removeAlarm", "reply"],
  );
});

test("calls for the same time are made in the order in which they were asked for", async () => {
  const stage = await new Stage(diary).started();
  await stage.call("several");
  const alarms = stage.outputs.filter(isSet);
  const ids = alarms.map(({ id }) => id);
  assert.deepEqual(ids, [...ids].sort());
  const list = await value<ScheduledCall[]>(stage, "list");
  assert.deepEqual(
    list.map(({ args }) => args[0]),
    ["a", "b", "c"],
  );
});

test("what was set in a life before goes on in the next", async () => {
  fired.length = 0;
  const first = await new Stage(diary).started();
  await first.call("at", 5_000, "kept");
  const alarm = lastSet(first);
  const second = await new Stage(diary).started({ state: { notes: [], failures: 0 }, alarms: [alarm] });
  assert.equal((await value<ScheduledCall[]>(second, "list")).length, 1);
  const [turn] = await fire(second, alarm, 9_000);
  assert.deepEqual(turn?.outputs[0], { kind: "removeAlarm", id: alarm.id });
  assert.deepEqual(fired, [["kept", { kind: "at", id: alarm.id, scheduledAt: 5_000, firedAt: 9_000 }, true]]);
});

test("a call that fails is tried again, later and later, and given up at last", async () => {
  const stage = await new Stage(diary).started();
  const id = await value<string>(stage, "after", 0, "fail");
  let alarm: CoreAlarm = lastSet(stage);
  const scheduledAt = alarm.due;
  const waits: number[] = [];
  for (let attempt = 1; attempt < 20; attempt++) {
    // Later than it was due, and by the clock of the core, which is ahead of this one.
    const now = alarm.due + 3_600_000;
    const [turn, ...more] = await fire(stage, alarm, now);
    assert.deepEqual(more, []);
    assert.equal(turn?.changes.length, 1, "its changes are kept");
    alarm = lastSet(stage);
    assert.equal(alarm.attempt, attempt);
    waits.push(alarm.due - now);
  }
  const expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, ...Array.from({ length: 10 }, () => 300)];
  assert.deepEqual(
    waits,
    expected.map((seconds) => seconds * SECOND),
  );
  assert.equal((await value<ScheduledCall>(stage, "get", id)).runAt, alarm.due);
  const [last] = await fire(stage, alarm, alarm.due);
  assert.deepEqual(last?.outputs[0], { kind: "removeAlarm", id });
  assert.ok(stage.logs.some((line) => line.includes("given up") && line.includes("no luck")));
  assert.ok(scheduledAt < alarm.due);
});

test("an action that takes too long counts as failed", async () => {
  const stage = await new Stage(diary).started();
  await stage.call("after", 0, "hang");
  await fire(stage, lastSet(stage));
  assert.equal(lastSet(stage).attempt, 1);
});

test("a call of an action that no longer exists is kept for a while", async () => {
  const stage = await new Stage(diary).started();
  await stage.call("after", 0, "note");
  const alarm = lastSet(stage);
  const later = await new Stage(actor({ actions: {} })).started({ alarms: [alarm] });
  await fire(later, alarm);
  assert.equal(lastSet(later).attempt, 1);
});

test("a cancelled call is not made; one that is being made ends and is not tried again", async () => {
  const stage = await new Stage(diary).started();
  const id = await value<string>(stage, "after", 0, "note", "never");
  const alarm = lastSet(stage);
  assert.equal(await value(stage, "cancel", id), true);
  assert.equal(await value(stage, "cancel", id), false);
  assert.equal(await value(stage, "get", id), undefined);
  // The core has told it before it knew.
  const [turn] = await fire(stage, alarm);
  assert.deepEqual(turn?.outputs, [{ kind: "reply", call: 77, value: null }]);
  await stage.call("after", 0, "cancelsItself");
  const turns = await fire(stage, lastSet(stage));
  const outputs = turns.flatMap((each) => each.outputs);
  assert.deepEqual(
    outputs.map(({ kind }) => kind),
    ["removeAlarm", "reply"],
  );
});

test("hooks about connections are not for calls of the schedule", async () => {
  const refuse = () => assert.fail("nobody connects");
  const stage: Stage = await new Stage(
    actor({
      state: { conn: "unknown" },
      onCreate: (c) => void c.schedule.after(0, "work"),
      onBeforeConnect: refuse,
      createConnState: refuse,
      onConnect: refuse,
      onDisconnect: refuse,
      actions: {
        async work(c) {
          c.state.conn = String(c.conn);
          await sleep(1);
        },
      },
    }),
  ).started();
  stage.core.start(2, "thing", {});
  await stage.run();
  const alarm = lastSet(stage);
  stage.forget();
  stage.core.alarm(2, 77, alarm, alarm.due);
  await stage.until((output) => output.kind === "reply");
  assert.deepEqual(stage.changes, [[0, [], "conn", "undefined"]]);
});

test("nothing begins in an actor that is about to end", async () => {
  const order: string[] = [];
  let alarm: CoreAlarm | undefined;
  const stage: Stage = await new Stage(
    actor({
      onSleep: async () => {
        assert.ok(alarm !== undefined);
        stage.core.alarm(1, 77, alarm, alarm.due);
        await stage.until((output) => output.kind === "reply");
      },
      actions: {
        soon: (c) => c.schedule.after(0, "work"),
        work: () => void order.push("worked"),
      },
    }),
  ).started();
  await stage.call("soon");
  alarm = lastSet(stage);
  stage.forget();
  stage.core.stop(1, "sleep");
  await stage.until((output) => output.kind === "stopped");
  assert.deepEqual(
    stage.outputs.map(({ kind }) => kind),
    ["reply", "stopped"],
  );
  assert.deepEqual(order, []);
});

test("bad input is refused at the call, and sets nothing", async () => {
  const stage = await new Stage(diary).started();
  assert.equal(await code(stage, "after", 1, "nope"), "actor.action_not_found");
  for (const time of [Number.NaN, Number.POSITIVE_INFINITY, 9e15, "5", null]) {
    assert.equal(await code(stage, "at", time), "schedule.invalid_time");
    assert.equal(await code(stage, "after", time, "note"), "schedule.invalid_time");
  }
  assert.equal(stage.outputs.some(isSet), false);
  for (const time of [0, -1, 1.5]) assert.equal(await code(stage, "at", time), "reply");
  assert.equal(await code(stage, "at", 1), "schedule.max_schedules_exceeded");
  for (const id of ["", "cron:x", 5]) assert.equal(await value(stage, "cancel", id), false);
});

test("arguments that cannot be stored are refused and named", async () => {
  const stage = await new Stage(
    actor({
      actions: {
        bad(c) {
          assert.throws(() => c.schedule.after(1, "bad", { f: () => 1 }), /args\[0\]\.f|args/);
          return "refused";
        },
      },
    }),
  ).started();
  assert.equal(await value(stage, "bad"), "refused");
});

test("an alarm of another version is kept", async () => {
  const alarm = { id: "x", due: 5, attempt: 3, body: new Uint8Array([9, 1, 2]) };
  const stage = await new Stage(diary).started({ state: { notes: [], failures: 0 }, alarms: [alarm] });
  assert.deepEqual(await value(stage, "list"), []);
  await fire(stage, alarm, 10);
  const set = lastSet(stage);
  assert.deepEqual([set.id, set.attempt, [...set.body]], ["x", 3, [9, 1, 2]]);
  assert.ok(set.due > 10);
});

const jobs = actor({
  state: { runs: 0 },
  options: { actionTimeout: 30 },
  actions: {
    set: (c, options: object) => c.cron.set(options as { name: string; expression: string; action: "run" }),
    every: (c, options: object) => c.cron.every(options as { name: string; interval: number; action: "run" }),
    get: (c, name: string) => c.cron.get(name),
    list: (c) => c.cron.list(),
    remove: (c, name: string) => c.cron.delete(name),
    history: (c, name: string, limit?: number) => c.cron.history(name, { limit }),
    run(c, ...args: unknown[]) {
      c.state.runs++;
      fired.push(args);
    },
    fail: () => {
      throw new Error("no luck");
    },
    async peek(c, info: FireInfo) {
      fired.push([await c.cron.history(info.name ?? "")]);
    },
    hang: () => new Promise(() => {}),
    async deletesItself(c, info: FireInfo) {
      await c.cron.delete(info.name ?? "");
    },
  },
});

const EVERY = { name: "poll", interval: 10_000, action: "run", args: ["x"] };

test("a job runs, moves to its next time and records the run, in one turn", async () => {
  fired.length = 0;
  const stage = await new Stage(jobs).started();
  await stage.call("set", { name: "hourly", expression: "0 * * * *", action: "run", args: [1] });
  const alarm = lastSet(stage);
  assert.equal(alarm.due % 3_600_000, 0);
  const turns = await fire(stage, alarm, alarm.due + 3);
  assert.equal(turns.length, 1);
  assert.deepEqual(
    turns[0]?.outputs.map(({ kind }) => kind),
    ["setAlarm", "reply"],
  );
  const next = lastSet(stage);
  assert.equal(next.due, alarm.due + 3_600_000);
  const { id, due: scheduledAt } = alarm;
  const info = { kind: "cron", id, name: "hourly", scheduledAt, firedAt: scheduledAt + 3 };
  assert.deepEqual(fired, [[1, info]]);
  const run: CronRun = {
    result: "ok",
    scheduledAt,
    firedAt: scheduledAt + 3,
    finishedAt: scheduledAt + 3,
  };
  assert.deepEqual(await value(stage, "history", "hourly"), [run]);
  // The history is in the alarm: it survives.
  const later = await new Stage(jobs).started({ state: { runs: 1 }, alarms: [next] });
  assert.deepEqual(await value(later, "history", "hourly"), [run]);
  const job: CronJob = {
    kind: "cron",
    name: "hourly",
    expression: "0 * * * *",
    timezone: "UTC",
    action: "run",
    args: [1],
    maxHistory: 100,
    nextRunAt: next.due,
  };
  assert.deepEqual(await value(later, "get", "hourly"), job);
  assert.deepEqual(await value(later, "list"), [job]);
});

test("missed times collapse into one run, and the times stay where they were anchored", async () => {
  const stage = await new Stage(jobs).started();
  await stage.call("every", EVERY);
  const alarm = lastSet(stage);
  await fire(stage, alarm, alarm.due + 34_567);
  assert.equal(lastSet(stage).due, alarm.due + 40_000);
  assert.equal((await value<CronRun[]>(stage, "history", "poll")).length, 1);
});

test("a run that fails is recorded and not tried again before the next time", async () => {
  const stage = await new Stage(jobs).started();
  await stage.call("every", { ...EVERY, action: "fail" });
  const alarm = lastSet(stage);
  await fire(stage, alarm);
  const [run] = await value<CronRun[]>(stage, "history", "poll");
  assert.equal(run?.result, "error");
  assert.equal(run?.error, "no luck");
  assert.equal(lastSet(stage).due, alarm.due + 10_000);
});

test("a run in progress is shown as running", async () => {
  fired.length = 0;
  const stage = await new Stage(jobs).started();
  await stage.call("every", { ...EVERY, action: "peek", args: [] });
  const alarm = lastSet(stage);
  await fire(stage, alarm);
  assert.deepEqual(fired, [[[{ result: "running", scheduledAt: alarm.due, firedAt: alarm.due }]]]);
});

test("a firing that finds the one before still running is skipped", async () => {
  const stage = await new Stage(jobs).started();
  await stage.call("every", { ...EVERY, action: "hang" });
  await fire(stage, lastSet(stage));
  await fire(stage, lastSet(stage));
  const runs = await value<CronRun[]>(stage, "history", "poll");
  assert.deepEqual(
    runs.map(({ result }) => result),
    ["skipped", "error"],
  );
});

test("setting a job again keeps its next time unless its times change", async () => {
  const stage = await new Stage(jobs).started();
  await stage.call("every", EVERY);
  const first = lastSet(stage);
  await fire(stage, first);
  const moved = lastSet(stage);
  await stage.call("every", { ...EVERY, args: ["y"], maxHistory: 1 });
  assert.equal(lastSet(stage).due, moved.due);
  assert.equal((await value<CronRun[]>(stage, "history", "poll")).length, 1);
  await stage.call("every", { ...EVERY, interval: 3_600_000 });
  assert.ok(lastSet(stage).due > moved.due + 3_000_000);
  assert.equal((await value<CronJob[]>(stage, "list")).length, 1);
  await fire(stage, lastSet(stage));
  assert.equal((await value<CronRun[]>(stage, "history", "poll")).length, 2);
  await stage.call("every", { ...EVERY, maxHistory: 0 });
  assert.deepEqual(await value(stage, "history", "poll"), []);
});

test("a deleted job is gone with its history, also in the middle of a run", async () => {
  const stage = await new Stage(jobs).started();
  await stage.call("every", EVERY);
  assert.equal(await value(stage, "remove", "poll"), true);
  assert.equal(await value(stage, "remove", "poll"), false);
  await stage.call("every", { ...EVERY, action: "deletesItself", args: [] });
  const turns = await fire(stage, lastSet(stage));
  assert.deepEqual(
    turns.flatMap(({ outputs }) => outputs).map(({ kind }) => kind),
    ["removeAlarm", "reply"],
  );
  assert.deepEqual(await value(stage, "history", "poll"), []);
});

test("a job whose action no longer exists is removed when it is due", async () => {
  const stage = await new Stage(jobs).started();
  await stage.call("every", EVERY);
  const alarm = lastSet(stage);
  const later = await new Stage(actor({ actions: {} })).started({ alarms: [alarm] });
  const [turn] = await fire(later, alarm);
  assert.deepEqual(turn?.outputs[0], { kind: "removeAlarm", id: "cron:poll" });
});

test("jobs that cannot be meant are refused", async () => {
  const stage = await new Stage(jobs).started();
  const cron = { name: "n", expression: "* * * * *", action: "run" };
  const cases: [method: string, options: object, code: string][] = [
    ["set", { ...cron, name: "" }, "schedule.invalid_name"],
    ["set", { ...cron, name: "x".repeat(129) }, "schedule.invalid_name"],
    ["every", { ...EVERY, name: 5 }, "schedule.invalid_name"],
    ["set", { ...cron, expression: "* * *" }, "schedule.invalid_cron_expression"],
    ["set", { ...cron, expression: "0 0 31 2 *" }, "schedule.invalid_cron_expression"],
    ["set", { ...cron, expression: `*${",1".repeat(200)} * * * *` }, "schedule.invalid_cron_expression"],
    ["set", { ...cron, expression: undefined }, "schedule.invalid_cron_expression"],
    ["set", { ...cron, timezone: "Mars/Olympus" }, "schedule.invalid_timezone"],
    ["set", { ...cron, timezone: 5 }, "schedule.invalid_timezone"],
    ["set", { ...cron, action: "nope" }, "actor.action_not_found"],
    ["set", { ...cron, maxHistory: 1_001 }, "schedule.invalid_max_history"],
    ["set", { ...cron, maxHistory: -1 }, "schedule.invalid_max_history"],
    ["every", { ...EVERY, maxHistory: 1.5 }, "schedule.invalid_max_history"],
    ["every", { ...EVERY, interval: 4_999 }, "schedule.invalid_interval"],
    ["every", { ...EVERY, interval: Number.NaN }, "schedule.invalid_interval"],
    ["every", { ...EVERY, interval: "5000" }, "schedule.invalid_interval"],
  ];
  for (const [method, options, expected] of cases) {
    assert.equal(await code(stage, method, options), expected, JSON.stringify(options));
  }
  assert.equal(stage.outputs.some(isSet), false);
});

test("the history is bounded, for a job and for all jobs of an actor", async () => {
  const stage = await new Stage(jobs).started();
  await stage.call("every", { ...EVERY, maxHistory: 2 });
  for (let run = 0; run < 3; run++) await fire(stage, lastSet(stage));
  const runs = await value<CronRun[]>(stage, "history", "poll");
  assert.equal(runs.length, 2);
  assert.ok((runs[0]?.scheduledAt ?? 0) > (runs[1]?.scheduledAt ?? 0), "the latest comes first");
  assert.equal((await value<CronRun[]>(stage, "history", "poll", 1)).length, 1);
});

test("all jobs of an actor together remember 10,000 runs, and the longest history gives way", async () => {
  const runs = Array.from({ length: 1_000 }, (_, run) => skipped(run));
  const alarms = Array.from({ length: 10 }, (_, index): CoreAlarm => {
    const name = `job${index}`;
    const timing = { kind: "every", interval: 10_000, anchor: 0 } as const;
    const job = {
      kind: "job",
      name,
      action: "run",
      args: encodeArgs([]),
      timing,
      maxHistory: 1_000,
    } as const;
    const kept = index === 3 ? runs.slice(0, 999) : runs;
    return { id: jobId(name), due: 10_000, attempt: 0, body: encodeBody({ ...job, runs: kept }) };
  });
  const stage = await new Stage(jobs).started({ state: { runs: 0 }, alarms });
  const lengths = () =>
    Promise.all(
      alarms.map(async (_, index) => {
        return (await value<CronRun[]>(stage, "history", `job${index}`, 2_000)).length;
      }),
    );
  const [alarm] = alarms.slice(3, 4);
  assert.ok(alarm !== undefined);
  await fire(stage, alarm);
  assert.deepEqual(
    await lengths(),
    Array.from({ length: 10 }, () => 1_000),
  );
  await stage.call("every", { ...EVERY, name: "one more" });
  const [turn] = await fire(stage, lastSet(stage));
  assert.deepEqual(
    turn?.outputs.map(({ kind }) => kind),
    ["setAlarm", "setAlarm", "reply"],
  );
  assert.deepEqual(await lengths(), [999, ...Array.from({ length: 9 }, () => 1_000)]);
  assert.equal((await value<CronRun[]>(stage, "history", "one more")).length, 1);
});
