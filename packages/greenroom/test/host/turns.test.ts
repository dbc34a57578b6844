import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { actor, event, UserError } from "../../dist/index.js";
import { Stage } from "./support/stage.js";

test("onStateChange runs once a turn, for changes of the state alone, and not for the start", async () => {
  const seen: number[] = [];
  const stage = new Stage(
    actor({
      state: { n: 0 },
      vars: { hits: 0 },
      onWake: (c) => {
        c.state.n = 1;
      },
      onStateChange: (c, next) => {
        seen.push(next.n);
        c.broadcast("n", next.n);
      },
      actions: {
        add(c) {
          c.state.n++;
          c.state.n++;
          return c.state.n;
        },
        read: (c) => c.state.n,
        hit: (c) => c.vars.hits++,
      },
    }),
  );
  await stage.started();
  assert.deepEqual(seen, []);
  stage.core.call(1, 1, "add", []).call(1, 2, "add", []);
  const [turn] = await stage.run();
  assert.deepEqual(seen, [5]);
  assert.deepEqual(turn?.outputs.at(-1), { kind: "event", conn: "all", name: "n", args: [5] });
  stage.core.call(1, 3, "read", []).call(1, 4, "hit", []);
  await stage.run();
  assert.deepEqual(seen, [5]);
});

test("onStateChange cannot change the state, and its errors harm nobody", async () => {
  let refusal: unknown;
  const stage = await new Stage(
    actor({
      state: { n: 0, at: new Date(0) },
      onStateChange: (c) => {
        try {
          c.state.n = 100;
        } catch (error) {
          refusal = error;
        }
        throw new Error("boom in onStateChange");
      },
      actions: { add: (c) => ++c.state.n },
    }),
  ).started();
  assert.deepEqual(await stage.call("add"), { kind: "reply", call: 1001, value: 1 });
  assert.equal((refusal as { code?: string }).code, "state_mutation_reentrant");
  assert.match(stage.logs.join("\n"), /boom in onStateChange/);
  assert.deepEqual(await stage.call("add"), { kind: "reply", call: 1002, value: 2 });
});

const mixed = () =>
  actor({
    state: { x: 0, n: 0 },
    actions: {
      add(c) {
        return ++c.state.n;
      },
      move: {
        durability: "relaxed",
        run(c, x: number) {
          c.state.x = x;
          return x;
        },
      },
      hover: {
        durability: "ephemeral",
        run(c, x: number) {
          c.state.x = x;
        },
      },
      moveLater: {
        durability: "relaxed",
        async run(c, x: number) {
          await sleep(1);
          c.state.x = x;
          return x;
        },
      },
      read: (c) => c.state.n,
    },
  });

test("actions of different durability get turns of their own, in order", async () => {
  const stage = await new Stage(mixed()).started();
  stage.core
    .call(1, 1, "add", [])
    .call(1, 2, "add", [])
    .call(1, 3, "move", [1])
    .call(1, 4, "hover", [2])
    .call(1, 5, "add", []);
  await stage.run();
  assert.deepEqual(
    stage.core.turns.map(({ durability, changes, outputs }) => [durability, changes.length, outputs.length]),
    [
      ["strict", 2, 2],
      ["relaxed", 1, 1],
      ["ephemeral", 1, 1],
      ["strict", 1, 1],
    ],
  );
});

test("what happens after an await counts as the strictest action in progress", async () => {
  const stage = await new Stage(mixed()).started();
  await stage.call("moveLater", 1);
  assert.deepEqual(
    stage.core.turns.map(({ durability }) => durability),
    ["relaxed"],
  );
});

test("an actor of one durability has one turn for a batch", async () => {
  const stage = await new Stage(
    actor({ state: { n: 0 }, options: { durability: "relaxed" }, actions: { add: (c) => ++c.state.n } }),
  ).started();
  stage.core.call(1, 1, "add", []).call(1, 2, "add", []);
  await stage.run();
  assert.deepEqual(
    stage.core.turns.map(({ durability, changes }) => [durability, changes.length]),
    [["relaxed", 2]],
  );
});

