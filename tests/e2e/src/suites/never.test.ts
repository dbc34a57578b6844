/** What never comes to its end holds nobody for ever: not its caller, nor sleep, destruction and shutdown. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Client, createClient } from "greenroom/client";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/never-registry.js";

type Api = Client<typeof registry>;
type Handle = ReturnType<Api["stuck"]["getOrCreate"]>;

/** Lets something begin that never ends. Whoever waits for it is told at last, or has an answer at once. */
type Begin = (handle: Handle) => Promise<unknown>;

const timedOut = { group: "actor", code: "action_timed_out" };
const masked = { group: "rivetkit", code: "internal_error" };

async function overSse(handle: Handle): Promise<void> {
  const client = createClient<typeof registry>({ endpoint: server.url, transport: "sse" });
  const connection = client.stuck.getForId(await handle.resolve()).connect();
  try {
    await assert.rejects(connection.wait(), timedOut);
  } finally {
    await client.dispose();
  }
}

async function connected(handle: Handle): Promise<void> {
  const connection = handle.connect();
  await connection.add();
  await connection.dispose();
}

async function overSocket(handle: Handle): Promise<void> {
  const socket = await handle.webSocket();
  socket.send("x");
}

/** What there is, by the first part of the key, and how it begins. */
const KINDS: readonly (readonly [kind: string, begin: Begin, way?: string])[] = [
  ["action", (handle) => assert.rejects(handle.wait(), timedOut), "over HTTP"],
  ["action", (handle) => assert.rejects(handle.connect().wait(), timedOut), "over a WebSocket"],
  ["action", overSse, "over SSE"],
  ["action", (handle) => handle.plan(), "scheduled"],
  [
    "stream",
    (handle) =>
      assert.rejects(async () => {
        for await (const _item of handle.items());
      }, timedOut),
  ],
  ["onRequest", async (handle) => assert.equal((await handle.fetch("/")).status, 408)],
  ["onWebSocket", overSocket],
  ["message of a socket", overSocket],
  ["handler of a queue", (handle) => handle.enqueue()],
  ["run", (handle) => handle.add()],
  ["waitUntil", (handle) => handle.inBackground()],
  ["keepAwake", (handle) => handle.keepAwake()],
  ["onStateChange", (handle) => handle.add()],
  ["onBeforeConnect", (handle) => assert.rejects(handle.add(), masked)],
  ["onConnect", (handle) => assert.rejects(handle.add(), masked)],
  ["onDisconnect", connected],
  ["onSleep", (handle) => handle.add()],
  ["onDestroy", (handle) => handle.add()],
];

let server: ServerProcess;
let client: Api;

before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/never-main.js") });
  client = createClient<typeof registry>(server.url);
});
after(() => client.dispose());

/** Which life an actor is in. Asking wakes it. */
async function lifeOf(id: string): Promise<number> {
  const body = JSON.stringify({ args: [] });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${server.url}/gateway/${id}/action/nothing`, { method: "POST", headers, body });
  return Number(answer.headers.get("x-rivet-actor-generation"));
}

for (const [kind, begin, way = ""] of KINDS) {
  test(`${kind} ${way}: whoever waits is told, the actor can sleep, and be destroyed`, async () => {
    const handle = client.stuck.getOrCreate([kind, way]);
    const id = await handle.resolve();
    await begin(handle);
    const life = await lifeOf(id);
    assert.ok(life > 0);
    const sleep = await fetch(`${server.url}/actors/${id}/sleep`, { method: "POST" });
    assert.equal(sleep.status, 200);
    await eventually(async () => assert.ok((await lifeOf(id)) > life));
    await begin(handle);
    const destroy = await fetch(`${server.url}/actors/${id}`, { method: "DELETE" });
    assert.equal(destroy.status, 200);
    await assert.rejects(client.stuck.getForId(id).add(), { group: "actor", code: "not_found" });
  });
}

test("all of them together do not keep a process from stopping", async () => {
  await Promise.all(
    KINDS.map(([kind, begin, way = ""]) => begin(client.stuck.getOrCreate([kind, way, "last"]))),
  );
  void client.stuck
    .getOrCreate("onWake")
    .add()
    .catch(() => {});
  assert.equal(await server.stop("SIGTERM"), 0);
});
