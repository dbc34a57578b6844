/** What an actor does of its own accord: `run`, promises, timers, and how all of that ends. */

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ActorError, type ClientConfig } from "@greenroom/client";
import { asleep, TELLS_SLEEPS } from "../harness/asleep.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/life-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/life-main.js"), env: TELLS_SLEEPS });
});
after(() => server.dispose());

const connectTo = (config: ClientConfig = {}) =>
  createClient<typeof registry>({ endpoint: server.url, ...config });

/** Waits until the server has said something, without calling anybody. */
const said = (line: string, times = 1) =>
  eventually(() => assert.equal(server.stderr.split(`${line}\n`).length - 1, times, line));

test("run begins after the start, is not waited for, and keeps the actor awake", async () => {
  const client = connectTo();
  const worker = client.worker.getOrCreate("awake");
  const first = await worker.steps();
  await delay(400);
  await eventually(async () => assert.ok((await worker.steps()) > first));
  assert.deepEqual(await worker.log(), ["wake", "run 1"]);
  await client.dispose();
});

test("at a sleep, run hears of it first, is waited for, and what it changes then is stored", async () => {
  const client = connectTo();
  const worker = client.worker.getOrCreate("napping");
  await worker.nap();
  const expected = ["wake", "run 1", "abort", "sleep aborted=true", "ran", "wake", "run 2"];
  assert.deepEqual(await worker.log(), expected);
  await client.dispose();
});

for (const how of ["throw", "throw at once", "return"]) {
  test(`a run that ends (${how}) leaves the actor as it is, lets it sleep, and begins again at the next wake`, async () => {
    const client = connectTo();
    const brief = client.brief.getOrCreate(how);
    assert.equal((await brief.counts()).wakes, 1);
    if (how !== "return") await eventually(() => assert.match(server.stderr, /a hook failed.*hook=run/));
    await said(`brief ${how} sleeps`);
    const { runs, wakes, sleeps } = await brief.counts();
    assert.deepEqual([runs, wakes, sleeps], [2, 2, 1]);
    await client.dispose();
  });
}

test("run can put its actor to sleep, and destroy it", async () => {
  const client = connectTo();
  const sleeper = client.brief.getOrCreate("sleep");
  await sleeper.counts();
  await said("brief sleep sleeps");
  assert.equal((await sleeper.counts()).sleeps, 1);
  const destroyer = client.brief.getOrCreate("destroy");
  const id = await destroyer.resolve();
  await destroyer.counts();
  await said("brief destroy destroyed");
  await eventually(() => isNotFound(client.brief.getForId(id).counts()));
  await client.dispose();
});

test("a run that was at work when the process was killed goes on in the next one, without a call", async () => {
  const client = connectTo();
  const [worker, resting] = [client.worker.getOrCreate("killed"), client.brief.getOrCreate("return too")];
  const steps = await worker.steps();
  await resting.counts();
  // It has nothing to do.
  await asleep(server, resting);
  await worker.steps();
  await server.kill();
  await server.restart();
  await said("worker killed run 2");
  await eventually(async () => assert.ok((await worker.steps()) > steps));
  assert.deepEqual(await worker.log(), ["wake", "run 1", "wake", "run 2"]);
  await server.kill();
  await server.restart();
  await said("worker killed run 3");
  // Nobody needs the other one.
  assert.equal((await resting.counts()).wakes, 2);
  await client.dispose();
});

test("a run that a graceful shutdown ends goes on in the next process, without a call", async () => {
  const client = connectTo();
  const worker = client.worker.getOrCreate("restarted");
  await worker.steps();
  assert.equal(await server.stop("SIGTERM"), 0);
  await server.restart();
  await said("worker restarted run 2");
  const expected = ["wake", "run 1", "abort", "sleep aborted=true", "ran", "wake", "run 2"];
  assert.deepEqual(await worker.log(), expected);
  await client.dispose();
});

test("an actor that was put to sleep is left alone by the next process", async () => {
  const client = connectTo();
  const [napping, witness] = [client.worker.getOrCreate("left alone"), client.worker.getOrCreate("witness")];
  await witness.steps();
  await napping.nap();
  assert.equal(await server.stop("SIGTERM"), 0);
  await server.restart();
  await said("worker witness run 2");
  await witness.steps();
  await server.kill();
  await server.restart();
  await said("worker witness run 3");
  await witness.steps();
  assert.ok(!server.stderr.includes("worker left alone run 2"));
  await client.dispose();
});

