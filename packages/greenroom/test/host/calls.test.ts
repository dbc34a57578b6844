import assert from "node:assert/strict";
import { test } from "node:test";
import { actor, event, UserError } from "../../dist/index.js";
import { Stage } from "./support/stage.js";

const counter = (release: Promise<void> = Promise.resolve()) =>
  actor({
    state: { n: 0 },
    actions: {
      add(c, by: number) {
        c.state.n += by;
        c.broadcast("n", c.state.n);
        return c.state.n;
      },
      async addLater(c, by: number) {
        c.state.n += by;
        await null;
        c.state.n += by;
        return c.state.n;
      },
      async addMuchLater(c, by: number) {
        await release;
        c.state.n += by;
        return c.state.n;
      },
      whole: (c) => c.state,
      parts: (c) => ({ own: c.state, list: [c.state] }),
    },
  });

test("all calls of a batch share one turn, changes first, outputs in order", async () => {
  const stage = await new Stage(counter()).started();
  stage.core.call(1, 1, "add", [1]).call(1, 2, "add", [2]);
  stage.host.wake();
  assert.deepEqual(stage.core.turns, [
    {
      instance: 1,
      durability: "strict",
      changes: [
        [0, [], "n", 1],
        [0, [], "n", 3],
      ],
      outputs: [
        { kind: "event", conn: "all", name: "n", args: [1] },
        { kind: "reply", call: 1, value: 1 },
        { kind: "event", conn: "all", name: "n", args: [3] },
        { kind: "reply", call: 2, value: 3 },
      ],
    },
  ]);
});

test("an action that only awaits what is there has its changes and its reply in one turn", async () => {
  const stage = await new Stage(counter()).started();
  stage.core.call(1, 1, "addLater", [1]);
  const turns = await stage.run();
  assert.equal(turns.length, 1);
  assert.deepEqual(turns[0]?.changes, [
    [0, [], "n", 1],
    [0, [], "n", 2],
  ]);
  assert.deepEqual(turns[0]?.outputs, [{ kind: "reply", call: 1, value: 2 }]);
});

test("a slow action does not hold back a fast one", async () => {
  let release = (): void => {};
  const stage = await new Stage(counter(new Promise((resolve) => (release = resolve)))).started();
  stage.core.call(1, 1, "addMuchLater", [1]).call(1, 2, "add", [5]);
  await stage.run();
  assert.deepEqual(stage.outputs.at(-1), { kind: "reply", call: 2, value: 5 });
  release();
  const slow = await stage.until((output) => output.kind === "reply" && output.call === 1);
  assert.deepEqual(slow, { kind: "reply", call: 1, value: 6 });
});

test("state can be returned as it is, also inside something else", async () => {
  const stage = await new Stage(counter()).started();
  assert.deepEqual(await stage.call("whole"), { kind: "reply", call: 1001, value: { n: 0 } });
  assert.deepEqual(await stage.call("parts"), {
    kind: "reply",
    call: 1002,
    value: { own: { n: 0 }, list: [{ n: 0 }] },
  });
});

test("arguments in either form, and none that are no list", async () => {
  const stage = await new Stage(actor({ actions: { echo: (_c, ...args: unknown[]) => args } })).started();
  const value = [["$BigInt", "5"], 7n, undefined, new Set([1])];
  stage.core.call(1, 1, "echo", value).call(1, 2, "echo", value, { native: true });
  stage.core.call(1, 3, "echo", "text").call(1, 4, "echo", Uint8Array.of(0x82, 1));
  await stage.run();
  const [compat, native, text, truncated] = stage.outputs;
  assert.deepEqual(compat, { kind: "reply", call: 1, value });
  assert.deepEqual(native, { kind: "reply", call: 2, value });
  for (const output of [text, truncated]) {
    assert.ok(output?.kind === "replyError");
    assert.equal(`${output.error.group}.${output.error.code}`, "encoding.invalid");
  }
});

test("names that only look like actions do not exist", async () => {
  const stage = await new Stage(actor({ actions: { a: { b: () => 1 } } })).started();
  for (const name of ["toString", "__proto__", "constructor", "a", "b", "a.b.c", ""]) {
    const output = await stage.call(name);
    assert.ok(output.kind === "replyError", name);
    assert.equal(output.error.code, "action_not_found");
  }
  assert.equal((await stage.call("a.b")).kind, "reply");
});

