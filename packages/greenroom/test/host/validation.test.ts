import assert from "node:assert/strict";
import { test } from "node:test";
import { actor, type StandardSchema, UserError } from "../../dist/index.js";
import { Stage } from "./support/stage.js";

/** A schema made of a function that gives the checked value, or throws what is wrong. */
function schema<Output>(
  check: (value: unknown) => Output,
  options: { readonly async?: Promise<unknown> } = {},
): StandardSchema<unknown, Output> {
  const now = (value: unknown) => {
    try {
      return { value: check(value) };
    } catch (error) {
      return { issues: [{ message: (error as Error).message, path: [0, { key: "x" }] }] };
    }
  };
  const validate = (value: unknown) =>
    options.async === undefined ? now(value) : options.async.then(() => now(value));
  return { "~standard": { version: 1, vendor: "test", validate } };
}

const numbers = (value: unknown): [number] => {
  if (!Array.isArray(value) || typeof value[0] !== "number") throw new Error("expected a number");
  return [value[0] * 10];
};

test("the action gets what the schema makes of the arguments, at once and in order", async () => {
  const stage = await new Stage(
    actor({
      actionInputSchemas: { a: { b: schema(numbers) }, "c.d": schema(() => "only") },
      actions: { a: { b: (_c, n) => n }, c: { d: (_c, text: string) => text }, plain: () => 1 },
    }),
  ).started();
  stage.core.call(1, 1, "a.b", [4]).call(1, 2, "plain", []).call(1, 3, "c.d", []);
  stage.host.wake();
  assert.deepEqual(stage.outputs, [
    { kind: "reply", call: 1, value: 40 },
    { kind: "reply", call: 2, value: 1 },
    { kind: "reply", call: 3, value: "only" },
  ]);
});

test("what does not match is refused before the action and before all hooks", async () => {
  const log: string[] = [];
  const stage = await new Stage(
    actor({
      connParamsSchema: schema((value) => {
        if (value === "bad") throw new Error("bad parameters");
        return value;
      }),
      actionInputSchemas: { a: schema(numbers), slow: schema(numbers, { async: Promise.resolve() }) },
      onBeforeConnect: () => void log.push("before"),
      createConnState: () => void log.push("state"),
      onConnect: () => void log.push("connect"),
      onBeforeActionResponse: (_c, _name, _args, output) => {
        log.push("response");
        return output;
      },
      actions: { a: () => log.push("action"), slow: () => log.push("slow") },
    }),
  ).started();
  const refused = { group: "actor", code: "validation_error" };
  const issues = (message: string) => ({ issues: [{ message, path: [0, "x"] }] });
  for (const action of ["a", "slow"]) {
    const output = await stage.call(action, "x");
    assert.ok(output.kind === "replyError");
    assert.deepEqual(output.error, {
      ...refused,
      message: `the schema refuses the arguments of \`${action}\`: 0.x: expected a number`,
      metadata: issues("expected a number"),
    });
  }
  stage.core.call(1, 50, "a", [1], { params: "bad" }).connect(1, 5, "bad");
  stage.host.wake();
  const [call, connect] = stage.outputs.slice(-2);
  assert.ok(call?.kind === "replyError" && call.call === 50 && connect?.kind === "reject");
  for (const { error } of [call, connect]) {
    assert.deepEqual({ group: error.group, code: error.code }, refused);
    assert.deepEqual(error.metadata, issues("bad parameters"));
  }
  assert.deepEqual(log, []);
});

test("hooks get what the schema makes of the parameters, also after a wake and if it takes time", async () => {
  for (const async of [undefined, Promise.resolve()]) {
    const seen: unknown[] = [];
    const define = () =>
      actor({
        connParamsSchema: schema((value) => ({ was: value }), async === undefined ? {} : { async }),
        createConnState: (_c, params) => ({ made: params.was }),
        onBeforeConnect: (_c, params) => void seen.push(params),
        actions: {
          params: (c) => c.conn.params,
          conns: (c) => [...c.conns.values()].map((conn) => conn.params),
        },
      });
    const stage = await new Stage(define()).started();
    stage.core.connect(1, 5, "p");
    await stage.until((output) => output.kind === "accept");
    stage.core.call(1, 1, "params", [], { conn: 5 }).call(1, 2, "params", [], { params: "q" });
    await stage.until((output) => output.kind === "reply" && output.call === 2);
    assert.deepEqual(seen, [{ was: "p" }, { was: "q" }]);
    const woken = new Stage(define());
    await woken.started({ conns: [{ conn: 5, id: "c", params: "p", state: { made: "p" } }], created: false });
    assert.deepEqual(await woken.call("conns"), { kind: "reply", call: 1001, value: [{ was: "p" }] });
  }
});

