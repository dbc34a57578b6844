import assert from "node:assert/strict";
import { test } from "node:test";
import { actor, queue } from "../../dist/index.js";
import { decodeMessage, decodePayload } from "../../dist/queue/message.js";
import type { CoreMessage, Output } from "./support/core.js";
import { Stage } from "./support/stage.js";

const desk = actor({
  state: { seen: [] as unknown[] },
  queues: { job: queue<string, number>(), note: queue<unknown>() },
  options: { maxQueueSize: 5, maxQueueMessageSize: 1_000, actionTimeout: 200 },
  actions: {
    async take(c) {
      const { body } = await c.queue.next({ names: ["job"] });
      c.state.seen.push(body);
    },
    async complete(c) {
      const job = await c.queue.next({ names: ["job"], completable: true });
      c.state.seen.push(job.body);
      await job.complete(job.body.length);
    },
    async keep(c) {
      await c.queue.next({ names: ["job"], completable: true });
    },
    tryTake: async (c) =>
      (await c.queue.tryNextBatch({ count: 10 })).map(({ id, name, body }) => ({ id, name, body })),
    put: (c, name: "job", body: string) => c.queue.send(name, body).then(({ id }) => id),
    sendTwice: (c) => [c.queue.send("job", "a"), c.queue.send("job", "b")].length,
    sendNote: (c, body: unknown) => c.queue.send("note", body).then(({ id }) => id),
    forEver: (c) => c.queue.next().then(() => "got it"),
    floating: (c) => {
      void c.queue.next();
      return "gone";
    },
    completeById: (c, id: number, name: "job") => c.queue.complete({ id, name }, 1),
  },
});

const staged = (options = {}) => new Stage(desk).started({ state: { seen: [] }, ...options });

/** What a message in the core says. */
function read(output: Output | undefined) {
  assert.ok(output?.kind === "putMessage", `${output?.kind}`);
  const { name, payload } = decodeMessage(output.body);
  return { id: output.id, name, body: decodePayload(payload) };
}

/** The messages that the core would have after these outputs. */
function stored(outputs: readonly Output[]): CoreMessage[] {
  const messages = new Map<number, CoreMessage>();
  for (const output of outputs) {
    if (output.kind === "putMessage") messages.set(output.id, output);
    if (output.kind === "removeMessage") messages.delete(output.id);
  }
  return [...messages.values()];
}

const answerTo = (call: number) => (output: Output) => "call" in output && output.call === call;

test("a message is stored in the turn that answers its sender", async () => {
  const stage = await staged();
  stage.core.publish(1, 7, "job", "hello");
  const [turn] = await stage.run();
  assert.equal(turn?.durability, "strict");
  assert.deepEqual(read(turn?.outputs[0]), { id: 1, name: "job", body: "hello" });
  assert.deepEqual(turn?.outputs[1], { kind: "reply", call: 7, value: [] });
  assert.equal(turn?.outputs.length, 2);
});

test("a consumer that waits gets the message in the turn in which it comes", async () => {
  const stage = await staged();
  stage.core.call(1, 5, "take", []);
  stage.host.wake();
  stage.core.publish(1, 7, "job", "hello");
  const [turn] = await stage.run();
  // It was never stored, but its number is used; what was done with it is part of the same commit.
  assert.deepEqual(turn?.outputs, [
    { kind: "removeMessage", id: 1 },
    { kind: "reply", call: 7, value: [] },
    { kind: "reply", call: 5, value: undefined },
  ]);
  assert.deepEqual(turn?.changes, [[2, ["seen"], ["hello"]]]);
});

test("a message that is to be completed is removed together with what it did", async () => {
  const stage = await staged();
  stage.core.call(1, 5, "complete", []);
  stage.core.publish(1, 7, "job", "hello", { wait: true });
  const [turn] = await stage.run();
  assert.deepEqual(read(turn?.outputs[0]), { id: 1, name: "job", body: "hello" });
  assert.deepEqual(turn?.outputs.slice(1), [
    { kind: "removeMessage", id: 1 },
    { kind: "reply", call: 7, value: [5] },
    { kind: "reply", call: 5, value: undefined },
  ]);
  assert.deepEqual(turn?.changes, [[2, ["seen"], ["hello"]]]);
});

