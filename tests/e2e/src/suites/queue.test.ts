/** Queues: durable messages from clients and from the actor itself, each finished by one commit. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ActorError } from "@greenroom/client";
import { asleep, TELLS_SLEEPS } from "../harness/asleep.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/queue-registry.js";

const ENCODINGS = ["bare", "cbor", "json"] as const;

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/queue-main.js"), env: TELLS_SLEEPS });
});
after(() => server.dispose());

const connectTo = (encoding: (typeof ENCODINGS)[number] = "bare") =>
  createClient<typeof registry>({ endpoint: server.url, encoding });

/** Resolves once so many wait for messages of `desk`, or are at work on one. */
const areConsuming = (desk: { consumers(): Promise<number> }, count: number): Promise<void> =>
  eventually(async () => assert.equal(await desk.consumers(), count));

/** The error that a call is refused with, as `group.code`. */
async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof ActorError, String(error));
    return `${error.group}.${error.code}`;
  }
  return "nothing";
}

for (const encoding of ENCODINGS) {
  test(`messages are sent, waited for and answered in ${encoding}`, async () => {
    const desk = connectTo(encoding).desk.getOrCreate(["sent", encoding]);
    assert.equal(await desk.send("job", { file: "a" }), undefined);
    assert.equal(await desk.print(1), "a");
    const waiting = desk.send("job", { file: "b" }, { wait: true });
    assert.equal(await desk.print(3), "b");
    assert.deepEqual(await waiting, { status: "completed", response: { pages: 3 } });
    const late = await desk.send("job", { file: "c" }, { wait: true, timeout: 50 });
    assert.deepEqual(late, { status: "timedOut" });
    // A plain receive finishes the message, so that its sender has nothing to wait for any more.
    const ping = desk.send("ping", 7, { wait: true });
    assert.deepEqual(await desk.next(["ping"], 1_000), 7);
    assert.deepEqual(await ping, { status: "completed" });
    assert.deepEqual(await desk.done(), ["a", "b"]);
    const value = { list: [1, null], set: new Set([1n]), bytes: new Uint8Array([1, 2]), none: undefined };
    await desk.send("anything", value);
    assert.deepEqual(await desk.nextOf("job"), { file: "c" });
    assert.deepEqual(await desk.nextOf("anything"), value);
  });
}

test("a connection sends as its handle does", async () => {
  const client = connectTo();
  const connection = client.desk.getOrCreate("connected").connect();
  await connection.ready;
  const sent = connection.send("job", { file: "x" }, { wait: true });
  assert.equal(await connection.print(2), "x");
  assert.deepEqual(await sent, { status: "completed", response: { pages: 2 } });
  await client.dispose();
});

test("a message wakes the actor, and waits through its sleep and a restart", async () => {
  const client = connectTo();
  const desk = client.desk.getOrCreate("restarted");
  await desk.done();
  await delay(500);
  await desk.send("ping", 1);
  await desk.send("ping", 2);
  await desk.nap();
  assert.deepEqual(await desk.batch(1), [1]);
  assert.equal(await server.stop("SIGTERM"), 0);
  await server.restart();
  await server.kill();
  await server.restart();
  assert.deepEqual(await desk.batch(10), [2]);
  assert.deepEqual(await desk.tryBatch(10), []);
});

test("names filter, and the oldest message of all comes first", async () => {
  const desk = connectTo().desk.getOrCreate("names");
  await desk.send("ping", 1);
  await desk.send("job", { file: "a" });
  await desk.send("ping", 2);
  await desk.send("job", { file: "b" });
  assert.deepEqual(await desk.next(["job"], 0), { file: "a" });
  assert.deepEqual(await desk.next([], 0), 1);
  assert.deepEqual(await desk.next(["job", "ping"], 0), 2);
  assert.deepEqual(await desk.tryNext(), { file: "b" });
  assert.equal(await desk.tryNext(), undefined);
  // The handle by key means the next actor of that key.
  await desk.send("ping", 2);
  assert.equal(await desk.next(["ping"], 0), 2);
});

test("an actor sends to the queue of another, and waits for the response", async () => {
  const clerk = connectTo().clerk.getOrCreate("c");
  assert.deepEqual(await clerk.order("other", "letter"), { status: "completed", response: { pages: 6 } });
  assert.equal(await clerk.leave("other", "note"), undefined);
  const printer = connectTo().printer.getOrCreate("other");
  await eventually(async () => assert.deepEqual(await printer.done(), ["letter", "note"]));
  assert.equal(await refusal(clerk.misplace("other")), "user.not_found");
});

