import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { actor, UserError } from "../../dist/index.js";
import { Stage } from "./support/stage.js";

/** Notes what happens to connections. `pause` makes the hooks asynchronous. */
function gate(order: string[], pause: () => Promise<unknown> | undefined) {
  return actor({
    state: { n: 0 },
    onBeforeConnect: async (_c, params: { name: string; refuse?: string }) => {
      order.push(`before ${params.name}`);
      await pause();
      if (params.refuse === "before") throw new UserError("not you", { code: "banned" });
    },
    createConnState: async (_c, params) => {
      order.push(`state ${params.name}`);
      await pause();
      if (params.refuse === "state") throw new Error("broken");
      return { name: params.name, calls: 0 };
    },
    onConnect: async (c, conn) => {
      order.push(`connect ${conn.state.name} listed ${c.conns.has(conn.id)}`);
      conn.send("welcome", conn.state.name);
      await pause();
      if (conn.params.refuse === "connect") throw new Error("broken");
    },
    onDisconnect: (c, conn) => {
      order.push(`disconnect ${conn.state.name} listed ${c.conns.has(conn.id)}`);
    },
    actions: {
      who(c) {
        order.push(`call ${c.conn.state.name}`);
        c.conn.state.calls++;
        return { id: c.conn.id, listed: c.conns.has(c.conn.id), count: c.conns.size };
      },
    },
  });
}

for (const [kind, pause] of [
  ["immediate", () => undefined],
  ["slow", () => sleep(1)],
] as const) {
  test(`a connection goes through its hooks in order (${kind})`, async () => {
    const order: string[] = [];
    const stage = await new Stage(gate(order, pause)).started();
    stage.core.connect(1, 7, { name: "ann" });
    await stage.run();
    await stage.until((output) => output.kind === "event");
    assert.deepEqual(order, ["before ann", "state ann", "connect ann listed true"]);
    assert.deepEqual(stage.outputs, [
      { kind: "accept", conn: 7 },
      { kind: "event", conn: 7, name: "welcome", args: ["ann"] },
      { kind: "connState", conn: 7, state: { name: "ann", calls: 0 } },
    ]);
    stage.forget();
    stage.core.call(1, 1, "who", [], { conn: 7 });
    await stage.run();
    assert.deepEqual(stage.outputs, [
      { kind: "reply", call: 1, value: { id: "conn-7", listed: true, count: 1 } },
      { kind: "connState", conn: 7, state: { name: "ann", calls: 1 } },
    ]);
    stage.core.disconnect(1, 7).call(1, 2, "who", [], { conn: 7 });
    await stage.run();
    assert.equal(stage.outputs.at(-1)?.kind, "replyError");
  });

  test(`a refused connection is told why and never disconnects (${kind})`, async () => {
    const order: string[] = [];
    const stage = await new Stage(gate(order, pause)).started();
    stage.core.connect(1, 1, { name: "bob", refuse: "before" });
    await stage.run();
    assert.deepEqual(stage.outputs, [
      { kind: "reject", conn: 1, error: { group: "user", code: "banned", message: "not you" } },
    ]);
    stage.forget();
    stage.core.connect(1, 2, { name: "eve", refuse: "state" });
    const rejected = (await stage.run()).flatMap((turn) => turn.outputs)[0];
    assert.ok(rejected?.kind === "reject");
    assert.equal(rejected.error.message, "An internal error occurred");
    stage.core
      .disconnect(1, 1)
      .disconnect(1, 2)
      .call(1, 1, "who", [], { params: { name: "x" } });
    await stage.until((output) => output.kind === "reply");
    assert.ok(!order.some((line) => /^(connect|disconnect) (bob|eve)/.test(line)));
  });

  test(`an error in onConnect drops the client (${kind})`, async () => {
    const order: string[] = [];
    const stage = await new Stage(gate(order, pause)).started();
    stage.core.connect(1, 1, { name: "bob", refuse: "connect" });
    await stage.run();
    await stage.until((output) => output.kind === "disconnect");
    assert.equal(stage.outputs[0]?.kind, "accept");
    assert.match(stage.logs.join("\n"), /hook=onConnect/);
    stage.core.disconnect(1, 1).call(1, 1, "who", [], { params: { name: "x" } });
    await stage.until((output) => output.kind === "reply");
    assert.ok(order.includes("disconnect bob listed false"));
  });

  test(`a stateless call goes through the same hooks, unlisted (${kind})`, async () => {
    const order: string[] = [];
    const stage = await new Stage(gate(order, pause)).started();
    stage.core.call(1, 1, "who", [], { params: { name: "cy" } });
    const reply = await stage.run().then(() => stage.until((output) => output.kind === "reply"));
    assert.deepEqual(order, [
      "before cy",
      "state cy",
      "connect cy listed false",
      "call cy",
      "disconnect cy listed false",
    ]);
    assert.equal(((reply as { value?: unknown }).value as { count: number }).count, 0);
    assert.ok(!stage.outputs.some((output) => output.kind === "event" || output.kind === "connState"));
    stage.core.call(1, 2, "who", [], { params: { name: "di", refuse: "before" } });
    const refused = await stage.run().then(() => stage.until((o) => o.kind === "replyError"));
    assert.equal((refused as { error?: { code: string } }).error?.code, "banned");
    assert.ok(!order.includes("call di") && !order.includes("disconnect di listed false"));
  });
}

