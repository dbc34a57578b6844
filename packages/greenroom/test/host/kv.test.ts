import assert from "node:assert/strict";
import { test } from "node:test";
import { actor } from "../../dist/index.js";
import { Stage } from "./support/stage.js";

/** Forty bytes at most. */
const options = { maxKvSize: 40 };

const shelf = () =>
  actor({
    state: { n: 0 },
    options,
    actions: {
      get: (c, key: string) => c.kv.get(key),
      async add(c, key: string, value: string) {
        c.state.n += 1;
        await c.kv.put(key, value);
        return c.state.n;
      },
      putAll: (c, entries: [string, string][]) => c.kv.batchPut(entries),
      list: (c) => c.kv.list("a", { reverse: true, limit: 2 }),
      all: (c) => c.kv.list(Uint8Array.of(0xff), { type: "binary" }),
      async clear(c) {
        await c.kv.delete("a");
        await c.kv.batchDelete(["b", "c"]);
        await c.kv.deleteRange("d", "e");
      },
      putHalf: (c) => c.kv.put("a", "\ud800"),
      getHalf: (c) => c.kv.get("\udfff"),
      several: (c) => Promise.allSettled(["a", "b", "c"].map((key) => c.kv.put(key, "x".repeat(19)))),
    },
  });

const kvOutputs = (stage: Stage) => stage.outputs.filter(({ kind }) => kind.startsWith("kv"));

test("a put is part of the turn and resolves in it, without a word from the core", async () => {
  const stage = await new Stage(shelf()).started();
  stage.core.call(1, 1, "add", ["a", "1"]);
  const turns = await stage.run();
  assert.equal(turns.length, 1);
  assert.deepEqual(turns[0]?.outputs, [
    { kind: "kvPut", pairs: [["a", "1"]] },
    { kind: "reply", call: 1, value: 1 },
  ]);
  assert.equal(turns[0]?.changes.length, 1);
});

test("reads are asked for in the order of the code, and answered by their token", async () => {
  const stage = await new Stage(shelf()).started();
  stage.core.call(1, 1, "get", ["a"]).call(1, 2, "list", []).call(1, 3, "all", []);
  await stage.run();
  assert.deepEqual(kvOutputs(stage), [
    { kind: "kvGet", token: 1, keys: ["a"] },
    { kind: "kvList", token: 2, start: "a", end: "b", reverse: true, limit: 2 },
    { kind: "kvList", token: 3, start: "\xff", end: undefined, reverse: false, limit: 16_384 },
  ]);
  stage.forget();
  stage.core
    .kvPairs(1, 2, [
      ["ab", "2"],
      ["a", "1"],
    ])
    .kvValues(1, 1, [null]);
  stage.core.kvPairs(1, 3, [["x", Uint8Array.of(0xff)]]);
  await stage.run();
  assert.deepEqual(stage.outputs, [
    {
      kind: "reply",
      call: 2,
      value: [
        ["ab", "2"],
        ["a", "1"],
      ],
    },
    { kind: "reply", call: 1, value: null },
    { kind: "reply", call: 3, value: [["x", Uint8Array.of(0xff)]] },
  ]);
});

test("deletes are told and not answered", async () => {
  const stage = await new Stage(shelf()).started();
  await stage.call("clear");
  assert.deepEqual(kvOutputs(stage), [
    { kind: "kvDelete", keys: ["a"] },
    { kind: "kvDelete", keys: ["b", "c"] },
    { kind: "kvDeleteRange", start: "d", end: "e" },
  ]);
});

test("the core is asked only about a put that may not fit, and then about all until it has answered", async () => {
  const stage = await new Stage(shelf()).started({ state: { n: 0 }, kvSize: 10 });
  await stage.call("putAll", [["a", "x".repeat(19)]]);
  stage.core.call(1, 1, "add", ["b", "x".repeat(19)]).call(1, 2, "add", ["c", ""]);
  await stage.run();
  assert.deepEqual(
    kvOutputs(stage).map((output) => ("token" in output ? output.token : undefined)),
    [undefined, 1, 2],
  );
  stage.forget();
  stage.core.kvPut(1, 1, "full", 30).kvPut(1, 2, "put", 31);
  await stage.run();
  const [refusal, success] = stage.outputs;
  assert.ok(refusal?.kind === "replyError");
  assert.equal(`${refusal.error.group}.${refusal.error.code}`, "actor.kv_storage_quota_exceeded");
  assert.match(refusal.error.message, /20 bytes more do not fit: .* have 30 bytes, limit is 40/);
  assert.deepEqual(success, { kind: "reply", call: 2, value: 2 });
  assert.match(stage.logs.join("\n"), /was refused/);
  // Now it is known again what fits: nine bytes.
  stage.forget();
  await stage.call("putAll", [["d", "12345678"]]);
  assert.deepEqual(kvOutputs(stage), [{ kind: "kvPut", pairs: [["d", "12345678"]] }]);
});

test("half a character is no text", async () => {
  const stage = await new Stage(shelf()).started();
  for (const [action, code] of [
    ["putHalf", "invalid_value"],
    ["getHalf", "invalid_key"],
  ] as const) {
    const outcome = await stage.call(action);
    assert.ok(outcome.kind === "replyError");
    assert.equal(`${outcome.error.group}.${outcome.error.code}`, `kv.${code}`);
  }
  assert.deepEqual(kvOutputs(stage), []);
});

test("a start hands over what it asks for before it is done", async () => {
  const seen: unknown[] = [];
  const stage = new Stage(
    actor({
      state: { n: 1 },
      onWake: async (c) => {
        c.state.n += 1;
        seen.push(await c.kv.get("a"));
      },
    }),
  );
  stage.core.start(1, "thing", { state: { n: 1 } });
  const turns = await stage.run();
  assert.deepEqual(turns[0]?.outputs, [{ kind: "kvGet", token: 1, keys: ["a"] }]);
  stage.core.kvValues(1, 1, ["there"]);
  assert.deepEqual((await stage.run())[0]?.outputs, [{ kind: "started" }]);
  assert.deepEqual(seen, ["there"]);
});

test("whoever waits when the instance is lost is told, and later calls are refused", async () => {
  const outcomes: string[] = [];
  const note = (error: { group: string; code: string }): void =>
    void outcomes.push(`${error.group}.${error.code}`);
  let later: (() => Promise<unknown>) | undefined;
  const stage = await new Stage(
    actor({
      actions: {
        async wait(c) {
          later = () => c.kv.get("b").catch(note);
          await c.kv.get("a").catch(note);
        },
        forget: (c) => {
          void c.kv.get("a");
          void c.kv.put("a", "b");
        },
      },
    }),
  ).started();
  stage.core.call(1, 1, "wait", []).call(1, 2, "forget", []);
  await stage.run();
  stage.core.drop(1);
  stage.host.wake();
  await new Promise(setImmediate);
  await later?.();
  assert.deepEqual(outcomes, ["kv.closed", "kv.closed"]);
});
