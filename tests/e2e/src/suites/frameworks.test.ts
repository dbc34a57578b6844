/** The examples of web frameworks: each is a real process, used as its users would. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { createClient } from "@greenroom/client";
import { WebSocket } from "ws";
import { eventually } from "../harness/eventually.js";
import { Example, FRAMEWORKS, node, on, run, tool } from "../harness/example.js";
import { hasRuntime, ROOT } from "../harness/paths.js";
import { RawSocket } from "../harness/raw-socket.js";
import type { registry } from "../server/framework-registry.js";

/** Programs of these suites, which are none for users to copy. */
const OURS = "../../tests/e2e";
const EXAMPLES = ["node", "express", "fastify", "hono", "elysia", "fetch", "vite"];

before(async () => {
  // Built in turn: each is a moment, and together they would be in the way of whatever else runs.
  for (const name of EXAMPLES) {
    await run(name, node(join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "."));
  }
});

test("all examples serve the same actors, those that the tests know", async () => {
  const own = await readFile(join(ROOT, "tests/e2e/src/server/framework-registry.ts"), "utf8");
  for (const name of EXAMPLES) {
    assert.equal(await readFile(join(FRAMEWORKS, name, "src/registry.ts"), "utf8"), own, name);
  }
  assert.equal(await readFile(join(FRAMEWORKS, "next/registry.ts"), "utf8"), own);
});

const WITH_SOCKETS = [
  ["node", node("dist/server.js")],
  ["express", node("dist/server.js")],
  ["fastify", node("dist/server.js")],
  ["hono", node("dist/server.js")],
  ["hono", on("bun", "src/bun.ts")],
  ["elysia", on("bun", "src/server.ts")],
  ["fetch", on("bun", "src/server.ts")],
] as const;

for (const [name, command] of WITH_SOCKETS) {
  const runtime = command[0] === process.execPath ? "Node.js" : "Bun";
  test(`${name} on ${runtime}: calls, events, sockets and streams, beside a page of its own`, async (t) => {
    const example = await Example.start(name, () => command);
    t.after(() => example.dispose());
    const use = new Use(t, `${example.url}/api/rivet`);
    assert.equal(await (await fetch(example.url)).text(), "a page of my own\n");
    await use.calls();
    await use.events("websocket");
    await use.sockets();
    await use.streams();
    await use.badInput();
    assert.equal(await example.stop(), 0, example.output);
  });
}

test("Next.js: calls, events and streams through a route, with event streams instead of sockets", async (t) => {
  const next = tool("next/dist/bin/next");
  await run("next", node(next, "build"));
  const example = await Example.start("next", (port) =>
    node(next, "start", "--port", String(port), "--hostname", "127.0.0.1"),
  );
  t.after(() => example.dispose());
  const use = new Use(t, `${example.url}/api/rivet`);
  assert.match(await (await fetch(example.url)).text(), /a page of my own/);
  await use.calls();
  await use.events();
  await use.streams();
  await use.badInput();
  // 143 when Next's own handler of the signal ends first: it tells which signal it was, as shells do.
  const code = await example.stop();
  assert.ok(code === 0 || code === 143, `${code}: ${example.output}`);
});

test("Vite in development: actors through its proxy, beside its own socket", async (t) => {
  const actors = await Example.start("vite", () => node("dist/server.js"), "/health");
  t.after(() => actors.dispose());
  const vite = await Example.start(
    "vite",
    (port) => node(tool("vite/bin/vite.js"), "--port", String(port), "--strictPort", "--host", "127.0.0.1"),
    "/",
    { GREENROOM_PORT: String(actors.port) },
  );
  t.after(() => vite.dispose());
  const use = new Use(t, `${vite.url}/api/rivet`);
  assert.match(await (await fetch(vite.url)).text(), /<button/);
  await use.calls();
  await use.events("websocket");
  await use.sockets();
  await use.streams();
  await use.badInput();
  assert.equal(await reloads(vite), "connected");
});

test("Bun without handlers for sockets: clients use event streams, and whoever asks is told why", async (t) => {
  const example = await Example.start(OURS, () => on("bun", "dist/server/mounted-bun.js"));
  t.after(() => example.dispose());
  const use = new Use(t, `${example.url}/api/rivet`);
  await use.events();
  const { status, body } = await use.handshake();
  assert.deepEqual([status, body.group, body.code], [426, "guard", "upgrade_required"]);
  assert.match(String(body.message), /`websocket: registry\.websocket`/);
});

