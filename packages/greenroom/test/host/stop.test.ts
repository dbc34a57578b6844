import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { actor } from "../../dist/index.js";
import { Stage } from "./support/stage.js";

test("sleep fires the signal, runs onSleep, keeps connection states, and says so last", async () => {
  const order: string[] = [];
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      connState: { name: "ann" },
      onSleep: async (c) => {
        order.push(`onSleep ${c.aborted}`);
        await sleep(1);
        c.state.n = 1;
        c.broadcast("bye");
      },
      onDestroy: () => assert.fail("it only sleeps"),
      actions: {
        listen(c) {
          c.abortSignal.addEventListener("abort", () => order.push("abort"));
        },
      },
    }),
  ).started();
  stage.core.connect(1, 1).call(1, 1, "listen", []);
  await stage.run();
  stage.forget();
  stage.core.stop(1, "sleep");
  await stage.run();
  assert.deepEqual(order, ["abort", "onSleep true"]);
  assert.deepEqual(stage.changes, [[0, [], "n", 1]]);
  assert.deepEqual(stage.outputs.at(0), { kind: "event", conn: "all", name: "bye", args: [] });
  assert.deepEqual(
    stage.outputs.find((output) => output.kind === "connState"),
    { kind: "connState", conn: 1, state: { name: "ann" } },
  );
  assert.ok(stage.outputs.some((output) => output.kind === "stopped"));
  assert.equal(stage.host.size, 0);
});

test("destroy runs onDestroy, and an error in there is only logged", async () => {
  const stage = await new Stage(
    actor({
      onSleep: () => assert.fail("it is destroyed"),
      onDestroy: () => {
        throw new Error("boom in onDestroy");
      },
      actions: {},
    }),
  ).started();
  stage.core.stop(1, "destroy");
  await stage.run();
  assert.deepEqual(stage.outputs, [{ kind: "stopped" }]);
  assert.match(stage.logs.join("\n"), /hook=onDestroy.*boom in onDestroy/);
});

test("an actor that is awake for its end only has its last hook with state and vars, and nothing else", async () => {
  const seen: unknown[] = [];
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      createVars: () => ({ m: 2 }),
      onCreate: () => assert.fail("it was created before"),
      onWake: () => assert.fail("it does not live"),
      run: () => assert.fail("it does not live"),
      onSleep: () => assert.fail("it is destroyed"),
      onDestroy: (c) => void seen.push(c.state.n, c.vars.m),
      actions: {},
    }),
  ).started({ state: { n: 1 }, ending: true });
  stage.core.stop(1, "destroy");
  await stage.run();
  assert.deepEqual(seen, [1, 2]);
  assert.deepEqual(stage.outputs, [{ kind: "stopped" }]);
  assert.deepEqual(stage.logs, []);
  assert.equal(stage.host.size, 0);
});

test("the end waits for actions and hooks in progress", async () => {
  const order: string[] = [];
  const stage = await new Stage(
    actor({
      onSleep: () => void order.push("onSleep"),
      onDisconnect: async () => {
        await sleep(3);
        order.push("disconnected");
      },
      actions: {
        async slow() {
          await sleep(1);
          order.push("slow");
          return 1;
        },
      },
    }),
  ).started();
  stage.core.connect(1, 1);
  await stage.run();
  stage.core.call(1, 1, "slow", []).disconnect(1, 1).stop(1, "sleep");
  stage.host.wake();
  await stage.until((output) => output.kind === "stopped");
  // `slow` is a stateless call and says goodbye itself, too.
  assert.deepEqual(order.slice(0, 2), ["onSleep", "slow"]);
  assert.deepEqual(order.slice(2), ["disconnected", "disconnected"]);
});

test("the end does not wait longer than the grace period", async () => {
  const stage = await new Stage(
    actor({
      onSleep: () => new Promise<void>(() => {}),
      options: { sleepGracePeriod: 5 },
      actions: {},
    }),
  ).started();
  stage.core.stop(1, "sleep");
  await stage.run();
  assert.deepEqual(stage.outputs, [{ kind: "stopped" }]);
  assert.match(stage.logs.join("\n"), /unfinished=onSleep.*stopping took longer than 5 ms/);
});

test("asking for sleep twice asks once; destroying outranks it", async () => {
  const stage = await new Stage(
    actor({
      actions: {
        sleep(c) {
          c.sleep();
          c.sleep();
          return "answered";
        },
        destroy(c) {
          c.destroy();
          c.destroy();
          c.sleep();
        },
      },
    }),
  ).started();
  await stage.call("sleep");
  assert.deepEqual(stage.outputs, [{ kind: "sleep" }, { kind: "reply", call: 1001, value: "answered" }]);
  stage.forget();
  await stage.call("destroy");
  assert.deepEqual(stage.outputs, [{ kind: "destroy" }, { kind: "reply", call: 1002, value: undefined }]);
});

test("a stop during the start waits for it", async () => {
  const order: string[] = [];
  const stage = new Stage(
    actor({
      onWake: async () => {
        await sleep(1);
        order.push("awake");
      },
      onSleep: () => void order.push("asleep"),
      actions: {},
    }),
  );
  stage.core.start(1, "thing", {}).stop(1, "sleep");
  stage.host.wake();
  await stage.until((output) => output.kind === "stopped");
  assert.deepEqual(order, ["awake", "asleep"]);
  assert.deepEqual(stage.outputs, [{ kind: "started" }, { kind: "stopped" }]);
});

test("a dropped instance runs no hook, fires its signal, rejects its saves, and hands over nothing", async () => {
  const seen: unknown[] = [];
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      onSleep: () => assert.fail("it is dropped"),
      actions: {
        async save(c) {
          c.abortSignal.addEventListener("abort", () => seen.push("abort"));
          await c
            .saveState({ immediate: true })
            .catch((error: unknown) => seen.push((error as { code: string }).code));
          c.broadcast("after");
          c.sleep();
          await c.saveState().catch((error: unknown) => seen.push((error as { code: string }).code));
          seen.push("end");
        },
      },
    }),
  ).started();
  stage.core.call(1, 1, "save", []);
  await stage.run();
  stage.forget();
  stage.core.drop(1);
  stage.host.wake();
  await sleep(1);
  assert.deepEqual(seen, ["abort", "restarting", "restarting", "end"]);
  assert.deepEqual(stage.core.turns, []);
  assert.equal(stage.host.size, 0);
});

test("an instance that is dropped while it decides about a caller runs nothing more for it", async () => {
  let decide = (): void => {};
  const never = (): never => assert.fail("the instance is gone");
  const stage = await new Stage(
    actor({
      onBeforeConnect: () => new Promise<void>((resolve) => (decide = resolve)),
      createConnState: never,
      onConnect: never,
      onDisconnect: never,
      actions: { run: never },
    }),
  ).started();
  stage.core.call(1, 1, "run", []);
  stage.host.wake();
  stage.core.drop(1);
  stage.host.wake();
  decide();
  await sleep(1);
  assert.deepEqual(stage.outputs, []);
  assert.deepEqual(stage.logs, []);
});
