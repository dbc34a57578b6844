import assert from "node:assert/strict";
import { test } from "node:test";
import { actor, UserError } from "../../dist/index.js";
import type { Output } from "./support/core.js";
import { Stage } from "./support/stage.js";

const STREAMS = { streams: true };

/** What was streamed for a call, and how it ended. */
function streamed(outputs: readonly Output[], call: number): unknown[] {
  return outputs.flatMap((output): unknown[] => {
    if (!("call" in output) || output.call !== call) return [];
    if (output.kind === "stream") return output.part === "item" ? [output.item] : [`<${output.part}>`];
    return output.kind === "replyError" ? [`<${output.error.group}.${output.error.code}>`] : ["<reply>"];
  });
}

const isOver = (call: number) => (output: Output) =>
  "call" in output && output.call === call && (output.kind !== "stream" || output.part === "end");

test("an async generator streams, with its changes before the items that show them", async () => {
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      actions: {
        async *count(c, to: number) {
          while (c.state.n < to) yield ++c.state.n;
        },
      },
    }),
  ).started();
  stage.core.call(1, 1, "count", [3], STREAMS);
  await stage.until(isOver(1));
  assert.deepEqual(streamed(stage.outputs, 1), ["<start>", 1, 2, 3, "<end>"]);
  assert.equal(stage.changes.length, 3);
});

test("promises of streams and readable streams stream as well; what is streamed can be empty", async () => {
  const stage = await new Stage(
    actor({
      actions: {
        later: async () =>
          (async function* () {
            yield "later";
          })(),
        readable: () =>
          new ReadableStream<string>({
            start(controller) {
              for (const item of ["a", "b"]) controller.enqueue(item);
              controller.close();
            },
          }),
        async *nothing() {},
      },
    }),
  ).started();
  stage.core.call(1, 1, "later", [], STREAMS).call(1, 2, "readable", [], STREAMS);
  stage.core.call(1, 3, "nothing", [], STREAMS);
  for (const call of [1, 2, 3]) await stage.until(isOver(call));
  assert.deepEqual(streamed(stage.outputs, 1), ["<start>", "later", "<end>"]);
  assert.deepEqual(streamed(stage.outputs, 2), ["<start>", "a", "b", "<end>"]);
  assert.deepEqual(streamed(stage.outputs, 3), ["<start>", "<end>"]);
});

test("a generator is not advanced beyond what its caller takes", async () => {
  let made = 0;
  const stage = await new Stage(
    actor({
      actions: {
        async *small() {
          for (;;) yield made++;
        },
        async *large() {
          for (;;) {
            made++;
            yield "x".repeat(100 * 1024);
          }
        },
      },
    }),
  ).started();
  stage.core.call(1, 1, "small", [], STREAMS);
  await stage.until((output) => output.kind === "stream" && output.part === "item" && output.item === 63);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(made, 64);
  stage.core.credit(1, 1, 10);
  await stage.until((output) => output.kind === "stream" && output.part === "item" && output.item === 73);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(made, 74);
  // More than there is on its way counts for no more than that.
  stage.core.credit(1, 1, 0xffff_ffff);
  await stage.until((output) => output.kind === "stream" && output.part === "item" && output.item === 137);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(made, 138);
  made = 0;
  stage.core.call(1, 2, "large", [], STREAMS);
  await stage.run();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(made, 3);
  stage.host.abandon();
});