test("an ephemeral actor hands over no state, unless it is told to save", async () => {
  const definition = actor({
    state: { n: 0 },
    options: { durability: "ephemeral", stateSaveInterval: 70 },
    onStateChange: (c, next) => c.broadcast("n", next.n),
    actions: {
      add: (c) => ++c.state.n,
      save: (c) => c.saveState({ immediate: true }),
      saveSoon: (c) => c.saveState(),
    },
  });
  const stage = new Stage(definition);
  stage.core.start(1, "thing", {});
  await stage.run();
  await stage.call("add");
  assert.deepEqual(stage.changes, []);
  assert.deepEqual(stage.outputs.at(-1), { kind: "event", conn: "all", name: "n", args: [1] });
  stage.forget();
  stage.core.call(1, 1, "save", []);
  await stage.run();
  assert.deepEqual(stage.core.turns, [
    {
      instance: 1,
      durability: "ephemeral",
      changes: [[7, { n: 1 }]],
      outputs: [{ kind: "save", token: 1 }],
    },
  ]);
  stage.core.saved(1, 1);
  await stage.run();
  assert.deepEqual(stage.outputs.at(-1), { kind: "reply", call: 1, value: undefined });
  stage.forget();
  await stage.call("saveSoon");
  assert.deepEqual(stage.changes, [[7, { n: 1 }]]);
  assert.deepEqual(stage.outputs[0], { kind: "saveWithin", ms: 70 });
});

test("saveState waits when it is immediate, and only asks otherwise", async () => {
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      actions: {
        async now(c) {
          c.state.n = 1;
          await c.saveState({ immediate: true });
          c.state.n = 2;
          return "saved";
        },
        async soon(c) {
          await c.saveState({ maxWait: 250.4 });
          return "asked";
        },
        wrong: (c) => c.saveState({ maxWait: Number.NaN }),
      },
    }),
  ).started();
  stage.core.call(1, 1, "now", []);
  const [first] = await stage.run();
  assert.deepEqual(first?.changes, [[0, [], "n", 1]]);
  assert.deepEqual(first?.outputs, [{ kind: "save", token: 1 }]);
  stage.core.saved(1, 1);
  const [second] = await stage.run();
  assert.deepEqual(second?.changes, [[0, [], "n", 2]]);
  assert.deepEqual(second?.outputs, [{ kind: "reply", call: 1, value: "saved" }]);
  stage.forget();
  stage.core.call(1, 2, "soon", []);
  await stage.run();
  assert.deepEqual(stage.outputs, [
    { kind: "saveWithin", ms: 250 },
    { kind: "reply", call: 2, value: "asked" },
  ]);
  assert.equal((await stage.call("wrong")).kind, "replyError");
});

test("dates in the state are compared at the end of the turn", async () => {
  const seen: number[] = [];
  const stage = await new Stage(
    actor({
      state: { at: new Date(0) },
      onStateChange: (_c, next) => void seen.push(next.at.getTime()),
      actions: {
        touch: (c) => c.state.at.setTime(1000),
        look: (c) => c.state.at.getTime(),
      },
    }),
  ).started();
  await stage.call("touch");
  assert.deepEqual(stage.changes, [[0, [], "at", new Date(1000)]]);
  assert.deepEqual(seen, [1000]);
  stage.forget();
  await stage.call("look");
  assert.deepEqual(stage.changes, []);
  assert.deepEqual(seen, [1000]);
});

test("what a call sets off comes before a call that its reply sets off", async () => {
  const stage = await new Stage(
    actor({
      events: {
        news: event<string>({
          canSubscribe: async (c) => {
            await new Promise<void>((open) => c.vars.gates.push(open));
            return true;
          },
        }),
      },
      createVars: () => ({ gates: [] as (() => void)[] }),
      actions: {
        open(c) {
          for (const gate of c.vars.gates) gate();
        },
        tell(c) {
          c.broadcast("news", "in time");
        },
      },
    }),
  ).started();
  stage.core.connect(1, 7);
  await stage.run();
  stage.core.subscribe(1, 3, 7, "news");
  // The guard keeps the actor awake.
  await stage.run();
  stage.forget();
  stage.core.call(1, 1, "open", []);
  // A client on another thread can be so quick that its next call is there when the hand-over returns.
  stage.core.react(() => stage.core.call(1, 2, "tell", []));
  await stage.until((output) => output.kind === "reply" && output.call === 2);
  assert.deepEqual(
    stage.outputs.map((output) => output.kind),
    ["reply", "subscribe", "event", "reply"],
  );
});