test("a run that does not end is left behind after the grace period; who calls meanwhile is served then", async () => {
  const client = connectTo();
  const stubborn = client.stubborn.getOrCreate("s");
  await stubborn.wakes();
  const began = performance.now();
  await stubborn.nap();
  assert.equal(await stubborn.wakes(), 2);
  const took = performance.now() - began;
  assert.ok(took >= 190 && took < 5_000, `${took} ms`);
  assert.match(server.stderr, /before it has finished.*hook=onSleep.*unfinished=run/);
  await stubborn.end();
  await said("stubborn destroyed");
  assert.equal(await stubborn.wakes(), 1);
  await client.dispose();
});

test("a call that does not end is left behind as well, and its caller is told", async () => {
  const client = connectTo({ retryTimeout: 0 });
  const connection = client.stubborn.getOrCreate("hanging").connect();
  const hanging = new Promise((resolve) => connection.on("hanging", () => resolve(undefined)));
  await connection.ready;
  const over = assert.rejects(connection.hang(), (e) => e instanceof ActorError && e.code === "restarting");
  await hanging;
  await connection.nap();
  await over;
  assert.equal(await connection.wakes(), 2);
  assert.match(server.stderr, /unfinished="run, 1 call"/);
  await client.dispose();
});

test("neither does a shutdown wait longer for it, and it goes on in the next process", async () => {
  const client = connectTo();
  const stubborn = client.stubborn.getOrCreate("shut down");
  await stubborn.wakes();
  const began = performance.now();
  assert.equal(await server.stop("SIGTERM"), 0);
  const took = performance.now() - began;
  assert.ok(took >= 190 && took < 5_000, `${took} ms`);
  await server.restart();
  await eventually(async () => assert.equal(await stubborn.wakes(), 2));
  await client.dispose();
});

test("keepAwake gives the value, and the actor does not sleep before", async () => {
  const client = connectTo();
  assert.equal(await client.keeper.getOrCreate("answering").keepAndAnswer(), "the value");
  const keeper = client.keeper.getOrCreate("kept");
  await keeper.keep(300);
  await eventually(async () => assert.ok((await keeper.log()).length > 4), { every: 350 });
  assert.deepEqual((await keeper.log()).slice(0, 4), ["wake", "kept", "value 42", "sleep"]);
  const nested = client.keeper.getOrCreate("kept twice");
  await nested.keepNested();
  await eventually(async () => assert.ok((await nested.log()).length > 3), { every: 450 });
  assert.deepEqual((await nested.log()).slice(0, 3), ["wake", "kept twice", "sleep"]);
  await client.dispose();
});

test("an action in progress keeps the actor awake, and so does a hook about a client that has left", async () => {
  const client = connectTo();
  const slow = client.slow.getOrCreate("s");
  const connection = slow.connect();
  await connection.work(300);
  await connection.dispose();
  await said("slow s is left");
  await asleep(server, slow);
  // On a busy machine it may have slept before the work as well, and before the client was gone.
  const log = await slow.log();
  assert.equal(log[log.indexOf("works") + 1], "worked");
  assert.deepEqual(log.slice(log.indexOf("leaves")), ["leaves", "left", "sleep"]);
  await client.dispose();
});

test("waitUntil does not keep the actor awake, but its end waits, also for what comes up meanwhile", async () => {
  const client = connectTo();
  const keeper = client.keeper.getOrCreate("waiting");
  await keeper.wait();
  await said("keeper waiting sleeps");
  const expected = ["wake", "sleep", "after sleep", "nested", "waited", "wake"];
  assert.deepEqual(await keeper.log(), expected);
  const old = client.keeper.getOrCreate("in background");
  await old.inBackground(10);
  await old.nap();
  assert.ok((await old.log()).includes("ran in background"));
  await client.dispose();
});

test("what is stored at the very end is there after a kill", async () => {
  const client = connectTo();
  const keeper = client.keeper.getOrCreate("stored");
  await keeper.waitAndNap(80);
  const expected = ["wake", "sleep", "after sleep", "nested", "waited", "wake"];
  const log = await keeper.log();
  assert.deepEqual([...log].sort(), [...expected].sort());
  await server.kill();
  await server.restart();
  const stored = await keeper.log();
  assert.deepEqual(stored.slice(0, log.length), log);
  assert.equal(stored.at(-1), "wake");
  await client.dispose();
});

