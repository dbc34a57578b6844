import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { actor, UserError } from "../../dist/index.js";
import { Stage } from "./support/stage.js";

test("a first life makes state, then variables, in order, and is one turn", async () => {
  const order: string[] = [];
  const stage = new Stage(
    actor({
      createState: async (c, input: { n: number }) => {
        order.push(`createState ${c.key.join("/")}`);
        await sleep(1);
        return { n: input.n };
      },
      createVars: async (c) => {
        order.push("createVars");
        await sleep(1);
        return { double: c.state.n * 2 };
      },
      onCreate: (c, input) => {
        order.push("onCreate");
        c.state.n += input.n;
        assert.throws(() => c.vars, { code: "vars_not_enabled" });
      },
      onWake: (c) => {
        order.push("onWake");
        c.broadcast("awake", c.vars.double);
      },
      actions: {},
    }),
  );
  stage.core.start(1, "thing", { key: ["a", "b"], input: { n: 2 } });
  const turns = await stage.run();
  assert.deepEqual(order, ["createState a/b", "onCreate", "createVars", "onWake"]);
  assert.deepEqual(turns, [
    {
      instance: 1,
      durability: "strict",
      changes: [
        [7, { n: 2 }],
        [0, [], "n", 4],
      ],
      outputs: [{ kind: "event", conn: "all", name: "awake", args: [8] }, { kind: "started" }],
    },
  ]);
});

test("a later life loads the state and makes only the variables", async () => {
  const order: string[] = [];
  const stage = new Stage(
    actor({
      createState: () => assert.fail("the state exists"),
      createVars: () => {
        order.push("createVars");
        return {};
      },
      onCreate: () => assert.fail("the actor exists"),
      onWake: (c) => {
        order.push("onWake");
        assert.deepEqual({ ...(c.state as object) }, { n: 5 });
      },
      actions: {},
    }),
  );
  stage.core.start(1, "thing", { state: { n: 5 } });
  const [turn] = await stage.run();
  assert.deepEqual(order, ["createVars", "onWake"]);
  assert.deepEqual(turn?.changes, []);
  assert.deepEqual(turn?.outputs, [{ kind: "started" }]);
});

test("without asynchronous hooks a start is over within the wake", () => {
  const stage = new Stage(actor({ state: { n: 0 }, vars: { x: 1 }, onWake: () => {}, actions: {} }));
  stage.core.start(1, "thing", {});
  stage.host.wake();
  assert.deepEqual(stage.outputs, [{ kind: "started" }]);
});

test("constants are copied for every actor", async () => {
  const stage = new Stage(
    actor({
      state: { list: [0] },
      vars: { list: [0] },
      actions: {
        push: (c) => [c.state.list.push(1), c.vars.list.push(1)],
      },
    }),
  );
  await stage.started();
  await stage.call("push");
  stage.core.start(2, "thing", {}).call(2, 1, "push", []);
  await stage.run();
  assert.deepEqual(stage.outputs.at(-1), { kind: "reply", call: 1, value: [2, 2] });
});

test("a failed start hands over no state, and is masked unless it is meant for the caller", async () => {
  const stage = new Stage(
    actor({
      state: { n: 1 },
      onWake: (c) => {
        c.state.n = 2;
        c.broadcast("half way");
        throw new Error("the database is at 10.0.0.1");
      },
      actions: {},
    }),
  );
  stage.core.start(1, "thing", {});
  const [turn] = await stage.run();
  assert.deepEqual(turn?.changes, []);
  assert.equal(turn?.outputs.length, 1);
  const [failed] = turn?.outputs ?? [];
  assert.ok(failed?.kind === "startFailed");
  assert.equal(failed.error.code, "internal_error");
  assert.equal(failed.error.message, "An internal error occurred");
  assert.match(stage.logs.join("\n"), /10\.0\.0\.1/);
  assert.equal(stage.host.size, 0);

  const polite = new Stage(
    actor({
      createState: () => {
        throw new UserError("no such room", { code: "no_room", metadata: { id: 7 } });
      },
      actions: {},
    }),
  );
  polite.core.start(1, "thing", {});
  await polite.run();
  assert.deepEqual(polite.outputs, [
    {
      kind: "startFailed",
      error: { group: "user", code: "no_room", message: "no such room", metadata: { id: 7 } },
    },
  ]);
});

test("a state that cannot be stored fails the start and names the path", async () => {
  const stage = new Stage(actor({ createState: () => ({ at: { x: () => 1 } }), actions: {} }));
  stage.core.start(1, "thing", {});
  await stage.run();
  assert.equal(stage.outputs[0]?.kind, "startFailed");
  assert.match(stage.logs.join("\n"), /c\.state\.at\.x/);
});

