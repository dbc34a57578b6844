/** The agent's adapter for real models, against a server that speaks their protocol, in one piece and in many. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isActorErrorCode } from "@greenroom/client";
import { chooseModel } from "../../../../examples/ai-agent/dist/model/choose.js";
import type { Output, Turn } from "../../../../examples/ai-agent/dist/model/model.js";
import { openAiModel } from "../../../../examples/ai-agent/dist/model/openai.js";
import type { registry } from "../../../../examples/ai-agent/dist/registry.js";
import { TOOLS } from "../../../../examples/ai-agent/dist/tools/index.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { ROOT } from "../harness/paths.js";
import { type Answering, DONE, delta, Provider, refuses, streams } from "../harness/provider.js";
import { ServerProcess } from "../harness/server.js";

const KEY = "sk-secret-of-the-test";
const QUESTION: readonly Turn[] = [{ role: "user", text: "Hello" }];

async function provide(t: TestContext, ...answers: Answering[]): Promise<Provider> {
  const provider = await Provider.start(...answers);
  t.after(() => provider.stop());
  return provider;
}

const modelOf = ({ url }: { url: string }, patience?: number) =>
  openAiModel({ baseUrl: url, model: "test-model", key: KEY, ...(patience !== undefined && { patience }) });

async function outputs(
  provider: { url: string },
  {
    turns = QUESTION,
    signal = new AbortController().signal,
    patience,
  }: { turns?: readonly Turn[]; signal?: AbortSignal; patience?: number } = {},
): Promise<Output[]> {
  const found: Output[] = [];
  for await (const output of modelOf(provider, patience).stream(turns, TOOLS, signal)) found.push(output);
  return found;
}

/** A conversation of an agent with this provider. */
async function agentOn(t: TestContext, provider: Provider) {
  const server = await ServerProcess.start({
    script: join(ROOT, "examples/ai-agent/dist/server.js"),
    env: { AGENT_BASE_URL: provider.url, AGENT_MODEL: "test-model", AGENT_API_KEY: KEY },
  });
  t.after(async () => {
    await server.dispose();
    assert.ok(!server.stderr.includes(KEY), "the log does not have the key");
  });
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  return client.agent.getOrCreate(["ann", "real"]).connect();
}

const refused = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(isActorErrorCode(error, "user", code), String(error));
  assert.match(error.message, message);
  assert.ok(!error.message.includes(KEY), "the key is nobody's business");
  return true;
};

test("text comes as it is said, however its bytes are cut", async (t) => {
  const events = `: ping\n\n${delta({ role: "assistant", content: "" })}${delta({ content: "Grüße, " })}${delta({ content: "Zoë 🎭" })}${delta({}, "stop")}${DONE}`;
  const whole = await provide(t, streams(events));
  const letters = await provide(t, streams(...events));
  for (const provider of [whole, letters]) {
    assert.deepEqual(await outputs(provider), [
      { kind: "text", text: "Grüße, " },
      { kind: "text", text: "Zoë 🎭" },
    ]);
  }
  const [request] = whole.requests;
  assert.equal(request?.url, "/v1/chat/completions");
  assert.equal(request.authorization, `Bearer ${KEY}`);
  assert.deepEqual([request.body.model, request.body.stream], ["test-model", true]);
  assert.deepEqual(request.body.messages, [{ role: "user", content: "Hello" }]);
  assert.deepEqual(
    request.body.tools.map((tool) => tool.function.name),
    ["calculator", "notes", "clock"],
  );
});

test("bytes of one letter that come apart are put together", async (t) => {
  const bytes = Buffer.from(delta({ content: "é🎭" }) + DONE);
  const provider = await provide(t, async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const byte of bytes) await new Promise((written) => response.write(Buffer.of(byte), written));
    response.end();
  });
  assert.deepEqual(await outputs(provider), [{ kind: "text", text: "é🎭" }]);
});