test("a caller that gives up ends the generator, whose `finally` runs; nothing comes after that", async () => {
  const log: string[] = [];
  const stage = await new Stage(
    actor({
      actions: {
        async *wait(c) {
          try {
            yield "first";
            await new Promise<void>((resolve) => {
              c.abortSignal.addEventListener("abort", () => {
                log.push("aborted");
                resolve();
              });
            });
            yield "second";
            log.push("went on");
          } finally {
            log.push("finally");
          }
        },
        async *full() {
          try {
            for (;;) yield 0;
          } finally {
            log.push("finally");
          }
        },
        async *late() {
          log.push("began");
          yield 0;
        },
      },
    }),
  ).started();
  stage.core.call(1, 1, "wait", [], STREAMS);
  await stage.until((output) => output.kind === "stream" && output.part === "item");
  stage.core.cancel(1, 1);
  await stage.until(isOver(1));
  assert.deepEqual(streamed(stage.outputs, 1), ["<start>", "first", "<end>"]);
  assert.deepEqual(log, ["aborted", "finally"]);
  log.length = 0;
  stage.core.call(1, 2, "full", [], STREAMS);
  await stage.run();
  stage.core.cancel(1, 2);
  await stage.until(isOver(2));
  assert.deepEqual(log, ["finally"]);
  log.length = 0;
  // A client that disconnects has given up, too.
  stage.core.connect(1, 9);
  await stage.until((output) => output.kind === "accept");
  stage.core.call(1, 3, "wait", [], { ...STREAMS, conn: 9 });
  await stage.until((output) => output.kind === "stream" && output.call === 3 && output.part === "item");
  stage.core.disconnect(1, 9);
  await stage.until(isOver(3));
  assert.deepEqual(log, ["aborted", "finally"]);
});

test("errors come after the items before them, and what cannot be sent ends the generator", async () => {
  const log: string[] = [];
  const stage = await new Stage(
    actor({
      actions: {
        async *breaks() {
          yield 1;
          throw new UserError("enough", { code: "enough" });
        },
        async *unsendable() {
          try {
            yield 1;
            yield () => {};
            yield 3;
          } finally {
            log.push("finally");
          }
        },
      },
    }),
  ).started();
  stage.core.call(1, 1, "breaks", [], STREAMS).call(1, 2, "unsendable", [], STREAMS);
  await stage.until(isOver(1));
  await stage.until(isOver(2));
  assert.deepEqual(streamed(stage.outputs, 1), ["<start>", 1, "<user.enough>"]);
  assert.deepEqual(streamed(stage.outputs, 2), ["<start>", 1, "<rivetkit.internal_error>"]);
  assert.deepEqual(log, ["finally"]);
});

test("each item has its time; one that does not come ends the stream, and lets the next exclusive call run", async () => {
  const stage = await new Stage(
    actor({
      options: { actionTimeout: 60, concurrency: "exclusive" },
      actions: {
        async *slow(_c, pauses: readonly number[]) {
          for (const pause of pauses) {
            await new Promise((resolve) => setTimeout(resolve, pause));
            yield pause;
          }
          await new Promise(() => {});
        },
        next: () => "next",
      },
    }),
  ).started();
  stage.core.call(1, 1, "slow", [[40, 40, 40]], STREAMS).call(1, 2, "next", []);
  await stage.until(isOver(2));
  assert.deepEqual(streamed(stage.outputs, 1), ["<start>", 40, 40, 40, "<actor.action_timed_out>"]);
});

test("a caller that takes no streams is told so, and the generator never begins", async () => {
  const log: string[] = [];
  const stage = await new Stage(
    actor({
      actions: {
        async *stream() {
          log.push("began");
          yield 1;
        },
      },
    }),
  ).started();
  const output = await stage.call("stream");
  assert.ok(output.kind === "replyError");
  assert.equal(`${output.error.group}.${output.error.code}`, "actor.stream_not_supported");
  assert.match(output.error.message, /`stream`.*@greenroom\/client/);
  assert.deepEqual(log, []);
});

test("onBeforeActionResponse sees each item", async () => {
  const stage = await new Stage(
    actor({
      onBeforeActionResponse: (_c, name, args, output) => {
        const seen = { name, args, output };
        return output === 2 ? Promise.resolve(seen) : seen;
      },
      actions: {
        async *two(_c, _x: string) {
          yield 1;
          yield 2;
        },
      },
    }),
  ).started();
  stage.core.call(1, 1, "two", ["x"], STREAMS);
  await stage.until(isOver(1));
  const seen = (output: number) => ({ name: "two", args: ["x"], output });
  assert.deepEqual(streamed(stage.outputs, 1), ["<start>", seen(1), seen(2), "<end>"]);
});