test("Deno: calls and events, with event streams instead of sockets", async (t) => {
  if (!hasRuntime("deno")) return t.skip("there is no Deno for this platform");
  const example = await Example.start(OURS, () => on("deno", "dist/server/mounted-deno.js"));
  t.after(() => example.dispose());
  const use = new Use(t, `${example.url}/api/rivet`);
  assert.equal(await (await fetch(example.url)).text(), "a page of my own\n");
  await use.calls();
  await use.events();
  await use.badInput();
  assert.equal(await example.stop(), 0, example.output);
});

test("a body that was read before, and a socket that is for nobody, are refused with what is wrong", async (t) => {
  const example = await Example.start(OURS, () => node("dist/server/mounted-plain.js"));
  t.after(() => example.dispose());
  const use = new Use(t, example.url);
  const refused = await fetch(`${example.url}/gateway/counter/action/add`, { method: "POST", body: "{}" });
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /mount Greenroom before whatever parses bodies/);
  const { status, body } = await use.handshake("/elsewhere");
  assert.deepEqual([status, body.group, body.code], [404, "guard", "no_route"]);
  await use.sockets();
});

/** What Vite's own socket says first. */
async function reloads(vite: Example): Promise<unknown> {
  const script = await (await fetch(`${vite.url}/@vite/client`)).text();
  const token = /wsToken = "([^"]+)"/.exec(script)?.[1];
  const socket = new WebSocket(`${vite.url.replace("http", "ws")}/?token=${token}`, "vite-hmr");
  const [message] = await once(socket, "message");
  socket.close();
  return JSON.parse(String(message)).type;
}

/** What the users of an example do. */
class Use {
  readonly #context: TestContext;
  readonly #endpoint: string;

  constructor(context: TestContext, endpoint: string) {
    this.#context = context;
    this.#endpoint = endpoint;
  }

  #client(transport?: "websocket" | "sse") {
    const client = createClient<typeof registry>({
      endpoint: this.#endpoint,
      ...(transport === undefined ? {} : { transport }),
    });
    this.#context.after(() => client.dispose());
    return client;
  }

  async calls(): Promise<void> {
    const counter = this.#client().counter.getOrCreate("calls");
    assert.equal(await counter.add(2), 2);
    assert.equal(await counter.add(3), 5);
  }

  /** @param transport Undefined for whatever the client finds out by itself. */
  async events(transport?: "websocket"): Promise<void> {
    const client = this.#client(transport);
    const watcher = client.counter.getOrCreate("events").connect();
    const counts: number[] = [];
    watcher.on("counted", (count) => counts.push(count));
    assert.equal(await watcher.add(1), 1);
    await client.counter.getOrCreate("events").add(1);
    await eventually(() => assert.deepEqual(counts, [1, 2]));
    await watcher.dispose();
  }

  async sockets(): Promise<void> {
    const socket = await RawSocket.open(this.#client().counter.getOrCreate("sockets"));
    assert.equal(await socket.ask("hello ✓"), "hello ✓");
    const bytes = Uint8Array.from({ length: 50_000 }, (_, index) => index & 255);
    const answer = socket.next();
    socket.send(bytes);
    assert.deepEqual(await answer, bytes);
    socket.close(4000, "enough");
    assert.equal((await socket.closed).code, 4000);
  }

  /** Asks for a WebSocket, and gives what is answered instead. */
  async handshake(path?: string): Promise<{ status: number; body: Record<string, unknown> }> {
    const url = new URL(await this.#client().counter.getOrCreate("handshake").getGatewayUrl());
    url.pathname = path ?? `${url.pathname}/websocket`;
    const socket = new WebSocket(url.href.replace("http", "ws"));
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
    let text = "";
    for await (const piece of response.setEncoding("utf8")) text += piece;
    return { status: response.statusCode ?? 0, body: JSON.parse(text) };
  }

  /** What is sent first comes back before the rest is sent. */
  async streams(): Promise<void> {
    const url = new URL(await this.#client().counter.getOrCreate("streams").getGatewayUrl());
    url.pathname += "/request/echo";
    const request = httpRequest(url, { method: "POST" });
    request.write("first");
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const pieces = response.setEncoding("utf8")[Symbol.asyncIterator]();
    assert.equal((await pieces.next()).value, "first");
    request.end("second");
    assert.equal((await pieces.next()).value, "second");
    assert.equal((await pieces.next()).done, true);
  }

  async badInput(): Promise<void> {
    const counter = this.#client().counter.getOrCreate("bad");
    await assert.rejects(counter.add(1.5), { group: "user", code: "not_whole" });
    const nowhere = await fetch(`${this.#endpoint}/nowhere`);
    assert.deepEqual([nowhere.status, nowhere.headers.get("x-rivet-error")], [404, "guard.no_route"]);
    const broken = await fetch(`${this.#endpoint}/gateway/counter/action/add?rvt-namespace=default`, {
      method: "POST",
      body: "{",
    });
    assert.equal(broken.status, 400);
  }
}
