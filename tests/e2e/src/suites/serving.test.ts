/** A registry inside of a program's own web server, reached through `registry.handler`. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Client } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { freePort, ServerProcess } from "../harness/server.js";
import type { registry as listening } from "../server/serving-listen.js";
import type { registry } from "../server/serving-registry.js";

const script = join(DIST, "server/serving-main.js");
let server: ServerProcess;
let client: Client<typeof registry>;

before(async () => {
  server = await ServerProcess.start({ script });
  client = createClient<typeof registry>({ endpoint: `${server.url}/api/rivet`, transport: "sse" });
});
after(async () => {
  await client?.dispose();
  await server?.dispose();
});

test("actions are answered below each of the usual base paths, and beside the program's own routes", async () => {
  for (const [index, base] of ["/api/rivet", "/api/greenroom", ""].entries()) {
    const mounted = createClient<typeof registry>(`${server.url}${base}`);
    assert.equal(await mounted.counter.getOrCreate("paths").add(1), index + 1);
  }
  assert.equal(await (await fetch(`${server.url}/own`)).text(), "mine");
});

test("the program itself has a client without a network, and the routes about the server", async () => {
  await client.counter.getOrCreate("k").add(5);
  assert.equal(await (await fetch(`${server.url}/total`)).json(), 5);
  const health = await fetch(`${server.url}/health-of-actors`);
  assert.deepEqual([health.status, ((await health.json()) as { status: string }).status], [200, "ok"]);
  const metadata = await fetch(`${server.url}/api/rivet/metadata`);
  assert.deepEqual(((await metadata.json()) as { actorNames: object }).actorNames, { counter: {} });
});

test("connections go over event streams, with parameters, events and calls", async () => {
  const conn = client.counter.getOrCreate("live", { params: { who: "me" } }).connect();
  const heard: number[] = [];
  conn.on("n", (n: number) => heard.push(n));
  await conn.ready;
  assert.deepEqual(await conn.params(), { who: "me" });
  assert.equal(await conn.add(2), 2);
  await client.counter.getOrCreate("live").add(3);
  await eventually(() => assert.deepEqual(heard, [2, 5]));
  await conn.dispose();
});

test("a client whose WebSockets fail finds the event stream by itself", async () => {
  const own = createClient<typeof registry>(`${server.url}/api/rivet`);
  const conn = own.counter.getOrCreate("fallback").connect();
  assert.equal(await conn.add(1), 1);
  await own.dispose();
});

test("large bodies stream through in both directions", async () => {
  const bytes = randomBytes(5 * 1024 * 1024);
  const hash = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");
  const echoed = await client.counter.getOrCreate("large").echo(bytes);
  assert.equal(hash(echoed), hash(bytes));
});

test("several large bodies at once do not hold each other up", async () => {
  const actors = Array.from({ length: 6 }, (_, i) => client.counter.getOrCreate(`large-${i}`));
  const sizes = await Promise.all(
    actors.map(async (each) => (await each.echo(new Uint8Array(2 * 1024 * 1024))).length),
  );
  assert.deepEqual(sizes, Array(6).fill(2 * 1024 * 1024));
});

test("a body above the limit is refused with the documented error", async () => {
  const call = client.counter.getOrCreate("large").echo(new Uint8Array(9 * 1024 * 1024));
  await assert.rejects(call, { group: "message", code: "incoming_too_long" });
});

test("a caller who gives up is given up on by the actor, and one that is only lost may come back", async (t) => {
  const target = client.counter.getOrCreate("abort");
  const conn = target.connect();
  t.after(() => conn.dispose());
  const waiting = { lost: new AbortController(), aborted: new AbortController() };
  const ended: string[] = [];
  conn.on("waiting", (name: keyof typeof waiting) => waiting[name].abort());
  conn.on("ended", (name: string) => ended.push(name));
  await conn.read();
  const lost = fetch((await target.getGatewayUrl()).replace("?", "/action/waits?"), {
    method: "POST",
    headers: { "x-rivet-encoding": "json", "x-greenroom-call": `${randomBytes(16).toString("hex")}.0.0.0` },
    body: JSON.stringify({ args: ["lost"] }),
    signal: waiting.lost.signal,
  });
  await assert.rejects(lost);
  // It is told later, but has said that it does not come back.
  const call = target.action({ name: "waits", args: ["aborted"], signal: waiting.aborted.signal });
  await assert.rejects(call, { group: "actor", code: "aborted" });
  await eventually(() => assert.deepEqual(ended, ["aborted"]));
});

test("a request that breaks off in the middle of its body does nothing, and the next ones are served", async () => {
  const socket = connect(server.port, "127.0.0.1");
  const query = "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=broken";
  socket.write(
    `POST /api/rivet/gateway/counter/action/add?${query} HTTP/1.1\r\nhost: localhost\r\nx-rivet-encoding: json\r\n` +
      `content-length: 100\r\n\r\n{"args":[`,
  );
  await new Promise((sent) => setTimeout(sent, 100));
  socket.destroy();
  assert.equal(await client.counter.getOrCreate("broken").add(1), 1);
});

test("what is no route is answered like by the server itself", async () => {
  const response = await fetch(`${server.url}/api/rivet/nowhere`);
  const error = (await response.json()) as { group: string; code: string };
  assert.deepEqual([response.status, error.group, error.code], [404, "guard", "no_route"]);
  const upgrade = await fetch(
    `${server.url}/api/rivet/gateway/counter/connect?rvt-namespace=default&rvt-method=getOrCreate&rvt-key=x&rvt-runner=default`,
  );
  assert.equal(((await upgrade.json()) as { code: string }).code, "upgrade_required");
});

test("managing the actors takes a token here, because nobody knows who reaches the program", async () => {
  const response = await fetch(`${server.url}/api/rivet/actors?name=counter`);
  assert.equal(response.status, 403);
});

test("a registry is a route of a Hono program, and its actors are at the service of the other routes", async () => {
  const own = await ServerProcess.start({ script: join(DIST, "server/serving-hono.js") });
  try {
    const mounted = createClient<typeof registry>({ endpoint: `${own.url}/api/rivet`, transport: "sse" });
    const conn = mounted.counter.getOrCreate("main").connect();
    const heard: number[] = [];
    conn.on("n", (n: number) => heard.push(n));
    assert.equal(await conn.add(2), 2);
    const response = await fetch(`${own.url}/bump`, { method: "POST" });
    assert.deepEqual(await response.json(), { n: 3 });
    await eventually(() => assert.deepEqual(heard, [2, 3]));
    await mounted.dispose();
    assert.equal((await fetch(`${own.url}/gateway`)).status, 404);
  } finally {
    await own.dispose();
  }
});

test("a base path of one's own is the only one", async () => {
  const own = await ServerProcess.start({ script, env: { BASE_PATH: "/actors/" } });
  try {
    const mounted = createClient<typeof registry>(`${own.url}/actors`);
    assert.equal(await mounted.counter.getOrCreate("x").add(1), 1);
    const response = await fetch(`${own.url}/api/rivet/metadata`);
    assert.equal(response.status, 404);
    assert.match(
      ((await response.json()) as { message: string }).message,
      /base path of this registry, \/actors/,
    );
  } finally {
    await own.dispose();
  }
});

test("after a shutdown requests are answered with an error, event streams have ended, and nothing is lost", async () => {
  const own = await ServerProcess.start({ script });
  try {
    const mine = createClient<typeof registry>({ endpoint: `${own.url}/api/rivet`, transport: "sse" });
    const conn = mine.counter.getOrCreate("x").connect();
    assert.equal(await conn.add(1), 1);
    const closed = new Promise<string>((resolve) => conn.onClose(({ reason }) => resolve(reason)));
    const calls = Array.from({ length: 20 }, () => mine.counter.getOrCreate("x").add(1));
    // Some may fail before anybody looks at them.
    const settled = Promise.allSettled(calls);
    await calls[0];
    await fetch(`${own.url}/shutdown`);
    assert.equal(await closed, "ws.going_away");
    await mine.dispose();
    const results = await settled;
    await eventually(async () => {
      const query = "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=x";
      const url = `${own.url}/api/rivet/gateway/counter/action/read?${query}`;
      const response = await fetch(url, { method: "POST", body: '{"args":[]}' });
      assert.equal(response.status, 503);
      assert.match(((await response.json()) as { code: string }).code, /restarting|stopping/);
    });
    const done = results.filter(({ status }) => status === "fulfilled").length;
    await own.stop("SIGTERM");
    await own.restart();
    const again = createClient<typeof registry>(`${own.url}/api/rivet`);
    assert.ok((await again.counter.getOrCreate("x").read()) >= 1 + done);
  } finally {
    await own.dispose();
  }
});

test("a registry that listens takes port, files and namespace from rivetkit's variables, and says what has no effect", async () => {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-public-"));
  await writeFile(join(folder, "page.txt"), "a page");
  const port = await freePort();
  const own = await ServerProcess.start({
    script: join(DIST, "server/serving-listen.js"),
    port,
    env: {
      GREENROOM_PORT: "",
      RIVET_PORT: String(port),
      RIVETKIT_PUBLIC_DIR: folder,
      RIVET_NAMESPACE: "shop",
      RIVET_LOG_TIMESTAMP: "0",
    },
  });
  try {
    assert.equal(await (await fetch(`${own.url}/page.txt`)).text(), "a page");
    const shop = createClient<typeof listening>({ endpoint: own.url, namespace: "shop" });
    assert.equal(await shop.counter.getOrCreate("x").add(1), 1);
    const other = createClient<typeof listening>({ endpoint: own.url, namespace: "other" });
    await assert.rejects(other.counter.getOrCreate("x").add(1), { group: "namespace", code: "not_found" });
    assert.match(own.stderr, /^WARN {2}options of setup have no effect here options="startEngine, envoy"$/m);
    assert.equal(await own.stop("SIGTERM"), 0);
  } finally {
    await own.dispose();
    await rm(folder, { recursive: true });
  }
});

test("actors log through the registry's log, with who they are", async () => {
  await client.counter.getOrCreate("logs").add(1);
  await eventually(() =>
    assert.match(server.stderr, /INFO {2}awake actor=counter key=logs actorId=\S+ secret=42/),
  );
});