test("what was stored comes back in the next life, and numbers go on", async () => {
  const first = await staged();
  await first.call("sendTwice");
  await first.call("put", "job", "c");
  const messages = stored(first.outputs);
  const second = await staged({ messages: messages.slice(0, 2), lastMessage: 3 });
  assert.deepEqual(await second.call("tryTake"), {
    kind: "reply",
    call: 1001,
    value: [
      { id: 1, name: "job", body: "a" },
      { id: 2, name: "job", body: "b" },
    ],
  });
  assert.deepEqual(await second.call("put", "job", "d"), { kind: "reply", call: 1002, value: 4 });
});

test("a message that another version has stored, or whose queue is gone, is kept and left alone", async () => {
  const first = new Stage(
    actor({
      queues: { old: queue<string>() },
      actions: { put: (c) => c.queue.send("old", "x").then(() => {}) },
    }),
  );
  await first.started();
  await first.call("put");
  const [old] = stored(first.outputs);
  assert.ok(old !== undefined);
  const stage = await staged({
    messages: [
      { id: 1, body: new Uint8Array([9, 9]) },
      { ...old, id: 2 },
    ],
  });
  assert.match(
    stage.logs.join(""),
    /a stored message cannot be read.*messages in queues that are not declared/s,
  );
  const taken = await stage.call("tryTake");
  assert.deepEqual(taken.kind === "reply" && taken.value, []);
  assert.deepEqual(
    stage.outputs.filter(({ kind }) => kind === "removeMessage"),
    [],
  );
});

test("a sender is told when its time is up, and the message stays", async () => {
  const stage = await staged();
  stage.core.publish(1, 7, "job", "a", { wait: true, timeout: 10 });
  stage.core.publish(1, 8, "job", "b", { wait: true });
  stage.core.publish(1, 9, "job", "c", { wait: true, timeout: 0 });
  assert.deepEqual(await stage.until(answerTo(9)), { kind: "reply", call: 9, value: null });
  assert.deepEqual(await stage.until(answerTo(7)), { kind: "reply", call: 7, value: null });
  const late = await stage.until(answerTo(8));
  assert.ok(late.kind === "replyError" && late.error.code === "action_timed_out");
  assert.equal(stored(stage.outputs).length, 3);
});

test("a sender that goes away is answered, so that nothing counts on it", async () => {
  const stage = await staged();
  stage.core.publish(1, 7, "job", "a", { wait: true });
  await stage.run();
  stage.core.cancel(1, 7);
  await stage.run();
  assert.deepEqual(stage.outputs.at(-1), { kind: "reply", call: 7, value: null });
  stage.forget();
  await stage.call("take");
  assert.equal(stage.outputs.filter(answerTo(7)).length, 0);
});

test("a message of an action that ends without completing it goes to the next consumer after a pause", async () => {
  const stage = await staged();
  stage.core.publish(1, 7, "job", "a", { wait: true });
  stage.core.publish(1, 8, "job", "b");
  await stage.call("keep");
  assert.equal(stage.outputs.filter(({ kind }) => kind === "removeMessage").length, 0);
  const began = performance.now();
  // The one behind it waits as well, or the order would be lost.
  stage.core.call(1, 5, "take", []).call(1, 6, "take", []);
  await stage.until(answerTo(6));
  assert.ok(performance.now() - began > 30);
  assert.deepEqual(stage.changes, [
    [2, ["seen"], ["a"]],
    [2, ["seen"], ["b"]],
  ]);
  assert.deepEqual(stage.outputs.filter(answerTo(7)), [{ kind: "reply", call: 7, value: [] }]);
});

test("the stop ends all waiting, and senders are told that their message is still there", async () => {
  const stage = await staged();
  stage.core.publish(1, 7, "note", "a", { wait: true });
  stage.core.call(1, 5, "take", []);
  await stage.run();
  stage.core.stop(1, "sleep");
  await stage.until(({ kind }) => kind === "stopped");
  const [receiver, sender] = [stage.outputs.find(answerTo(5)), stage.outputs.find(answerTo(7))];
  assert.ok(receiver?.kind === "replyError" && receiver.error.code === "aborted");
  assert.ok(sender?.kind === "replyError" && sender.error.code === "completion_waiter_dropped");
  assert.deepEqual(stage.outputs.at(-1), { kind: "stopped" });
  assert.equal(stored(stage.outputs).length, 1);
});