test("rejections and a failing onSleep are logged, and neither block the end nor end the process", async () => {
  const client = connectTo();
  const keeper = client.keeper.getOrCreate("bad sleeper");
  const pid = server.pid;
  await keeper.rejected();
  await eventually(() => assert.match(server.stderr, /hook=waitUntil.*waitUntil was rejected/));
  await eventually(() => assert.match(server.stderr, /hook=keepAwake.*keepAwake was rejected/));
  await keeper.nap();
  // On a busy machine it may have slept before it was asked to.
  assert.deepEqual((await keeper.log()).slice(0, 5), ["wake", "sleep", "after sleep", "nested", "wake"]);
  assert.match(server.stderr, /hook=onSleep.*onSleep has failed/);
  assert.equal(server.pid, pid);
  await client.dispose();
});

test("wrong arguments are refused at once, with what is expected; deprecated names do nothing", async () => {
  const client = connectTo();
  const outcomes = await client.keeper.getOrCreate("mistaken").mistakes();
  const time = (name: string, given: string) =>
    `TypeError: c.${name}(callback, ms): the time has to be a number of milliseconds from 0 to 2147483647, and is \`${given}\``;
  assert.deepEqual(outcomes, [
    "TypeError: c.keepAwake(promise) takes a promise",
    "TypeError: c.keepAwake(promise) takes a promise",
    "TypeError: c.waitUntil(promise) takes a promise",
    "TypeError: c.waitUntil(promise) takes a promise",
    "TypeError: c.setTimeout(callback, ms): the callback has to be a function",
    time("setTimeout", "-1"),
    time("setTimeout", "NaN"),
    time("setInterval", "2147483648"),
    time("setInterval", "10"),
    "accepted",
    "accepted",
    "accepted",
    "false",
  ]);
  await client.dispose();
});

test("onSleep can say and plan things; what comes due meanwhile waits for the next wake", async () => {
  const client = connectTo();
  const ending = client.ending.getOrCreate("e");
  const connection = ending.connect();
  const byes: string[] = [];
  connection.on("bye", (text) => byes.push(text));
  await connection.nap();
  // Due in the middle of `onSleep`, it wakes the actor after it.
  await eventually(async () => assert.ok((await ending.log()).includes("due")));
  assert.deepEqual((await ending.log()).slice(0, 4), ["wake", "slept", "wake", "due"]);
  assert.deepEqual(byes, ["sleeping"]);
  assert.deepEqual(await ending.notes(), ["to myself"]);
  await client.dispose();
});

test("calls that arrive while the actor stops are made after it has woken", async () => {
  const client = connectTo();
  const ending = client.ending.getOrCreate("asked late");
  const connection = ending.connect();
  await connection.ready;
  await ending.nap();
  await Promise.all([ending.add("over HTTP"), connection.add("over the connection")]);
  const log = await ending.log();
  assert.deepEqual(log.slice(0, 3), ["wake", "slept", "wake"]);
  assert.ok(log.includes("over HTTP") && log.includes("over the connection"), log.join());
  const late = client.ending.getOrCreate("asked late").connect();
  assert.deepEqual((await late.log()).slice(0, 3), log.slice(0, 3));
  await client.dispose();
});

for (const when of ["on create", "on wake"]) {
  test(`an actor that is destroyed while it starts (${when}) runs onDestroy`, async () => {
    const client = connectTo();
    const mortal = client.mortal.getOrCreate(when);
    const id = await mortal.resolve();
    await mortal.touch().catch(() => {});
    await said(`mortal ${when} destroyed aborted=true`);
    await eventually(() => isNotFound(client.mortal.getForId(id).touch()));
    await client.dispose();
  });
}

test("an actor whose end was cut short wakes for onDestroy alone", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-run-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const own = await ServerProcess.start({ script: join(DIST, "server/life-main.js") });
  t.after(() => own.dispose());
  const client = createClient<typeof registry>({ endpoint: own.url, retryTimeout: 0 });
  t.after(() => client.dispose());
  const file = join(folder, "has-killed");
  const { ended } = own;
  await client.deadly.getOrCreate(file).end();
  await writeFile(`${file}.acknowledged`, "");
  assert.equal(await ended, null);
  await own.restart();
  await eventually(() => assert.match(own.stderr, /^deadly .* destroyed$/m));
  const said = own.stderr.split("\n").filter((line) => line.startsWith(`deadly ${file}`));
  assert.deepEqual(said, [`deadly ${file} wakes`, `deadly ${file} runs`, `deadly ${file} destroyed`]);
});

