/** Who hears which event: `canSubscribe`, seen through the client and over the bare protocol. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ActorError } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/guards-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({
    script: join(DIST, "server/guards-main.js"),
    env: { GREENROOM_LOG_LEVEL: "debug" },
  });
});
after(() => server.dispose());

const reader = { params: { role: "reader" } };

/** A connection, and what has happened to it. */
function enter(key: string, params: { readonly params?: { readonly role: string } } = {}, transport?: "sse") {
  const client = createClient<typeof registry>({ endpoint: server.url, ...(transport && { transport }) });
  const board = client.board.getOrCreate(key, params).connect();
  const errors: ActorError[] = [];
  board.onError((error) => errors.push(error));
  return { client, board, errors };
}

for (const transport of [undefined, "sse"] as const) {
  test(`those who may hear an event do, the others are told that they may not (${transport ?? "websocket"})`, async () => {
    const key = `who-${transport}`;
    const ann = enter(key, reader, transport);
    const bob = enter(key, {}, transport);
    const heard: string[] = [];
    ann.board.on("note", (text) => heard.push(`ann: ${text}`));
    bob.board.on("note", (text) => heard.push(`bob: ${text}`));
    bob.board.on("open", (text) => heard.push(`bob: ${text}`));
    await Promise.all([ann.board.ready, bob.board.ready]);
    await eventually(() => assert.equal(bob.errors.length, 1));
    const [error] = bob.errors;
    assert.deepEqual([error?.group, error?.code], ["auth", "forbidden"]);
    assert.match(error?.message ?? "", /`note`/);
    await ann.board.say("note", "psst");
    await bob.board.say("open", "hello");
    await eventually(() => assert.deepEqual(heard, ["ann: psst", "bob: hello"]));
    // The refused one is connected all the same, and the guard was asked once for each of them.
    assert.equal((await bob.board.report()).ofConn, 1);
    assert.equal((await ann.board.report()).ofConn, 1);
    assert.equal(ann.errors.length, 0);
    await Promise.all([ann.client.dispose(), bob.client.dispose()]);
  });
}

test("nothing is heard before the guard has decided, and everything after", async () => {
  const { client, board } = enter("late", reader);
  const heard: string[] = [];
  const asked = new Promise((resolve) => board.once("open", resolve));
  board.on("late", (text) => heard.push(text));
  await asked;
  await board.say("late", "too early");
  await board.decide();
  await board.say("late", "in time");
  await eventually(() => assert.deepEqual(heard, ["in time"]));
  await client.dispose();
});

test("a client that leaves or changes its mind while the guard decides hears nothing", async () => {
  const { client, board } = enter("fickle", reader);
  const heard: string[] = [];
  const asked = new Promise((resolve) => board.once("open", resolve));
  const stop = board.on("late", (text) => heard.push(text));
  const gone = enter("fickle", reader);
  gone.board.on("late", (text) => heard.push(text));
  await asked;
  await eventually(async () => assert.equal((await board.report()).asked, 2));
  stop();
  await gone.client.dispose();
  await board.decide();
  await board.say("late", "nobody is there");
  assert.equal(heard.length, 0);
  // Asking again is another question.
  board.on("late", (text) => heard.push(text));
  await eventually(async () => assert.equal((await board.report()).asked, 3));
  await board.decide();
  await board.say("late", "back again");
  await eventually(() => assert.deepEqual(heard, ["back again"]));
  await client.dispose();
});

test("a subscription outlives the actor's sleep without another question", async () => {
  const { client, board } = enter("sleepy", reader);
  const heard: string[] = [];
  board.on("note", (text) => heard.push(text));
  await board.say("note", "before");
  await board.nap();
  await eventually(async () => assert.ok((await board.report()).woken >= 2));
  await board.say("note", "after");
  await eventually(() => assert.deepEqual(heard, ["before", "after"]));
  assert.equal((await board.report()).ofConn, 1);
  await client.dispose();
});

test("a guarded event wakes a sleeping actor to ask it, another one does not", async () => {
  const { client, board } = enter("asleep", reader);
  const asked = new Promise((resolve) => board.once("open", resolve));
  const id = await client.board.getOrCreate("asleep", reader).resolve();
  await board.nap();
  await eventually(() => assert.match(server.stderr, new RegExp(`actor sleeps.*${id}`)));
  const heard: string[] = [];
  board.on("late", (text) => heard.push(text));
  // The guard says so, and nobody has called anything.
  assert.equal(await asked, "asked");
  await board.decide();
  await board.say("late", "good morning");
  await eventually(() => assert.deepEqual(heard, ["good morning"]));
  await client.dispose();
});

test("whatever a guard does wrong refuses, and only what it says on purpose is told", async () => {
  const { client, board, errors } = enter("odd", reader);
  const heard: string[] = [];
  await board.ready;
  const names = ["odd", "rude", "broken", "hanging"] as const;
  for (const name of names) board.on(name, (text) => heard.push(text));
  await eventually(() => assert.equal(errors.length, names.length));
  const codes = errors.map(({ group, code }) => `${group}.${code}`).sort();
  const masked = "rivetkit.internal_error";
  assert.deepEqual(codes, [masked, masked, masked, "user.rude"]);
  const rude = errors.find(({ code }) => code === "rude");
  assert.deepEqual([rude?.message, rude?.metadata], ["ask nicely", { magic: "please" }]);
  for (const name of names) await board.say(name, "psst");
  assert.equal(heard.length, 0);
  assert.equal(JSON.stringify(errors).includes("a secret"), false);
  assert.match(server.stderr, /'canSubscribe' has to return a boolean, and returned string/);
  assert.match(server.stderr, /a secret of the guard/);
  assert.match(server.stderr, /canSubscribe took longer than 4000 ms/);
  await client.dispose();
});