test("an action that throws keeps its changes; they come with the error", async () => {
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      actions: {
        fail(c) {
          c.state.n = 1;
          throw new Error("password is hunter2");
        },
        refuse: async () => {
          throw new UserError("no", { code: "refused", metadata: { why: 5n } });
        },
        throwText: () => {
          throw "text";
        },
        unsendable: () => Symbol("x"),
      },
    }),
  ).started();
  stage.core.call(1, 1, "fail", []);
  const [turn] = await stage.run();
  assert.deepEqual(turn?.changes, [[0, [], "n", 1]]);
  const [masked] = turn?.outputs ?? [];
  assert.ok(masked?.kind === "replyError");
  const { metadata, ...rest } = masked.error;
  assert.deepEqual(rest, {
    group: "rivetkit",
    code: "internal_error",
    message: "An internal error occurred",
  });
  const log = stage.logs.join("\n");
  assert.match(log, /hunter2/);
  assert.match(log, /action=fail/);
  assert.ok(log.includes((metadata as { errorId: string }).errorId));

  const refused = await stage.call("refuse");
  assert.ok(refused.kind === "replyError");
  assert.deepEqual(refused.error, { group: "user", code: "refused", message: "no", metadata: { why: 5n } });
  for (const name of ["throwText", "unsendable"]) {
    const output = await stage.call(name);
    assert.ok(output.kind === "replyError");
    assert.equal(output.error.code, "internal_error");
  }
});

test("errors of other actors pass only if they are users' errors", async () => {
  const foreign = (group: string, code: string): Error =>
    Object.assign(new Error("foreign"), { group, code });
  const stage = await new Stage(
    actor({
      actions: {
        user: () => {
          throw foreign("user", "no_money");
        },
        stopping: () => {
          throw foreign("actor", "stopping");
        },
      },
    }),
  ).started();
  const user = await stage.call("user");
  assert.ok(user.kind === "replyError" && user.error.code === "no_money");
  const stopping = await stage.call("stopping");
  assert.ok(stopping.kind === "replyError" && stopping.error.code === "internal_error");
});

test("internal errors can be exposed", async () => {
  const definition = actor({
    actions: {
      fail: () => {
        throw new Error("the cause");
      },
    },
  });
  const stage = await new Stage(definition, { exposeErrors: true }).started();
  const output = await stage.call("fail");
  assert.ok(output.kind === "replyError");
  assert.equal(output.error.code, "internal_error");
  assert.equal(output.error.message, "the cause");
  assert.match(stage.logs.join("\n"), /internal error, its message shown to the caller/);
  assert.doesNotMatch(stage.logs.join("\n"), /masked/);
});

test("an asynchronous action has a deadline, fires its signal, and its late result is dropped", async () => {
  let aborted: unknown;
  let finish = (): void => {};
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      options: { actionTimeout: 5 },
      actions: {
        async hang(c) {
          c.abortSignal.addEventListener("abort", () => (aborted = c.abortSignal.reason));
          await new Promise<void>((resolve) => (finish = resolve));
          c.state.n = 1;
          return "late";
        },
        busy() {
          const end = performance.now() + 10;
          while (performance.now() < end);
          return "done";
        },
      },
    }),
  ).started();
  const output = await stage.call("hang");
  assert.ok(output.kind === "replyError");
  assert.equal(`${output.error.group}.${output.error.code}`, "actor.action_timed_out");
  assert.match(output.error.message, /hang.* 5 ms/);
  assert.equal((aborted as { code?: string }).code, "action_timed_out");
  stage.forget();
  finish();
  await stage.core.next();
  assert.deepEqual(stage.changes, [[0, [], "n", 1]]);
  assert.deepEqual(stage.outputs, []);
  assert.equal((await stage.call("busy")).kind, "reply");
});

test("a cancelled call fires its own signal and no other, and ends as it likes", async () => {
  const signals: AbortSignal[] = [];
  const stage = await new Stage(
    actor({
      actions: {
        wait: (c) => {
          signals.push(c.abortSignal);
          return new Promise((resolve) =>
            c.abortSignal.addEventListener("abort", () => resolve(c.aborted ? "aborted" : "?")),
          );
        },
      },
    }),
  ).started();
  stage.core.call(1, 1, "wait", []).call(1, 2, "wait", []).cancel(1, 2).cancel(1, 99);
  await stage.run();
  assert.deepEqual(stage.outputs, [{ kind: "reply", call: 2, value: "aborted" }]);
  assert.deepEqual(
    signals.map((signal) => signal.aborted),
    [false, true],
  );
  stage.core.drop(1);
  stage.host.wake();
});