test("a generator that an alarm calls runs to its end, however much it yields", async () => {
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      actions: {
        plan: (c) => c.schedule.after(0, "count"),
        async *count(c) {
          while (c.state.n < 200) yield ++c.state.n;
        },
        n: (c) => c.state.n,
      },
    }),
  ).started();
  await stage.call("plan");
  const set = stage.outputs.find((output) => output.kind === "setAlarm");
  assert.ok(set?.kind === "setAlarm");
  stage.core.alarm(1, 5, set, set.due);
  await stage.until((output) => output.kind === "removeAlarm");
  assert.equal(stage.outputs.filter((output) => output.kind === "stream").length, 0);
  assert.deepEqual(await stage.call("n"), { kind: "reply", call: 1002, value: 200 });
});

test("the end of the actor waits for streams, and a dropped instance ends them", async () => {
  const log: string[] = [];
  const define = () =>
    actor({
      actions: {
        async *polite(c) {
          try {
            yield 1;
            await new Promise<void>((resolve) => c.abortSignal.addEventListener("abort", () => resolve()));
            yield 2;
          } finally {
            log.push("finally");
          }
        },
      },
    });
  const stage = await new Stage(define()).started();
  stage.core.call(1, 1, "polite", [], STREAMS);
  await stage.until((output) => output.kind === "stream" && output.part === "item");
  stage.core.stop(1, "sleep");
  await stage.until((output) => output.kind === "stopped");
  assert.deepEqual(streamed(stage.outputs, 1), ["<start>", 1, 2, "<end>"]);
  assert.deepEqual(log, ["finally"]);
  const dropped = await new Stage(define()).started();
  dropped.core.call(1, 1, "polite", [], STREAMS);
  await dropped.until((output) => output.kind === "stream" && output.part === "item");
  dropped.core.drop(1);
  dropped.host.wake();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(log, ["finally", "finally"]);
});

test("streams that cannot begin, and iterators that throw on their way out, fail their call only", async () => {
  const locked = (): ReadableStream<number> => {
    const stream = new ReadableStream<number>();
    stream.getReader();
    return stream;
  };
  const stage = await new Stage(
    actor({
      actions: {
        locked,
        lockedLater: async () => locked(),
        revoked: async () => {
          const { proxy, revoke } = Proxy.revocable({}, {});
          revoke();
          return [proxy][0];
        },
        clingy: (): AsyncIterable<number> => ({
          [Symbol.asyncIterator]: () => ({
            next: async () => ({ done: false, value: 1 }),
            return: () => {
              throw new Error("I stay");
            },
          }),
        }),
        fine: () => "fine",
      },
    }),
  ).started();
  const failed = ["<start>", "<rivetkit.internal_error>"];
  for (const [call, name] of ["locked", "lockedLater"].entries()) {
    stage.core.call(1, call, name, [], STREAMS);
    await stage.until(isOver(call));
    assert.deepEqual(streamed(stage.outputs, call), failed, name);
    stage.core.call(1, 10 + call, name, []);
    await stage.until(isOver(10 + call));
    assert.deepEqual(streamed(stage.outputs, 10 + call), ["<actor.stream_not_supported>"], name);
  }
  stage.core.call(1, 5, "revoked", [], STREAMS);
  await stage.until(isOver(5));
  assert.deepEqual(streamed(stage.outputs, 5), ["<rivetkit.internal_error>"]);
  stage.core.call(1, 6, "clingy", [], STREAMS);
  await stage.until((output) => output.kind === "stream" && output.call === 6 && output.part === "item");
  stage.core.cancel(1, 6);
  await stage.until(isOver(6));
  stage.core.call(1, 7, "clingy", []);
  await stage.until(isOver(7));
  assert.deepEqual(await stage.call("fine"), { kind: "reply", call: 1001, value: "fine" });
  // Nothing is left that the end would wait for.
  stage.core.stop(1, "sleep");
  await stage.until((output) => output.kind === "stopped");
});
