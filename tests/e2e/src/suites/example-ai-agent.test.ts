/** The agent over sockets: tools, memory, streams, stopping, errors of the model, and what a kill leaves. Also on Bun. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ActorError, isActorErrorCode } from "@greenroom/client";
import type { Conversation } from "../../../../examples/ai-agent/dist/agent.js";
import type { Answer, Message, Piece } from "../../../../examples/ai-agent/dist/messages.js";
import type { registry } from "../../../../examples/ai-agent/dist/registry.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { ROOT } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

const SCRIPT = join(ROOT, "examples/ai-agent/dist/server.js");

/** A server whose fake model takes `pause` milliseconds for a word. */
async function serve(t: TestContext, pause = 0): Promise<ServerProcess> {
  const server = await ServerProcess.start({ script: SCRIPT, env: { AGENT_PAUSE: String(pause) } });
  t.after(() => server.dispose());
  return server;
}

function connect(t: TestContext, server: ServerProcess) {
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  return client;
}

/** Asks, and gives all that is streamed. */
async function ask(
  agent: { ask(id: string, text: string): AsyncIterable<Piece> },
  text: string,
): Promise<string> {
  let said = "";
  for await (const piece of agent.ask(crypto.randomUUID(), text)) said += piece.text;
  return said;
}

function lastAnswer({ messages }: Conversation): Answer {
  const last: Message | undefined = messages.at(-1);
  assert.ok(last?.role === "assistant");
  return last;
}

const written = (answer: Answer) =>
  answer.parts.map((part) => (part.kind === "text" ? part.pieces.join("") : "")).join("");
const refused = (code: string) => (error: unknown) => isActorErrorCode(error, "user", code);

test("plain sentences call tools, and what they give is in the answer", async (t) => {
  const agent = connect(t, await serve(t))
    .agent.getOrCreate(["ann", "tools"])
    .connect();
  assert.match(await ask(agent, "What is 17% of 2,340?"), /\*\*397\.8\*\*/);
  assert.match(
    await ask(agent, "What is (12.5 + 3) * 2 ^ 8 and what time is it in Tokyo?"),
    /\*\*3,968\*\*.*Tokyo/s,
  );
  assert.match(await ask(agent, "Remember to water the plants."), /1\. water the plants/);
  assert.match(await ask(agent, "Add milk to my list"), /2\. milk/);
  assert.match(await ask(agent, "remove note 1"), /1\. milk/);
  assert.match(await ask(agent, "what is 1 divided by 0?"), /division by zero/);
  const conversation = await agent.read();
  assert.deepEqual(conversation.notes, ["milk"]);
  const tools = conversation.messages.flatMap((message) =>
    message.role === "assistant" ? message.parts.flatMap((part) => (part.kind === "tool" ? [part] : [])) : [],
  );
  assert.deepEqual(
    tools.map(({ tool, output }) => [tool, output?.isError]),
    [
      ["calculator", false],
      ["calculator", false],
      ["clock", false],
      ["notes", false],
      ["notes", false],
      ["notes", false],
      ["calculator", true],
    ],
  );
});

test("what was said is remembered, by the conversation that it was said in and by no other", async (t) => {
  const client = connect(t, await serve(t));
  const first = client.agent.getOrCreate(["ann", "first"]);
  await ask(first, "Hi, my name is Zoë");
  assert.match(await ask(first, "What is my name?"), /\*\*Zoë\*\*/);
  assert.match(await ask(client.agent.getOrCreate(["ann", "second"]), "What is my name?"), /not told me/);
  // The desk hears of it in the background.
  await eventually(async () => {
    const entries = await client.desk.getOrCreate(["ann"]).list();
    const titles = entries.map(({ id, title }) => `${id}: ${title}`).sort();
    assert.deepEqual(titles, ["first: Hi, my name is Zoë", "second: What is my name?"]);
  });
});

test("the one who asks reads a stream, others hear events, and both get every word once", async (t) => {
  const client = connect(t, await serve(t));
  const asker = client.agent.getOrCreate(["ann", "both"]).connect();
  const other = client.agent.getOrCreate(["ann", "both"]).connect();
  const events = { asker: 0, other: "" };
  asker.on("piece", () => void events.asker++);
  other.on("piece", ({ text }) => {
    events.other += text;
  });
  await Promise.all([asker.ready, other.ready]);
  const streamed = await ask(asker, "Count to 40");
  assert.equal(streamed, `${Array.from({ length: 40 }, (_, n) => n + 1).join(", ")}. Done.`);
  await eventually(() => assert.equal(events.other, streamed));
  assert.equal(events.asker, 0);
  assert.equal(written(lastAnswer(await other.read())), streamed);
});

test("giving up the call stops the model, and stop does so from another window", async (t) => {
  const client = connect(t, await serve(t, 20));
  const agent = client.agent.getOrCreate(["ann", "stop"]).connect();
  const controller = new AbortController();
  const stream = await agent.action({
    name: "ask",
    args: ["q-1", "Count to 500"],
    signal: controller.signal,
  });
  await assert.rejects(
    (async () => {
      for await (const _ of stream) controller.abort();
    })(),
    (error: unknown) => isActorErrorCode(error, "actor", "aborted"),
  );
  await eventually(async () => assert.equal(lastAnswer(await agent.read()).status, "stopped"));

  const other = client.agent.getOrCreate(["ann", "stop"]).connect();
  let pieces = 0;
  for await (const _ of agent.ask("q-2", "Count to 500"))
    if (++pieces === 3) assert.equal(await other.stop(), true);
  assert.ok(pieces < 500);
  assert.equal(lastAnswer(await agent.read()).status, "stopped");
  assert.equal(await other.stop(), false);
  assert.match(await ask(agent, "What is 2 + 2?"), /\*\*4\*\*/);
});