test("a connection whose parameters are not good enough any more is closed when the actor wakes", async () => {
  const strict = actor({
    connParamsSchema: schema((value) => {
      if (value !== undefined) throw new Error("never");
    }),
    actions: { count: (c) => c.conns.size },
  });
  const stage = new Stage(strict);
  stage.core.start(1, "thing", { conns: [{ conn: 5, id: "c", params: "p" }], created: false });
  await stage.run();
  assert.deepEqual(stage.outputs, [
    { kind: "disconnect", conn: 5, reason: "actor.validation_error" },
    { kind: "started" },
  ]);
  assert.deepEqual(await stage.call("count"), { kind: "reply", call: 1001, value: 0 });
});

test("a client that leaves while its parameters are checked leaves nothing behind", async () => {
  let known = (_: unknown): void => {};
  const async = new Promise((resolve) => (known = resolve));
  const log: string[] = [];
  const stage = await new Stage(
    actor({
      connParamsSchema: schema((value) => value, { async }),
      onBeforeConnect: () => void log.push("before"),
      onDisconnect: () => void log.push("gone"),
      actions: { count: { concurrency: "interleaved", run: (c) => c.conns.size } },
    }),
  ).started();
  stage.core.connect(1, 5, "p").disconnect(1, 5).call(1, 1, "count", [], { params: "q" });
  stage.host.wake();
  known(undefined);
  const counted = await stage.until((output) => output.kind === "reply");
  assert.deepEqual(counted, { kind: "reply", call: 1, value: 0 });
  assert.deepEqual(log, ["before", "gone"]);
});

test("a call that is given up while its arguments are checked never runs", async () => {
  let known = (_: unknown): void => {};
  const async = new Promise((resolve) => (known = resolve));
  let hasRun = false;
  const stage = await new Stage(
    actor({
      actionInputSchemas: { a: schema(numbers, { async }) },
      actions: {
        a: () => {
          hasRun = true;
        },
      },
    }),
  ).started();
  stage.core.call(1, 1, "a", [1]).cancel(1, 1);
  const output = await stage.until((output) => output.kind === "replyError");
  assert.ok(output.kind === "replyError");
  assert.equal(output.error.code, "aborted");
  known(undefined);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(hasRun, false);
});

test("a check that never ends is a call that takes too long", async () => {
  const never = schema(numbers, { async: new Promise(() => {}) });
  const stage = await new Stage(
    actor({ options: { actionTimeout: 30 }, actionInputSchemas: { a: never }, actions: { a: () => 1 } }),
  ).started();
  const output = await stage.call("a", 1);
  assert.ok(output.kind === "replyError");
  assert.equal(`${output.error.group}.${output.error.code}`, "actor.action_timed_out");
});

test("an actor whose input is refused does not start, and `createState` gets what the schema makes of it", async () => {
  for (const async of [undefined, Promise.resolve()]) {
    const options = async === undefined ? {} : { async };
    const define = () =>
      actor({
        inputSchema: schema((value) => ({ n: numbers([value])[0] }), options),
        createState: (_c, input) => ({ n: input.n }),
        onCreate: (c, input) => {
          c.state.n += input.n;
        },
        actions: { n: (c) => c.state.n },
      });
    const stage = await new Stage(define()).started({ input: 3 });
    assert.deepEqual(await stage.call("n"), { kind: "reply", call: 1001, value: 60 });
    const refused = new Stage(define());
    refused.core.start(1, "thing", {});
    const failed = await refused.until((output) => output.kind === "startRefused");
    assert.ok(failed.kind === "startRefused");
    assert.equal(`${failed.error.group}.${failed.error.code}`, "actor.validation_error");
    // Nobody asks for the input of an actor that has its state.
    const woken = await new Stage(define()).started({ state: { n: 1 }, input: "x" });
    assert.deepEqual(await woken.call("n"), { kind: "reply", call: 1001, value: 1 });
  }
});

test("a hook that throws after a check that took its time refuses the call", async () => {
  const async = Promise.resolve();
  const refuse = (): never => {
    throw new UserError("not you", { code: "no" });
  };
  const actors = [
    actor({
      actionInputSchemas: { a: schema(numbers, { async }) },
      onBeforeConnect: refuse,
      actions: { a: () => 1 },
    }),
    actor({
      connParamsSchema: schema((value) => value, { async }),
      onBeforeConnect: refuse,
      actions: { a: () => 1 },
    }),
  ];
  for (const definition of actors) {
    const stage = await new Stage(definition).started();
    const output = await stage.call("a", 1);
    assert.ok(output.kind === "replyError" && output.error.code === "no");
  }
});