test("connection parameters of senders are checked by their schema", async () => {
  const params = { user: 5 } as unknown as { user: string };
  const picky = connectTo().picky.getOrCreate("p", { params });
  assert.equal(await refusal(picky.send("note", "a")), "actor.validation_error");
  const right = connectTo().picky.getOrCreate("p", { params: { user: "me" } });
  await right.send("note", "b");
  assert.deepEqual(await right.read(), "b from me");
});

for (const encoding of ENCODINGS) {
  test(`times that are none are refused before anything is sent in ${encoding}`, async () => {
    const desk = connectTo(encoding).desk.getOrCreate(["times", encoding]);
    for (const timeout of [-1, Number.NaN, "5" as unknown as number]) {
      await assert.rejects(desk.send("ping", 1, { wait: true, timeout }), TypeError);
    }
    assert.equal(await desk.tryNext(), undefined);
    const patient = desk.send("ping", 1, { wait: true, timeout: Number.POSITIVE_INFINITY });
    assert.equal(await desk.next(["ping"], 1_000), 1);
    assert.deepEqual(await patient, { status: "completed" });
  });
}

test("batches take what is there, up to their count", async () => {
  const desk = connectTo().desk.getOrCreate("batches");
  for (let n = 1; n <= 5; n++) await desk.send("ping", n);
  assert.deepEqual(await desk.batch(3), [1, 2, 3]);
  assert.deepEqual(await desk.tryBatch(1), [4]);
  assert.deepEqual(await desk.tryBatch(9), [5]);
  assert.deepEqual(await desk.tryBatch(9), []);
  const waiting = desk.batch(3);
  await areConsuming(desk, 1);
  await desk.send("ping", 6);
  assert.deepEqual(await waiting, [6]);
});

test("waiting ends with the time, with the signal, and with the caller", async () => {
  const client = connectTo();
  const desk = client.desk.getOrCreate("waiting");
  const began = Date.now();
  assert.equal(await desk.next([], 100), undefined);
  assert.ok(Date.now() - began >= 99);
  assert.equal(await desk.next([], 0), undefined);
  assert.equal(await refusal(desk.impatient(50)), "actor.aborted");
  assert.equal(await refusal(desk.waitForNames()), "queue.timed_out");
  const caller = new AbortController();
  const left = desk.action({ name: "next", args: [["ping"], 60_000], signal: caller.signal });
  left.catch(() => {});
  await areConsuming(desk, 1);
  caller.abort();
  await assert.rejects(left);
  await areConsuming(desk, 0);
  // Nobody takes this one on behalf of a caller that has gone.
  await desk.send("ping", 5);
  assert.equal(await desk.next(["ping"], 1_000), 5);
});

test("several consumers are served in the order in which they began to wait", async () => {
  const desk = connectTo().desk.getOrCreate("fair");
  const taken: [number, unknown][] = [];
  const consumers = [];
  for (let n = 0; n < 3; n++) {
    consumers.push(desk.next(["ping"], 5_000).then((body) => taken.push([n, body])));
    await areConsuming(desk, n + 1);
  }
  for (let n = 0; n < 3; n++) await desk.send("ping", n);
  await Promise.all(consumers);
  assert.deepEqual(taken.sort(), [
    [0, 0],
    [1, 1],
    [2, 2],
  ]);
});

test("a message that is not completed comes back, in its place", async () => {
  const desk = connectTo().desk.getOrCreate("redelivered");
  await desk.send("job", { file: "first" });
  await desk.send("job", { file: "second" });
  assert.equal(await refusal(desk.giveUp()), "user.jammed");
  assert.equal(await refusal(desk.giveUp()), "user.jammed");
  assert.equal(await desk.print(1), "first");
  assert.equal(await desk.print(1), "second");
  const waiting = desk.send("job", { file: "third" }, { wait: true });
  assert.equal(await refusal(desk.giveUp()), "user.jammed");
  assert.equal(await desk.print(9), "third");
  assert.deepEqual(await waiting, { status: "completed", response: { pages: 9 } });
});

test("a message that was being handled comes back after a kill", async () => {
  const client = createClient<typeof registry>({ endpoint: server.url, retryTimeout: 0 });
  const desk = client.desk.getOrCreate("killed");
  await desk.send("job", { file: "important" });
  const handling = desk.curious();
  handling.catch(() => {});
  await areConsuming(desk, 1);
  await server.kill();
  await assert.rejects(handling);
  await server.restart();
  assert.equal(await desk.print(1), "important");
});