test("destroying does not abort the action that does it at once, and ends connections with their hook", async () => {
  const client = connectTo();
  const mortal = client.mortal.getOrCreate("by action");
  const connection = mortal.connect();
  await connection.ready;
  assert.deepEqual(await connection.end(), [false, true]);
  await said("mortal by action destroyed aborted=true");
  await said("mortal by action disconnected 0 true");
  await client.dispose();
});

test("timers of the context fire with their arguments, can be cleared, and are turns of their own", async () => {
  const client = connectTo();
  const clockwork = client.patient.getOrCreate("timers");
  await clockwork.later(20);
  await clockwork.tick(10, 3);
  await eventually(async () => assert.deepEqual(await clockwork.log(), ["once 2"]));
  await eventually(async () => assert.equal(await clockwork.ticks(), 3));
  await server.kill();
  await server.restart();
  assert.deepEqual([await clockwork.log(), await clockwork.ticks()], [["once 2"], 3]);
  await client.dispose();
});

test("timers neither keep the actor awake nor outlive it", async () => {
  const client = connectTo();
  await client.clockwork.getOrCreate("for ever").tickForEver();
  await said("clockwork for ever sleeps");
  const ticks = server.stderr.split("clockwork for ever ticks").length;
  assert.ok(ticks > 1, `${ticks}`);
  await delay(100);
  assert.equal(server.stderr.split("clockwork for ever ticks").length, ticks);
  await client.dispose();
});

test("a timer that fails is logged, and the process goes on", async () => {
  const client = connectTo();
  const clockwork = client.patient.getOrCreate("failing");
  await clockwork.fail();
  await eventually(async () => assert.deepEqual(await clockwork.log(), ["went on"]));
  await eventually(() => assert.match(server.stderr, /hook=setTimeout.*a timer has failed/));
  await eventually(() => assert.match(server.stderr, /hook=setTimeout.*a timer has failed later/));
  await client.dispose();
});

test("crashPolicy: what becomes of an actor that was awake when the process was killed", async () => {
  const client = connectTo();
  const [phoenix, resting] = [client.phoenix.getOrCreate("p"), client.phoenix.getOrCreate("asleep")];
  const [mayfly, sleeping] = [client.mayfly.getOrCreate("m"), client.mayfly.getOrCreate("sleeping")];
  for (const actor of [phoenix, resting, mayfly, sleeping]) await actor.wakes();
  const [gone, kept] = [await mayfly.resolve(), await sleeping.resolve()];
  await resting.nap();
  await sleeping.nap();
  await asleep(server, resting);
  await asleep(server, sleeping);
  for (let write = 0; write < 3; write++) await phoenix.write();
  await server.kill();
  await server.restart();
  await said("phoenix p wake 2");
  await eventually(() => isNotFound(client.mayfly.getForId(gone).wakes()));
  assert.equal(await mayfly.wakes(), 1);
  assert.notEqual(await mayfly.resolve(), gone);
  assert.equal(await client.mayfly.getForId(kept).wakes(), 2);
  assert.ok(!server.stderr.includes("phoenix asleep wake 2"));
  // A shutdown in good order is no crash.
  const [pid] = [await sleeping.resolve()];
  assert.equal(await server.stop("SIGTERM"), 0);
  await server.restart();
  assert.equal(await client.mayfly.getForId(pid).wakes(), 3);
  assert.ok(!server.stderr.includes("phoenix p wake 3"));
  await client.dispose();
});

test("noSleep stays awake, but sleeps when told; options of old do nothing", async () => {
  const client = connectTo();
  const sleepless = client.sleepless.getOrCreate("s");
  await sleepless.sleeps();
  await delay(300);
  assert.equal(await sleepless.sleeps(), 0);
  await sleepless.nap();
  assert.equal(await sleepless.sleeps(), 1);
  await client.dispose();
});

async function isNotFound(call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => error instanceof ActorError && error.code === "not_found");
}
