/** How the parts of an actor go together: what becomes of everything under way when it, or its caller, goes away. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Client } from "@greenroom/client";
import { type ActorError, actor, event, queue, setup } from "../../dist/index.js";
import { setupTest } from "../../dist/test/index.js";

const lives: string[] = [];

const never = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });

/** Takes part in everything. */
const hub = actor({
  state: { n: 0 },
  events: {
    changed: event<number>(),
    guarded: event({ canSubscribe: () => new Promise<boolean>(() => {}) }),
  },
  queues: {
    job: queue<string, number>(),
    mail: queue<string>(),
    slow: queue({ canPublish: () => new Promise<boolean>(() => {}) }),
  },
  onWake: (c): void => void lives.push(`${c.key[0]} wakes`),
  onSleep: (c): void => void lives.push(`${c.key[0]} sleeps`),
  onRequest: async (c, request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (pathname === "/read") return new Response(await request.text());
    if (pathname === "/wait") await never(request.signal);
    if (pathname !== "/stream") return new Response("over");
    return new Response(
      new ReadableStream({
        pull: async (controller) => {
          controller.enqueue(new TextEncoder().encode(`${++c.state.n}\n`));
          if (c.state.n % 3 === 0) await never(request.signal);
          if (request.signal.aborted) controller.close();
        },
      }),
    );
  },
  actions: {
    add: (c, by: number) => {
      c.state.n += by;
      c.broadcast("changed", c.state.n);
      return c.state.n;
    },
    wait: (c) => never(c.abortSignal),
    alone: { concurrency: "exclusive", run: (c) => never(c.abortSignal) },
    receive: async (c) => (await c.queue.next({ names: ["mail"] })).body,
    async *stream(c) {
      for (;;) {
        yield ++c.state.n;
        if (c.state.n % 3 === 0) await never(c.abortSignal);
        if (c.aborted) return;
      }
    },
    takeJob: async (c) => (await c.queue.tryNext({ names: ["job"] }))?.body,
    nap: (c) => c.sleep(),
    end: (c) => c.destroy(),
    async relay(c, key: string, method: "wait"): Promise<unknown> {
      return c.client<typeof registry>().hub.getOrCreate(key)[method]();
    },
  },
});
const registry = setup({ use: { hub }, logging: { level: "silent" } });
type Hub = ReturnType<Client<typeof registry>["hub"]["getOrCreate"]>;

async function outcome(call: PromiseLike<unknown>): Promise<string> {
  try {
    return `gave ${String(await call)}`;
  } catch (error) {
    const { group, code } = error as ActorError;
    return group === undefined ? String(error) : `${group}.${code}`;
  }
}

async function drained(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

function codeOf({ status, headers }: Response): string {
  return headers.get("x-rivet-error") ?? String(status);
}

/** An upload that is half done, and what lets it break off. */
function upload(hub: Hub): { readonly answer: Promise<Response>; readonly fail: () => void } {
  let fail = (): void => {};
  const body = new ReadableStream({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode("half"));
      fail = () => controller.error(new Error("gone"));
    },
  });
  return { answer: hub.fetch("/read", { method: "POST", body }), fail: () => fail() };
}

/** Everything that one can wait for, by name. */
function begin(hub: Hub, options: { signal?: AbortSignal } = {}) {
  const connection = hub.connect();
  const call = (name: "wait" | "alone" | "receive") => hub.action({ name, args: [], ...options });
  return {
    connection,
    calls: {
      wait: call("wait"),
      alone: call("alone"),
      "alone, behind another": call("alone"),
      receive: call("receive"),
      "a call over a connection": connection.action({ name: "wait", args: [], ...options }),
      stream: drained(hub.action({ name: "stream", args: [], ...options }) as AsyncIterable<unknown>),
      "stream over a connection": drained(
        connection.action({ name: "stream", args: [], ...options }) as AsyncIterable<unknown>,
      ),
      "sender of a message": hub.send("job", "x", { wait: true, timeout: 60_000_000, ...options }),
      "undecided sender": hub.send("slow", "x", { wait: true, ...options }),
      request: hub.fetch("/wait", options).then(codeOf),
      response: hub.fetch("/stream", options).then((response) => response.text()),
    },
  };
}