test("completing twice, and receiving before completing, are refused", async () => {
  const desk = connectTo().desk.getOrCreate("strict");
  await desk.send("job", { file: "a" });
  assert.equal(await refusal(desk.twice()), "queue.already_completed");
  await desk.send("job", { file: "b" });
  await desk.send("job", { file: "c" });
  assert.equal(await refusal(desk.greedy()), "queue.previous_message_not_completed");
  assert.deepEqual([await desk.print(1), await desk.print(1)], ["b", "c"]);
});

test("a consumer can wait for another queue while it handles a message", async () => {
  const desk = connectTo().desk.getOrCreate("curious");
  const sent = desk.send("job", { file: "a" }, { wait: true });
  const handled = desk.curious();
  await areConsuming(desk, 1);
  await desk.send("ping", 12);
  await handled;
  assert.deepEqual(await sent, { status: "completed", response: { pages: 12 } });
});

test("a loop gives one message after the other, and every message has a number of its own", async () => {
  const desk = connectTo().desk.getOrCreate("loop");
  const seen = desk.all(4);
  await desk.send("job", { file: "a" });
  await desk.send("ping", 1);
  await desk.send("job", { file: "b" });
  await desk.send("ping", 2);
  assert.deepEqual(await seen, ["job 1 a", "ping 2 1", "job 3 b", "ping 4 2"]);
  await desk.nap();
  await desk.send("ping", 3);
  assert.deepEqual(await desk.all(1), ["ping 5 3"]);
});

test("an actor waits until a message is available without taking it", async () => {
  const desk = connectTo().desk.getOrCreate("available");
  const available = desk.available();
  await areConsuming(desk, 1);
  await desk.send("job", { file: "not this" });
  await desk.send("ping", 4);
  assert.equal(await available, 4);
});

test("an actor sends to itself, and waits for the answer", async () => {
  const desk = connectTo().desk.getOrCreate("self");
  assert.deepEqual(await desk.selfSend("mine"), { id: 1, name: "job", body: { file: "mine" } });
  const answer = desk.ask("question");
  assert.equal(await desk.print(0), "mine");
  assert.equal(await desk.print(42), "question");
  assert.deepEqual(await answer, { pages: 42 });
  assert.equal(await refusal(desk.ask("nobody", 50)), "queue.timed_out");
});

test("a consumer that waits for itself is refused, unless somebody else consumes", async () => {
  const desk = connectTo().desk.getOrCreate("deadlock");
  await desk.send("job", { file: "a" });
  assert.equal(await refusal(desk.askMyself()), "queue.waits_for_itself");
  assert.deepEqual(await desk.done(), []);
  const asked = desk.askMyself();
  await areConsuming(desk, 1);
  const other = desk.print(3);
  await areConsuming(desk, 2);
  await desk.send("job", { file: "b" });
  assert.equal(await other, "to myself");
  assert.deepEqual(await asked, { pages: 3 });
});

test("a sleep that is asked for ends all waiting, and loses no message", async () => {
  const desk = connectTo().desk.getOrCreate("asleep");
  const sent = refusal(desk.send("job", { file: "a" }, { wait: true }));
  await desk.jobComes();
  await desk.nap();
  assert.equal(await sent, "queue.completion_waiter_dropped");
  const receiving = refusal(desk.next(["ping"], 60_000));
  await areConsuming(desk, 1);
  await desk.nap();
  assert.equal(await receiving, "actor.aborted");
  assert.equal(await desk.print(1), "a");
});

test("an actor can send while it goes to sleep", async () => {
  const actor = connectTo().lateSender.getOrCreate("late");
  await actor.nap();
  await eventually(async () => assert.equal(await actor.read(), "before sleeping"));
});

test("a sender without a time waits as long as an action may take", async () => {
  const desk = connectTo().desk.getOrCreate("patient");
  const began = Date.now();
  try {
    await desk.send("job", { file: "a" }, { wait: true });
    assert.fail("nobody completes it");
  } catch (error) {
    assert.ok(error instanceof ActorError);
    assert.deepEqual([error.group, error.code, error.statusCode ?? 408], ["actor", "action_timed_out", 408]);
  }
  assert.ok(Date.now() - began >= 1_900);
  assert.equal(await desk.print(1), "a");
});

test("a sender that goes away leaves its message there", async () => {
  const desk = connectTo().desk.getOrCreate("gone");
  const sender = new AbortController();
  const sent = desk.send("job", { file: "left" }, { wait: true, signal: sender.signal });
  sent.catch(() => {});
  await desk.jobComes();
  sender.abort();
  await assert.rejects(sent);
  assert.equal(await desk.print(1), "left");
});