test("tool calls come in pieces, several at once, and are given when they are whole", async (t) => {
  const call = (index: number, piece: object) => delta({ tool_calls: [{ index, ...piece }] });
  const provider = await provide(
    t,
    streams(
      delta({ role: "assistant", content: null }),
      call(0, { id: "call_a", type: "function", function: { name: "calculator", arguments: "" } }),
      call(0, { function: { arguments: '{"expr' } }),
      call(1, { id: "call_b", type: "function", function: { name: "clock", arguments: "{}" } }),
      call(0, { function: { arguments: 'ession":"6*7"}' } }),
      delta({}, "tool_calls"),
      DONE,
    ),
  );
  const found = await outputs(provider);
  assert.deepEqual(found, [
    { kind: "call", call: { id: "call_a", name: "calculator", input: '{"expression":"6*7"}' } },
    { kind: "call", call: { id: "call_b", name: "clock", input: "{}" } },
  ]);
});

test("calls without ids get some, so that what they come to finds back to them", async (t) => {
  const clock = { function: { name: "clock", arguments: "{}" } };
  const provider = await provide(t, streams(delta({ tool_calls: [clock, clock] }, "tool_calls"), DONE));
  const ids = (await outputs(provider)).map((output) =>
    output.kind === "call" ? output.call.id : undefined,
  );
  assert.equal(new Set(ids).size, 2);
  assert.ok(ids.every(Boolean));
});

test("what the provider refuses has a code of its own, and says what to do", async (t) => {
  const provider = await provide(
    t,
    refuses(401, `{"error":{"message":"bad key ${KEY}"}}`),
    refuses(403, "{}"),
    refuses(429, "{}", { "retry-after": "12" }),
    refuses(429, "{}"),
    refuses(503, "down"),
    refuses(400, `{"error":{"message":"no tools with ${KEY}"}}`),
    refuses(200, '{"choices":[]}'),
  );
  await assert.rejects(outputs(provider), refused("model_unauthorized", /AGENT_API_KEY/));
  await assert.rejects(outputs(provider), refused("model_unauthorized", /AGENT_API_KEY/));
  await assert.rejects(outputs(provider), (error: unknown) => {
    refused("model_busy", /in 12 s/)(error);
    assert.ok(isActorErrorCode(error, "user", "model_busy"));
    assert.deepEqual(error.metadata, { status: 429, retryAfter: 12 });
    return true;
  });
  await assert.rejects(outputs(provider), refused("model_busy", /in a moment/));
  await assert.rejects(outputs(provider), refused("model_unavailable", /503/));
  await assert.rejects(outputs(provider), refused("model_refused", /no tools with …/));
  await assert.rejects(outputs(provider), refused("model_malformed", /address/));
});

test("an answer that ends before its end, or in an error, is no answer", async (t) => {
  const begun = delta({ content: "I was about" });
  const provider = await provide(
    t,
    streams(begun),
    (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(begun, () => response.destroy());
    },
    streams(begun, 'data: {"error":{"message":"overloaded"}}\n\n'),
    streams("data: <html>\n\n"),
    // Some providers forget to say [DONE].
    streams(begun, delta({}, "stop")),
  );
  await assert.rejects(outputs(provider), refused("model_cut_off", /broke off/));
  await assert.rejects(outputs(provider), refused("model_cut_off", /broke off/));
  await assert.rejects(outputs(provider), refused("model_unavailable", /overloaded/));
  await assert.rejects(outputs(provider), refused("model_malformed", /protocol/));
  assert.deepEqual(await outputs(provider), [{ kind: "text", text: "I was about" }]);
});

test("an event that is too long is refused, not collected", async (t) => {
  const provider = await provide(
    t,
    streams("data: ", "x".repeat(600_000), "x".repeat(600_000), "\n\n", DONE),
  );
  await assert.rejects(outputs(provider), refused("model_malformed", /./));
  const more = delta({ tool_calls: [{ index: 0, function: { arguments: "x".repeat(300_000) } }] });
  const calling = await provide(t, streams(more, more, more, more, DONE));
  await assert.rejects(outputs(calling), refused("model_malformed", /too much/));
});

test("nobody there, and nobody who says anything", async (t) => {
  const gone = await Provider.start();
  const { url } = gone;
  gone.stop();
  await assert.rejects(outputs({ url }), refused("model_unavailable", /cannot be reached/));
  const silent = await provide(
    t,
    () => {},
    (response) =>
      void response.writeHead(200, { "content-type": "text/event-stream" }).write(delta({ content: "hm" })),
  );
  await assert.rejects(outputs(silent, { patience: 50 }), refused("model_unavailable", /says nothing/));
  await assert.rejects(outputs(silent, { patience: 50 }), refused("model_unavailable", /says nothing/));
});