test("who goes away has not said stop: the answer goes on, and can be read and followed from anew", async (t) => {
  const server = await serve(t, 20);
  const leaving = createClient<typeof registry>(server.url);
  const stream = leaving.agent.getOrCreate(["ann", "reload"]).connect().ask("q", "Count to 250");
  await assert.rejects(
    (async () => {
      for await (const { index } of stream) if (index === 3) await leaving.dispose();
    })(),
    (error: unknown) => isActorErrorCode(error, "client", "connection_disposed"),
  );
  const agent = connect(t, server).agent.getOrCreate(["ann", "reload"]).connect();
  const under = lastAnswer(await agent.read());
  assert.equal(under.status, "streaming");
  let said = "";
  // The same question again is the same answer, from its first word on.
  for await (const piece of agent.ask("q", "Count to 250")) said += piece.text;
  const answer = lastAnswer(await agent.read());
  assert.deepEqual([answer.id, answer.status, written(answer)], [under.id, "done", said]);
  assert.match(said, /^1, 2, .* 249, 250\. Done\.$/);
});

test("a kill between answers takes nothing; one in the middle leaves what was said, to be tried again", async (t) => {
  const server = await serve(t, 20);
  const client = connect(t, server);
  const agent = client.agent.getOrCreate(["ann", "killed"]).connect();
  await ask(agent, "My name is Ann. Remember to buy bread.");
  const before = await agent.read();
  await server.kill();
  await server.restart();
  assert.deepEqual(await client.agent.getOrCreate(["ann", "killed"]).read(), before);

  // At the first word, and later.
  let earlier = "";
  for (const last of [0, 6, 25]) {
    const heard: string[] = [];
    const answering = earlier === "" ? agent.ask("q", "Count to 500") : agent.retry();
    await assert.rejects(
      (async () => {
        for await (const { text, index } of answering) {
          heard.push(text);
          if (index === last) await server.kill();
        }
      })(),
      (error: ActorError) => error.group === "client",
    );
    await server.restart();
    const { messages } = await agent.read();
    const interrupted = messages.at(-1);
    assert.ok(interrupted?.role === "assistant" && interrupted.status === "interrupted");
    assert.ok(written(interrupted).startsWith(heard.join("")), "what was heard is there");
    assert.ok(heard.length > last);
    assert.equal(messages.length, before.messages.length + 2, "each attempt makes room for the next");
    assert.notEqual(interrupted.id, earlier);
    earlier = interrupted.id;
  }

  let again = "";
  for await (const piece of agent.retry()) {
    again += piece.text;
    if (piece.index === 20) await agent.stop();
  }
  const stopped = lastAnswer(await agent.read());
  assert.equal(stopped.status, "stopped");
  assert.equal(written(stopped), again);
});

test("a shutdown in good order marks the answer under way as interrupted", async (t) => {
  const server = await serve(t, 20);
  const agent = connect(t, server).agent.getOrCreate(["ann", "shutdown"]).connect();
  await assert.rejects(
    (async () => {
      for await (const { index } of agent.ask("q", "Count to 500"))
        if (index === 5) process.kill(server.pid ?? assert.fail("it runs"), "SIGTERM");
    })(),
    refused("interrupted"),
  );
  await server.stop("SIGTERM");
  await server.restart();
  assert.equal(lastAnswer(await agent.read()).status, "interrupted");
});

test("questions that make no sense are refused, and so is a second one at a time", async (t) => {
  const server = await serve(t, 20);
  const client = connect(t, server);
  const agent = client.agent.getOrCreate(["ann", "refusals"]).connect();
  await assert.rejects(ask(agent, "  "), refused("question_empty"));
  await assert.rejects(ask(agent, "x".repeat(4_001)), refused("question_too_long"));
  await assert.rejects(async () => {
    for await (const _ of agent.ask("no id", "Hello"));
  }, refused("id_invalid"));
  await assert.rejects(async () => {
    for await (const _ of agent.retry());
  }, refused("nothing_to_retry"));
  await assert.rejects(client.agent.getOrCreate("no desk").read(), refused("name_invalid"));
  await assert.rejects(client.desk.getOrCreate(["ann"]).remove("nothing"), refused("no_such_conversation"));
  assert.deepEqual((await agent.read()).messages, []);
  for await (const { index } of agent.ask("q", "Count to 500")) {
    if (index !== 2) continue;
    await assert.rejects(ask(agent, "And now?"), refused("busy"));
    break;
  }
  await eventually(async () => assert.equal(lastAnswer(await agent.read()).status, "stopped"));
});

test("a conversation that is removed is gone from its desk, and empty", async (t) => {
  const client = connect(t, await serve(t));
  const agent = client.agent.getOrCreate(["ann", "gone"]);
  await ask(agent, "Remember the milk");
  const desk = client.desk.getOrCreate(["ann"]).connect();
  await eventually(async () => assert.equal((await desk.list()).length, 1));
  const heard = new Promise((resolve) => desk.on("entries", resolve));
  await desk.ready;
  await desk.remove("gone");
  assert.deepEqual(await heard, []);
  assert.deepEqual(await desk.list(), []);
  const { messages, notes } = await agent.read();
  assert.deepEqual([messages, notes], [[], []]);
});