/** What became of each of `calls`. */
async function outcomes(calls: { readonly [name: string]: PromiseLike<unknown> }) {
  const all = Object.entries(calls).map(async ([name, call]) => [name, await outcome(call)] as const);
  return Object.fromEntries(await Promise.all(all));
}

test("a crash is told, as something to try again, to all who wait", async (t: TestContext) => {
  const { client, crash, clock } = await setupTest(t, registry);
  const target = client.hub.getOrCreate("crashed");
  const { connection, calls } = begin(target);
  const { answer } = upload(target);
  const relay = client.hub.getOrCreate("relay");
  const relayed = outcome(relay.relay("crashed", "wait"));
  const found = outcomes(calls);
  await connection.ready;
  await clock.settle();
  await crash(target);
  const expected = Object.keys(calls).map((name) => [name, "actor.restarting"]);
  assert.deepEqual(await found, {
    ...Object.fromEntries(expected),
    request: "gave actor.restarting",
    // It has begun, and breaks off.
    response: "request.broken",
  });
  assert.equal(codeOf(await answer), "actor.restarting");
  // What another actor should try again is an error of the one that did not.
  assert.equal(await relayed, "rivetkit.internal_error");
  // The connection has outlived it.
  assert.ok((await connection.add(1)) > 0);
  await connection.dispose();
});

for (const end of ["nap", "end"] as const) {
  test(`whoever waits for an actor that is told to ${end} is answered`, async (t: TestContext) => {
    const { client, clock } = await setupTest(t, registry);
    const target = client.hub.getOrCreate(end);
    const { connection, calls } = begin(target);
    const { answer, fail } = upload(target);
    const found = outcomes(calls);
    await connection.ready;
    await clock.settle();
    await target[end]();
    fail();
    await answer.catch(() => {});
    await clock.advance(30_000);
    const { response, ...rest } = await found;
    assert.match(String(response), /^gave \d/);
    const gave = "gave undefined";
    assert.deepEqual(rest, {
      wait: gave,
      alone: gave,
      "alone, behind another": gave,
      receive: "actor.aborted",
      "a call over a connection": gave,
      stream: gave,
      "stream over a connection": gave,
      "sender of a message": "queue.completion_waiter_dropped",
      // Its guard has not answered in time.
      "undecided sender": "rivetkit.internal_error",
      request: "gave 200",
    });
    assert.ok((await target.add(1)) > 0);
    await connection.dispose();
  });
}

test("callers that go away leave nothing that keeps the actor awake", async (t: TestContext) => {
  const { client, clock } = await setupTest(t, registry);
  const target = client.hub.getOrCreate("left");
  for (let round = 0; round < 20; round++) {
    const leave = new AbortController();
    const { connection, calls } = begin(target, { signal: leave.signal });
    const found = outcomes(calls);
    const { answer, fail } = upload(target);
    await connection.ready;
    await clock.settle();
    leave.abort();
    fail();
    await assert.rejects(async () => answer);
    await connection.dispose();
    const expected = Object.keys(calls).map((name) => [name, "actor.aborted"]);
    const { response, ...rest } = await found;
    assert.match(String(response), /AbortError/);
    assert.deepEqual({ ...rest, response: "actor.aborted" }, Object.fromEntries(expected));
    // Messages of senders that were let in stay.
    assert.equal(await target.takeJob(), "x");
  }
  lives.length = 0;
  await clock.advance(60_000);
  assert.deepEqual(lives, ["left sleeps"]);
});

test("a caller within an actor that is lost gives up what it has called", async (t: TestContext) => {
  const { client, clock, crash } = await setupTest(t, registry);
  const relay = client.hub.getOrCreate("lost relay");
  const relayed = outcome(relay.relay("called", "wait"));
  await clock.settle();
  await crash(relay);
  assert.equal(await relayed, "actor.restarting");
  lives.length = 0;
  await clock.advance(60_000);
  assert.deepEqual(lives, ["called sleeps"]);
});