test("createVars has a deadline", async () => {
  const stage = new Stage(
    actor({
      createVars: () => new Promise<number>(() => {}),
      options: { createVarsTimeout: 5 },
      actions: {},
    }),
  );
  stage.core.start(1, "thing", {});
  await stage.run();
  assert.equal(stage.outputs[0]?.kind, "startFailed");
  assert.match(stage.logs.join("\n"), /createVars took longer than 5 ms/);
});

test("an instance that is dropped while it starts stays silent", async () => {
  let proceed = (): void => {};
  const stage = new Stage(
    actor({
      createState: () => new Promise<number>((resolve) => (proceed = () => resolve(1))),
      onWake: () => assert.fail("it was dropped"),
      actions: {},
    }),
  );
  stage.core.start(1, "thing", {});
  stage.host.wake();
  stage.core.drop(1);
  stage.host.wake();
  proceed();
  await sleep(1);
  assert.deepEqual(stage.outputs, []);
  assert.equal(stage.host.size, 0);
});

test("a save that onCreate waits for tears the start apart, and nothing else does", async () => {
  const stage = new Stage(
    actor({
      state: { n: 0 },
      onCreate: async (c) => {
        await sleep(1);
        c.state.n = 1;
        await c.saveState({ immediate: true });
        c.state.n = 2;
        await sleep(1);
      },
      actions: {},
    }),
  );
  stage.core.start(1, "thing", {});
  const [first] = await stage.run();
  assert.deepEqual(first?.changes, [
    [7, { n: 0 }],
    [0, [], "n", 1],
  ]);
  assert.deepEqual(first?.outputs, [{ kind: "save", token: 1 }]);
  stage.core.saved(1, 1);
  const [second] = await stage.run();
  assert.deepEqual(second?.changes, [[0, [], "n", 2]]);
  assert.deepEqual(second?.outputs, [{ kind: "started" }]);
});

const migrating = (steps: { 2: (state: unknown) => unknown; 3: (state: unknown) => Promise<unknown> }) =>
  actor({
    state: { n: 0 },
    stateVersion: 3,
    migrateState: {
      2: (_c, state) => steps[2](state) as object,
      3: async (_c, state) => (await steps[3](state)) as { n: number },
    },
    onWake: (c) => {
      c.state.n += 1;
    },
  });

test("a migrated state is handed over as a whole with its version, in the turn of the start", async () => {
  const stage = new Stage(
    migrating({ 2: (state) => [state, 2], 3: async (state) => ({ n: (state as unknown[]).length }) }),
  );
  stage.core.start(1, "thing", { state: "one" });
  assert.deepEqual(await stage.run(), [
    {
      instance: 1,
      durability: "strict",
      changes: [
        [7, { n: 2 }],
        [0, [], "n", 3],
      ],
      outputs: [{ kind: "started" }, { kind: "stateVersion", version: 3 }],
    },
  ]);
  // One of this version is only loaded.
  stage.forget();
  stage.core.start(2, "thing", { state: { n: 5 }, stateVersion: 3 });
  assert.deepEqual((await stage.run())[0]?.changes, [[0, [], "n", 6]]);
});

test("a state of the first version is stored without saying so", async () => {
  const stage = new Stage(actor({ state: { n: 0 }, stateVersion: 1 }));
  stage.core.start(1, "thing", {});
  assert.deepEqual((await stage.run())[0]?.outputs, [{ kind: "started" }]);
});

test("a step that gives nothing, or throws, ends the start with nothing handed over", async () => {
  for (const step of [async () => undefined, () => Promise.reject(new Error("no"))]) {
    const stage = new Stage(migrating({ 2: (state) => state, 3: step }));
    stage.core.start(1, "thing", { state: {}, stateVersion: 2 });
    const [turn] = await stage.run();
    assert.deepEqual(turn?.changes, []);
    const [failed] = turn?.outputs ?? [];
    assert.ok(failed?.kind === "startFailed" && failed.error.code === "internal_error");
  }
});

test("a state of a version that the code does not know is left alone, and the log says so", async () => {
  const stage = new Stage(migrating({ 2: (state) => state, 3: async (state) => state }));
  stage.core.start(1, "thing", { state: { n: 1 }, stateVersion: 4 });
  const [turn] = await stage.run();
  assert.deepEqual(turn?.changes, []);
  const [failed] = turn?.outputs ?? [];
  assert.ok(failed?.kind === "startFailed");
  assert.equal(`${failed.error.group}.${failed.error.code}`, "actor.state_version_unsupported");
  assert.match(failed.error.message, /has version 4, this code knows version 3/);
  assert.match(stage.logs.join("\n"), /cannot start with this version of the code/);
});