test("events that come while others are held back are not forgotten", async () => {
  const stage = await new Stage(actor({ actions: { echo: (_c, text: string) => text } })).started();
  stage.core.call(1, 1, "echo", ["first"]);
  stage.core.react(() => {
    stage.core.call(1, 2, "echo", ["second"]);
    // Announced while the second is held back: this wake is the only one.
    setImmediate(() => {
      stage.core.call(1, 3, "echo", ["third"]);
      stage.host.wake();
    });
  });
  stage.host.wake();
  await stage.until((output) => output.kind === "reply" && output.call === 3);
  const values = stage.outputs.map((output) => output.kind === "reply" && output.value);
  assert.deepEqual(values, ["first", "second", "third"]);
});

test("events say what becomes of them where a client is slow", async () => {
  const stage = await new Stage(
    actor({
      events: {
        news: event<string>(),
        spark: event<number>({ whenSlow: "drop" }),
        level: event<number>({ whenSlow: "coalesce" }),
        cursor: event<[user: number, at: number]>({ whenSlow: { coalesceBy: (user) => user } }),
      },
      actions: {
        tell(c) {
          c.broadcast("news", "n");
          c.broadcast("spark", 1);
          c.broadcast("level", 2);
          c.broadcast("cursor", 7, 3);
        },
      },
    }),
  ).started();
  stage.forget();
  await stage.call("tell");
  assert.deepEqual(stage.outputs.slice(0, 4), [
    { kind: "event", conn: "all", name: "news", args: ["n"] },
    { kind: "event", conn: "all", name: "spark", args: [1], whenSlow: "drop" },
    { kind: "event", conn: "all", name: "level", args: [2], whenSlow: { about: "" } },
    { kind: "event", conn: "all", name: "cursor", args: [7, 3], whenSlow: { about: "7" } },
  ]);
});

test("what code inside of a value puts out comes behind the record that the value is in, and not into it", async () => {
  class Telling {
    constructor(
      readonly say: () => void,
      readonly value: unknown,
    ) {}
    toJSON() {
      this.say();
      return this.value;
    }
  }
  const inValue = (say: () => void, value: unknown) => new Telling(say, value);
  const stage = await new Stage(
    actor({
      actions: {
        reply: (c) => inValue(() => c.broadcast("heard", "a"), "reply"),
        event: (c) => {
          const inner = inValue(() => c.broadcast("inner", 1), 2);
          c.broadcast(
            "outer",
            inValue(() => c.broadcast("middle", inner), 3),
          );
        },
        refused: (c) =>
          inValue(
            () => c.broadcast("heard", "b"),
            () => {},
          ),
        error: (c) => {
          throw new UserError("no", {
            metadata: inValue(
              () => c.broadcast("heard", "c"),
              () => {},
            ),
          });
        },
      },
    }),
  ).started();
  const seen = async (call: number, action: string) => {
    const before = stage.outputs.length;
    stage.core.call(1, call, action, []);
    await stage.until(
      (output) => (output.kind === "reply" || output.kind === "replyError") && output.call === call,
    );
    return stage.outputs.slice(before).flatMap((output): unknown[] => {
      if (output.kind === "reply") return [output.value];
      if (output.kind === "replyError") return [`${output.error.group}.${output.error.code}`];
      return output.kind === "event" ? [[output.name, output.args]] : [];
    });
  };
  assert.deepEqual(await seen(1, "reply"), ["reply", ["heard", ["a"]]]);
  assert.deepEqual((await seen(2, "event")).slice(0, 3), [
    ["outer", [3]],
    ["middle", [2]],
    ["inner", [1]],
  ]);
  assert.deepEqual(await seen(3, "refused"), [["heard", ["b"]], "rivetkit.internal_error"]);
  assert.deepEqual(await seen(4, "error"), ["user.user_error", ["heard", ["c"]]]);
});
