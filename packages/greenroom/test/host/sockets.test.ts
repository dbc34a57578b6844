import assert from "node:assert/strict";
import { test } from "node:test";
import { actor } from "../../dist/index.js";
import type { Output, WireRequest } from "./support/core.js";
import { Stage } from "./support/stage.js";

const REQUEST: WireRequest = ["GET", "http://a.test/websocket/room?x", []];

const isKind = (kind: Output["kind"]) => (output: Output) => output.kind === kind;

/** What a stage put out, without what only says that the actor is busy. */
function shown(stage: Stage): Output[] {
  return stage.outputs.filter(({ kind }) => kind !== "awake");
}

test("a socket is accepted, opened, and its messages are acknowledged with what they lead to", async () => {
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      onWebSocket: (c, socket) => {
        socket.onopen = () => socket.send(`${c.request.url} ${socket.url}`);
        socket.onmessage = ({ data }) => {
          c.state.n++;
          socket.send(data);
        };
      },
    }),
  ).started();
  stage.core
    .socketConnect(1, 3, REQUEST)
    .socketMessage(1, 3, "hi")
    .socketMessage(1, 3, new Uint8Array([1, 2]));
  const turns = await stage.run();
  assert.equal(turns.length, 1);
  assert.deepEqual(shown(stage), [
    { kind: "acceptSocket", conn: 3, hibernates: false },
    {
      kind: "socketSend",
      conn: 3,
      data: "http://a.test/websocket/room?x ws://a.test/websocket/room?x",
    },
    { kind: "socketSend", conn: 3, data: "hi" },
    { kind: "socketHandled", conn: 3, count: 1 },
    { kind: "socketSend", conn: 3, data: new Uint8Array([1, 2]) },
    { kind: "socketHandled", conn: 3, count: 1 },
  ]);
});

test("messages count as handled in order, once their asynchronous listeners are done", async () => {
  const done: (() => void)[] = [];
  const stage = await new Stage(
    actor({
      onWebSocket: (_c, socket) => {
        socket.addEventListener("message", () => new Promise<void>((resolve) => done.push(resolve)));
      },
    }),
  ).started();
  stage.core.socketConnect(1, 3, REQUEST);
  for (const text of ["a", "b", "c"]) stage.core.socketMessage(1, 3, text);
  await stage.until(isKind("acceptSocket"));
  assert.equal(done.length, 3);
  done[1]?.();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(stage.outputs.some(isKind("socketHandled")), false);
  done[0]?.();
  assert.deepEqual(await stage.until(isKind("socketHandled")), { kind: "socketHandled", conn: 3, count: 2 });
  done[2]?.();
  await stage.until((output) => output.kind === "socketHandled" && output.count === 1);
});

test("messages wait for a handler that takes its time", async () => {
  const heard: unknown[] = [];
  let ready: () => void = () => {};
  const stage = await new Stage(
    actor({
      onWebSocket: async (_c, socket) => {
        await new Promise<void>((resolve) => {
          ready = resolve;
        });
        socket.onmessage = ({ data }) => void heard.push(data);
      },
    }),
  ).started();
  stage.core.socketConnect(1, 3, REQUEST).socketMessage(1, 3, "early");
  await stage.until(isKind("acceptSocket"));
  assert.deepEqual(heard, []);
  ready();
  await stage.until(isKind("socketHandled"));
  assert.deepEqual(heard, ["early"]);
});

test("a socket that outlived the last instance comes back without being opened again", async () => {
  const log: string[] = [];
  const stage = new Stage(
    actor({
      connState: { name: "" },
      onWake: (c) => void log.push(`wake ${c.conns.size}`),
      onWebSocket: (c, socket) => {
        log.push(`handler ${c.conn.state.name} ${c.conn.isHibernatable}`);
        socket.onopen = () => log.push("open");
        socket.onmessage = ({ data }) => log.push(`message ${String(data)}`);
        socket.onclose = ({ code, reason, wasClean }) => log.push(`close ${code} ${reason} ${wasClean}`);
      },
      onDisconnect: () => void log.push("disconnect"),
      options: { canHibernateWebSocket: true },
    }),
  );
  await stage.started({
    created: false,
    conns: [{ conn: 3, id: "c", state: { name: "ann" }, request: REQUEST }],
  });
  assert.deepEqual(log, ["wake 1", "handler ann true"]);
  stage.core.socketMessage(1, 3, "again").socketClosed(1, 3, 4001, "bye");
  await stage.until(isKind("socketHandled"));
  assert.deepEqual(log.slice(2), ["message again", "close 4001 bye true", "disconnect"]);
});

test("nothing of a sleeping actor is left, whatever sockets it has", async () => {
  const stage = await new Stage(
    actor({ onWebSocket: () => {}, options: { canHibernateWebSocket: true } }),
  ).started();
  stage.core.socketConnect(1, 3, REQUEST).connect(1, 4);
  assert.deepEqual(await stage.until(isKind("acceptSocket")), {
    kind: "acceptSocket",
    conn: 3,
    hibernates: true,
  });
  assert.equal(stage.host.size, 1);
  stage.core.stop(1, "sleep");
  await stage.until(isKind("stopped"));
  assert.equal(stage.host.size, 0);
});

test("an actor that sleeps ends the sockets that keep it awake, one that is destroyed all", async () => {
  for (const [reason, hibernates, expected] of [
    ["sleep", false, ["close 1001 ws.going_away", "disconnect"]],
    ["sleep", true, []],
    ["destroy", true, ["close 1000 ", "disconnect"]],
  ] as const) {
    const log: string[] = [];
    const stage = await new Stage(
      actor({
        onWebSocket: (_c, socket) => {
          socket.onclose = ({ code, reason }) => log.push(`close ${code} ${reason}`);
        },
        onDisconnect: () => void log.push("disconnect"),
        options: { canHibernateWebSocket: () => hibernates },
      }),
    ).started();
    stage.core.socketConnect(1, 3, REQUEST);
    await stage.until(isKind("acceptSocket"));
    stage.core.stop(1, reason);
    await stage.until(isKind("stopped"));
    assert.deepEqual(log, expected);
  }
});

test("listeners can be removed, told once, be objects, and end with a signal", async () => {
  const log: string[] = [];
  const stage = await new Stage(
    actor({
      onWebSocket: (_c, socket) => {
        const removed = () => log.push("removed");
        const over = new AbortController();
        socket.addEventListener("message", removed);
        socket.removeEventListener("message", removed);
        socket.addEventListener("message", () => log.push("once"), { once: true });
        socket.addEventListener("message", {
          handleEvent: ({ target }) => log.push(`object ${target === socket}`),
        });
        socket.addEventListener("message", () => log.push("signal"), { signal: over.signal });
        socket.onmessage = () => {
          log.push("handler");
          over.abort();
        };
      },
    }),
  ).started();
  stage.core.socketConnect(1, 3, REQUEST).socketMessage(1, 3, "a").socketMessage(1, 3, "b");
  await stage.until(isKind("socketHandled"));
  assert.deepEqual(log, ["handler", "once", "object true", "signal", "handler", "object true"]);
});