test("there is room for so many messages, and each may be so large", async () => {
  const narrow = connectTo().narrow.getOrCreate("full");
  assert.equal(await refusal(narrow.send("tiny", "x".repeat(200))), "queue.message_too_large");
  for (let n = 0; n < 3; n++) await narrow.send("tiny", `message ${n}`);
  assert.equal(await refusal(narrow.send("tiny", "one too many")), "queue.full");
  assert.equal(await narrow.take(), "message 0");
  await narrow.send("tiny", "fits again");
  const desk = connectTo().desk.getOrCreate("large");
  assert.equal(await refusal(desk.send("anything", "x".repeat(70_000))), "message.incoming_too_long");
  assert.equal(await refusal(desk.sendTo("anything", "x".repeat(60_000))), "nothing");
  const large = Array.from({ length: 30_000 }, () => 1_000);
  assert.equal(await refusal(desk.sendTo("anything", large)), "message.incoming_too_long");
});

test("a queue that is not declared is refused everywhere", async () => {
  const desk = connectTo().desk.getOrCreate("unknown");
  const unknown = "nowhere" as "job";
  assert.equal(await refusal(desk.send(unknown, { file: "a" })), "queue.not_found");
  assert.equal(await refusal(desk.send(unknown, { file: "a" }, { wait: true })), "queue.not_found");
  assert.equal(await refusal(desk.sendTo("nowhere", 1)), "queue.not_found");
  assert.equal(await refusal(desk.nextOf("nowhere")), "queue.not_found");
  assert.equal(await refusal(desk.send("toString" as "job", { file: "a" })), "queue.not_found");
});

test("schemas check messages and responses", async () => {
  const desk = connectTo().desk.getOrCreate("schema");
  const bad = { file: 5 } as unknown as { file: string };
  assert.equal(await refusal(desk.send("strict", bad)), "queue.invalid_payload");
  assert.equal(await refusal(desk.sendTo("strict", bad)), "queue.invalid_payload");
  await desk.send("strict", { file: "a" });
  assert.equal(await refusal(desk.completeBad({ pages: "many" })), "queue.invalid_completion_payload");
  assert.deepEqual(await desk.completeBad({ pages: 1 }), { file: "a" });
  assert.equal(await desk.completeBad({ pages: 1 }), undefined);
});

test("wrong options are the actor's fault, and nothing hangs", async () => {
  const desk = connectTo().desk.getOrCreate("options");
  for (const [option, value] of [
    ["timeout", -1],
    ["timeout", "5"],
    ["names", "job"],
    ["signal", 5],
  ] as const) {
    assert.equal(await refusal(desk.badOption(option, value)), "rivetkit.internal_error", option);
  }
  assert.equal(await refusal(desk.badOption("names", [5])), "queue.not_found");
});

/** What an actor has said of itself so far. */
const saidBy = (key: string): string[] =>
  server.stderr
    .split("\n")
    .filter((line) => line.startsWith(`${key} `))
    .map((line) => line.slice(key.length + 1));

const waitFor = (key: string, words: string) =>
  eventually(async () => assert.ok(saidBy(key).includes(words), `${key}: ${saidBy(key).join(", ")}`));

test("run consumes a queue, sleeps while it waits, and a message wakes it", async () => {
  const printer = connectTo().printer.getOrCreate("hp");
  await printer.send("job", { file: "a.pdf" });
  const sent = await printer.send("job", { file: "bb.pdf" }, { wait: true, timeout: 5_000 });
  assert.deepEqual(sent, { status: "completed", response: { pages: 6 } });
  await asleep(server, printer);
  const again = await printer.send("job", { file: "c" }, { wait: true });
  assert.deepEqual(again, { status: "completed", response: { pages: 1 } });
  assert.deepEqual(await printer.done(), ["a.pdf", "bb.pdf", "c"]);
  await waitFor("hp", "ends c");
  const said = saidBy("hp").slice(0, saidBy("hp").indexOf("ends c") + 1);
  // On a busy machine it may have slept between the first two as well.
  assert.deepEqual(
    said.filter((words) => /^(begins|ends) /.test(words)),
    ["begins a.pdf", "ends a.pdf", "begins bb.pdf", "ends bb.pdf", "begins c", "ends c"],
  );
  assert.deepEqual([said[0], said.slice(said.indexOf("ends bb.pdf")).includes("wakes")], ["wakes", true]);
});