test("an action that takes too long does not receive any more", async () => {
  const stage = await staged();
  stage.core.call(1, 5, "take", []);
  const late = await stage.until(answerTo(5));
  assert.ok(late.kind === "replyError" && late.error.code === "action_timed_out");
  stage.core.publish(1, 7, "job", "a");
  await stage.run();
  assert.equal(stored(stage.outputs).length, 1);
});

test("waiting that nobody waits for ends with its action, and does no harm", async () => {
  const stage = await staged();
  await stage.call("floating");
  stage.core.publish(1, 7, "job", "a");
  await stage.run();
  assert.equal(stored(stage.outputs).length, 1);
});

test("limits and unknown names are errors, and nothing is stored", async () => {
  const stage = await staged();
  const code = (output: Output) =>
    output.kind === "replyError" ? `${output.error.group}.${output.error.code}` : "";
  stage.core.publish(1, 7, "jobs", "a");
  assert.equal(code(await stage.until(answerTo(7))), "queue.not_found");
  stage.core.publish(1, 8, "job", "x".repeat(1_001));
  assert.equal(code(await stage.until(answerTo(8))), "queue.message_too_large");
  assert.equal(stored(stage.outputs).length, 0);
  for (let n = 0; n < 5; n++) await stage.call("put", "job", "x");
  assert.equal(code(await stage.call("put", "job", "x")), "queue.full");
  stage.core.publish(1, 9, "job", "x");
  assert.equal(code(await stage.until(answerTo(9))), "queue.full");
  assert.equal(code(await stage.call("completeById", 99, "job")), "queue.already_completed");
  assert.equal(code(await stage.call("completeById", 1, "note")), "queue.message_invalid");
  assert.equal(stored(stage.outputs).length, 5);
  assert.equal(code(await stage.call("sendNote", { f: 1 })), "queue.full");
});

test("what cannot be stored is refused with its path", async () => {
  const stage = new Stage(
    actor({
      queues: { note: queue<unknown>() },
      actions: { put: (c) => c.queue.send("note", { f: [() => 1] }).then(() => {}) },
    }),
    { exposeErrors: true },
  );
  await stage.started();
  const refused = await stage.call("put");
  assert.ok(refused.kind === "replyError");
  assert.match(refused.error.message, /body\.f\[0\]/);
});

test("an instance that is dropped lets everybody go", async () => {
  const stage = await staged();
  stage.core.publish(1, 7, "note", "a", { wait: true });
  stage.core.call(1, 5, "forEver", []);
  await stage.run();
  const before = stage.outputs.length;
  stage.core.drop(1);
  stage.host.wake();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(stage.outputs.length, before);
});

test("a sender that gives up before it is let in leaves no message and nobody who waits", async () => {
  let decide: (isAllowed: boolean) => void = () => {};
  const stage = await new Stage(
    actor({
      queues: { job: queue<string>({ canPublish: () => new Promise((resolve) => (decide = resolve)) }) },
      actions: { take: async (c) => (await c.queue.tryNext())?.body },
    }),
  ).started();
  const asked = () => new Promise((resolve) => setImmediate(resolve));
  stage.core.publish(1, 1, "job", "left", { wait: true });
  stage.host.wake();
  await asked();
  stage.core.cancel(1, 1);
  assert.deepEqual(await stage.until(answerTo(1)), { kind: "reply", call: 1, value: null });
  decide(true);
  assert.deepEqual(await stage.call("take"), { kind: "reply", call: 1001, value: undefined });
  stage.core.publish(1, 2, "job", "kept");
  stage.host.wake();
  await asked();
  decide(true);
  await stage.until((output) => output.kind === "putMessage");
  stage.core.stop(1, "sleep");
  await stage.until((output) => output.kind === "stopped");
});