test("events are checked against their schema, and what cannot be sent throws where it was sent", async () => {
  const schema = {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) =>
        typeof value === "number"
          ? { value: value * 2 }
          : { issues: [{ message: "not a number", path: ["x"] }] },
    },
  };
  const stage = await new Stage(
    actor({
      events: { doubled: event({ schema }), free: event<unknown>() },
      actions: {
        emit(c, value: unknown) {
          c.broadcast("doubled", value as number);
        },
        broken(c) {
          assert.throws(() => c.broadcast("free", { f: () => 1 }), /args\[0\]\.f/);
          c.broadcast("free", "fine");
        },
      },
    }),
  ).started();
  await stage.call("emit", 4);
  assert.deepEqual(stage.outputs[0], { kind: "event", conn: "all", name: "doubled", args: [8] });
  assert.equal((await stage.call("emit", "x")).kind, "replyError");
  assert.match(stage.logs.join("\n"), /the schema refuses event 'doubled': x: not a number/);
  stage.forget();
  await stage.call("broken");
  assert.deepEqual(stage.outputs[0], { kind: "event", conn: "all", name: "free", args: ["fine"] });
});

test("two event arguments that look like an escape arrive as they are", async () => {
  const stage = await new Stage(
    actor({
      actions: {
        emit(c) {
          c.broadcast("x", "$BigInt", "5");
        },
      },
    }),
  ).started();
  await stage.call("emit");
  assert.deepEqual(stage.outputs[0], { kind: "event", conn: "all", name: "x", args: ["$BigInt", "5"] });
});

test("what is not there is an error of its own", async () => {
  const stage = await new Stage(
    actor({
      actions: {
        state: (c) => c.state,
        vars: (c) => c.vars,
        connState: (c) => c.conn.state,
        setState: (c) => {
          c.state = undefined;
        },
      },
    }),
  ).started();
  for (const [name, code] of [
    ["state", "state_not_enabled"],
    ["setState", "state_not_enabled"],
    ["vars", "vars_not_enabled"],
    ["connState", "conn_state_not_enabled"],
  ] as const) {
    const output = await stage.call(name);
    assert.ok(output.kind === "replyError");
    assert.equal(`${output.error.group}.${output.error.code}`, `actor.${code}`);
  }
});

test("work outside of any call is handed over by itself", async () => {
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      actions: {
        tick(c) {
          setTimeout(() => {
            c.state.n++;
            c.broadcast("tick");
          }, 1);
        },
      },
    }),
  ).started();
  await stage.call("tick");
  stage.forget();
  await stage.core.next();
  assert.deepEqual(stage.core.turns, [
    {
      instance: 1,
      durability: "strict",
      changes: [[0, [], "n", 1]],
      outputs: [{ kind: "event", conn: "all", name: "tick", args: [] }],
    },
  ]);
});

test("calls of an instance that is gone are ignored", async () => {
  const stage = await new Stage(counter()).started();
  stage.core.drop(1).call(1, 1, "add", [1]).cancel(1, 1).disconnect(1, 1).saved(1, 1).stop(1, "sleep");
  stage.core.start(2, "thing", {}).call(2, 1, "add", [1]);
  await stage.run();
  assert.deepEqual(
    stage.core.turns.map((turn) => turn.instance),
    [2],
  );
});

test("promises of any make are waited for, also those that misbehave", async () => {
  const thenable = (then: (resolve: (value: unknown) => void) => void): Promise<unknown> =>
    ({ then }) as unknown as Promise<unknown>;
  const stage = await new Stage(
    actor({
      actions: {
        good: () => thenable((resolve) => resolve("good")),
        bad: () =>
          thenable(() => {
            throw new Error("in then");
          }),
      },
    }),
  ).started();
  assert.deepEqual(await stage.call("good"), { kind: "reply", call: 1001, value: "good" });
  assert.equal((await stage.call("bad")).kind, "replyError");
  stage.core.stop(1, "sleep");
  await stage.until((output) => output.kind === "stopped");
});