test("run stays awake for as long as it handles a message", async () => {
  const printer = connectTo().printer.getOrCreate("slow");
  const sent = await printer.send("job", { file: "long", takes: 500 }, { wait: true });
  assert.deepEqual(sent, { status: "completed", response: { pages: 4 } });
  assert.ok(!saidBy("slow").slice(0, saidBy("slow").indexOf("ends long")).includes("sleeps"));
});

test("messages that nobody wants neither keep an actor awake nor wake it", async () => {
  const printer = connectTo().printer.getOrCreate("unwanted");
  await printer.send("ping", null);
  await waitFor("unwanted", "sleeps");
  await asleep(server, printer);
  await server.kill();
  await server.restart();
  await delay(700);
  assert.equal(saidBy("unwanted").filter((words) => words === "wakes").length, 1);
  assert.equal(await printer.backlog(), 1);
});

for (const end of ["SIGKILL", "SIGTERM"] as const) {
  test(`what run was at work on goes on after ${end}, without a call`, async () => {
    const key = `ended-${end}`;
    const printer = connectTo().printer.getOrCreate(key);
    // The first of them ends the waiting, and is what is told of in the same commit.
    await printer.send("job", { file: "one", takes: 400 });
    await printer.send("job", { file: "two" });
    await printer.send("job", { file: "three" });
    await waitFor(key, "begins one");
    await server.stop(end);
    await server.restart();
    await waitFor(key, "ends three");
    assert.deepEqual(await printer.done(), ["one", "two", "three"]);
  });
}

test("a shutdown tells senders that wait, takes no time over them, and keeps their messages", async () => {
  const desk = connectTo().desk.getOrCreate("shut down");
  const sent = refusal(desk.send("job", { file: "a" }, { wait: true, timeout: 60_000 }));
  await desk.jobComes();
  const began = Date.now();
  assert.equal(await server.stop("SIGTERM"), 0);
  assert.ok(Date.now() - began < 5_000);
  assert.equal(await sent, "queue.completion_waiter_dropped");
  await server.restart();
  assert.equal(await desk.print(1), "a");
});

test("a message that wakes a waiting run is handled even if the process dies at once", async () => {
  const printer = connectTo().printer.getOrCreate("marked");
  await printer.send("job", { file: "first" }, { wait: true });
  // Long enough for the actor to be known to have nothing to do.
  const keeper = printer.connect();
  const calls = setInterval(() => void keeper.done().catch(() => {}), 50);
  await delay(1_500);
  await printer.send("job", { file: "second", takes: 300 });
  await server.kill();
  clearInterval(calls);
  await keeper.dispose();
  await server.restart();
  await waitFor("marked", "ends second");
});

test("a consumer that fails gets the message again after a pause, in order", async () => {
  const clumsy = connectTo().clumsy.getOrCreate("c");
  const began = Date.now();
  await clumsy.send("job", "a");
  await clumsy.send("job", "b", { wait: true });
  assert.deepEqual(await clumsy.attempts(), ["a", "a", "a", "b", "b", "b"]);
  // 50 and 100 ms for each of them.
  assert.ok(Date.now() - began >= 290);
});

test("guards let in, turn away, and have to make up their mind", async () => {
  const writer = connectTo().guarded.getOrCreate("g", { params: { user: "writer" } });
  const reader = connectTo().guarded.getOrCreate("g", { params: { user: "reader" } });
  const banned = connectTo().guarded.getOrCreate("g", { params: { user: "banned" } });
  await writer.send("import", "a");
  assert.equal(await refusal(reader.send("import", "b")), "auth.forbidden");
  assert.deepEqual(await writer.seen(), ["writer string", "reader string"]);
  await writer.send("later", "a");
  assert.equal(await refusal(reader.send("later", "b")), "auth.forbidden");
  assert.equal(await refusal(reader.send("vague", "b")), "rivetkit.internal_error");
  assert.equal(await refusal(writer.send("broken", "b")), "user.unsure");
  assert.equal(await refusal(banned.send("open", 1)), "user.banned");
  await reader.send("open", 1);
  await reader.own();
  assert.equal(await writer.count(), 4);
});

test("a destroyed actor takes its messages with it", async () => {
  const client = connectTo();
  const desk = client.desk.getOrCreate("destroyed");
  const id = await desk.resolve();
  const sent = desk.send("job", { file: "a" }, { wait: true });
  sent.catch(() => {});
  await desk.jobComes();
  await desk.end();
  await assert.rejects(sent);
  await eventually(async () => {
    assert.equal(await refusal(client.desk.getForId(id).send("ping", 1)), "actor.not_found");
  });
  assert.equal(await desk.tryNext(), undefined);
});