test("a client that leaves while the actor decides is neither admitted nor disconnected", async () => {
  let admit = (): void => {};
  const stage = await new Stage(
    actor({
      onBeforeConnect: () => new Promise<void>((resolve) => (admit = resolve)),
      onConnect: () => assert.fail("it is gone"),
      onDisconnect: () => assert.fail("it never was"),
      actions: { count: (c) => c.conns.size },
    }),
  ).started();
  stage.core.connect(1, 1);
  stage.host.wake();
  stage.core.disconnect(1, 1);
  stage.host.wake();
  admit();
  await sleep(1);
  assert.deepEqual(stage.outputs, []);
});

test("onDisconnect waits for onConnect", async () => {
  const order: string[] = [];
  let proceed = (): void => {};
  const stage = await new Stage(
    actor({
      onConnect: async () => {
        await new Promise<void>((resolve) => (proceed = resolve));
        order.push("connected");
      },
      onDisconnect: (c) => {
        order.push("disconnected");
        c.broadcast("left");
      },
      actions: {},
    }),
  ).started();
  stage.core.connect(1, 1);
  await stage.run();
  stage.core.disconnect(1, 1);
  stage.host.wake();
  assert.deepEqual(order, []);
  proceed();
  await stage.until((output) => output.kind === "event");
  assert.deepEqual(order, ["connected", "disconnected"]);
});

test("hooks of connections have deadlines", async () => {
  const never = (): Promise<never> => new Promise(() => {});
  const options = { onBeforeConnectTimeout: 3, createConnStateTimeout: 4, onConnectTimeout: 5 };
  for (const [definition, outcome, message] of [
    [
      actor({ onBeforeConnect: never, options, actions: {} }),
      "reject",
      /onBeforeConnect took longer than 3 ms/,
    ],
    [
      actor({ createConnState: never, options, actions: {} }),
      "reject",
      /createConnState took longer than 4 ms/,
    ],
    [actor({ onConnect: never, options, actions: {} }), "disconnect", /onConnect took longer than 5 ms/],
  ] as const) {
    const stage = await new Stage(definition).started();
    stage.core.connect(1, 1);
    stage.host.wake();
    await stage.until((output) => output.kind === outcome);
    assert.match(stage.logs.join("\n"), message);
  }
});

test("a constant connection state is copied, tracked, and restored after sleep", async () => {
  const definition = actor({
    connState: { seen: [0] },
    actions: {
      see: (c) => c.conn.state.seen.push(1),
      all: (c) => [...c.conns.values()].map((conn) => [conn.id, conn.params, conn.state.seen.length]),
      replace(c) {
        c.conn.state = { seen: [] };
      },
      wrong(c) {
        (c.conn.state as { seen: unknown }).seen = () => 1;
      },
    },
  });
  const stage = await new Stage(definition).started({
    state: 0,
    created: false,
    conns: [{ conn: 3, id: "old", params: { p: 1 }, state: { seen: [1, 2, 3] } }],
  });
  stage.core.connect(1, 4, "new");
  await stage.run();
  stage.core.call(1, 1, "see", [], { conn: 3 }).call(1, 2, "all", []).call(1, 3, "see", []);
  await stage.run();
  assert.deepEqual(stage.outputs.slice(-4), [
    { kind: "reply", call: 1, value: 4 },
    {
      kind: "reply",
      call: 2,
      value: [
        ["old", { p: 1 }, 4],
        ["conn-4", "new", 1],
      ],
    },
    { kind: "reply", call: 3, value: 2 },
    { kind: "connState", conn: 3, state: { seen: [1, 2, 3, 1] } },
  ]);
  stage.forget();
  stage.core.call(1, 1, "replace", [], { conn: 4 });
  await stage.run();
  assert.deepEqual(stage.outputs.at(-1), { kind: "connState", conn: 4, state: { seen: [] } });
  stage.core.call(1, 2, "wrong", [], { conn: 4 });
  await stage.run();
  assert.match(stage.logs.join("\n"), /conn\.state\.seen/);
});

test("sends and disconnects reach one connection; those of a stateless call nobody", async () => {
  const stage = await new Stage(
    actor({
      actions: {
        poke(c) {
          c.conn.send("poke", 1);
          void c.conn.disconnect("enough");
          const { conn } = c;
          return [conn.isHibernatable, conn.params, conn === c.conn];
        },
      },
    }),
  ).started();
  stage.core.connect(1, 1).call(1, 1, "poke", [], { conn: 1 }).call(1, 2, "poke", [], { params: "p" });
  await stage.run();
  assert.deepEqual(stage.outputs, [
    { kind: "accept", conn: 1 },
    { kind: "event", conn: 1, name: "poke", args: [1] },
    { kind: "disconnect", conn: 1, reason: "enough" },
    { kind: "reply", call: 1, value: [true, undefined, true] },
    { kind: "reply", call: 2, value: [false, "p", true] },
  ]);
});

test("a hook that misses the params that were not sent has a hint in the log", async () => {
  const stage = await new Stage(
    actor({
      onBeforeConnect: (c, params: { token: string }) => {
        if (c.key[0] !== "") params.token.trim();
      },
      actions: { act: () => 1 },
    }),
  ).started({ key: ["a"] });
  const outcome = await stage.call("act");
  assert.equal(outcome.kind, "replyError");
  assert.match(stage.logs.join("\n"), /a connection failed that has no params.*\{ params \}/);
  assert.match(
    stage.logs.join("\n"),
    /masked for the caller \(throw a UserError to let its message through\)/,
  );
});