test("whoever gives up ends the request", async (t) => {
  const provider = await provide(t, (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(delta({ content: "and another thing" }));
  });
  const controller = new AbortController();
  const reason = new Error("enough");
  await assert.rejects(
    (async () => {
      for await (const _ of modelOf(provider).stream(QUESTION, TOOLS, controller.signal))
        controller.abort(reason);
    })(),
    (error) => error === reason,
  );
  await eventually(() => assert.equal(provider.abandoned, 1));
});

test("what the environment says wrong is said before anything is served", () => {
  assert.equal(chooseModel({}).name, "greenroom-fake-1");
  const AGENT_BASE_URL = "https://models.example/v1";
  assert.equal(chooseModel({ AGENT_BASE_URL, AGENT_MODEL: "large" }).name, "large");
  assert.throws(() => chooseModel({ AGENT_API_KEY: KEY }), /AGENT_BASE_URL is missing/);
  assert.throws(() => chooseModel({ AGENT_BASE_URL }), /AGENT_MODEL is missing/);
  assert.throws(
    () => chooseModel({ AGENT_BASE_URL: "models.example", AGENT_MODEL: "large" }),
    /AGENT_BASE_URL is/,
  );
  assert.throws(() => chooseModel({ AGENT_PAUSE: "soon" }), /AGENT_PAUSE/);
});

test("a model that comes to no end is ended, and the conversation can still be read", async (t) => {
  const words = delta({ content: "blah ".repeat(1_000) });
  const again = delta({ tool_calls: [{ index: 0, id: "c", function: { name: "clock", arguments: "{}" } }] });
  const rounds = Array.from({ length: 8 }, () => streams(again, DONE));
  const answers = Array.from({ length: 5 }, () => streams(...Array(11).fill(words), DONE));
  const endless: Answering = async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    while (!response.destroyed) await new Promise((written) => response.write(words, written));
  };
  const provider = await provide(t, endless, ...rounds, ...answers);
  const agent = await agentOn(t, provider);
  const ends = async (id: string) => {
    for await (const _ of agent.ask(id, "Go on for ever"));
  };
  await assert.rejects(ends("q1"), refused("model_endless", /60000 characters/));
  await eventually(() => assert.equal(provider.abandoned, 1));
  await assert.rejects(ends("q2"), refused("model_endless", /8 rounds/));
  for (const id of ["q3", "q4", "q5", "q6", "q7"]) await ends(id);
  const { messages } = await agent.read();
  const last = messages.at(-1);
  assert.ok(last?.role === "assistant" && last.status === "done");
  // As much as fits: the latest, and not half of one.
  assert.deepEqual(
    messages.map(({ role }) => role),
    ["user", "assistant", "user", "assistant", "user", "assistant"],
  );
});

test("the whole agent on a provider: a tool call, its result, an answer, then a refusal that everybody sees", async (t) => {
  const provider = await provide(
    t,
    streams(
      delta({ content: "Let me see. " }),
      delta({
        tool_calls: [{ index: 0, id: "c1", function: { name: "calculator", arguments: '{"expression":' } }],
      }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '"6*7"}' } }] }, "tool_calls"),
      DONE,
    ),
    streams(delta({ content: "It is 42." }, "stop"), DONE),
    refuses(429, "{}", { "retry-after": "3" }),
  );
  const agent = await agentOn(t, provider);
  let said = "";
  for await (const { text } of agent.ask("q1", "What is six times seven?")) said += text;
  assert.equal(said, "Let me see. It is 42.");
  const [, second] = provider.requests;
  assert.deepEqual(
    second?.body.messages.map(({ role, content, tool_call_id }) => [role, content, tool_call_id]).slice(1),
    [
      ["user", "What is six times seven?", undefined],
      ["assistant", "Let me see. ", undefined],
      ["tool", "42", "c1"],
    ],
  );
  assert.equal(second?.body.messages[2]?.tool_calls?.[0]?.id, "c1");

  await assert.rejects(
    async () => {
      for await (const _ of agent.ask("q2", "And eight?"));
    },
    (error: unknown) => isActorErrorCode(error, "user", "model_busy"),
  );
  const { messages, model } = await agent.read();
  const last = messages.at(-1);
  assert.ok(last?.role === "assistant");
  assert.deepEqual([last.status, last.problem?.code, model], ["failed", "model_busy", "test-model"]);
});
