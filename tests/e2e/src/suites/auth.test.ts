/** `onAuth`: who comes in from outside, seen over every way in. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ActorError, type ClientConfig } from "@greenroom/client";
import { TestSocket } from "../bad-input/ws-client.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { Program } from "../harness/program.js";
import { RawSocket } from "../harness/raw-socket.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/auth-registry.js";

const SCRIPT = join(DIST, "server/auth-main.js");
const ANN = "ann-s3cret";
const GUEST = "guest-s3cret";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: SCRIPT, env: { GREENROOM_LOG_LEVEL: "trace" } });
});
after(() => server.dispose());

const connectAs = (token: string | undefined, config: ClientConfig = {}) =>
  createClient<typeof registry>({ endpoint: server.url, ...(token !== undefined && { token }), ...config });
const probe = () => connectAs(undefined).probe.getOrCreate("p");
const happened = async (key: string) => (await probe().happened()).filter((line) => line.endsWith(` ${key}`));

interface Asked {
  readonly intents: readonly string[];
  readonly name?: string;
  readonly key?: readonly string[];
  readonly actorId?: string;
  readonly params?: unknown;
  readonly token?: string;
  readonly remoteAddress?: string;
  readonly request: string;
}

/** What `onAuth` was asked since the last time. */
const asked = async () => (await probe().asked()) as readonly Asked[];

async function exists(key: string): Promise<boolean> {
  const answer = await fetch(`${server.url}/actors?name=vault&key=${key}`, {
    headers: { authorization: `Bearer ${ANN}` },
  });
  return ((await answer.json()) as { actors: unknown[] }).actors.length > 0;
}

function byKey(key: string, path: string, more = ""): string {
  const query = `rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=${key}`;
  return `${server.url}/gateway/vault${path}?${query}${more}`;
}

const unauthorized = { group: "auth", code: "unauthorized", message: "who are you?" };
const forbidden = { group: "auth", code: "forbidden" };

test("a caller that is refused creates and wakes nothing over any way in", async () => {
  const nobody = connectAs(undefined);
  const key = "denied";
  const handle = nobody.vault.getOrCreate(key);
  await assert.rejects(handle.open(), unauthorized);
  await assert.rejects(handle.resolve(), unauthorized);
  await assert.rejects(nobody.vault.create(key), unauthorized);
  await assert.rejects(nobody.vault.get(key).open(), unauthorized);
  for (const transport of ["websocket", "sse"] as const) {
    const client = connectAs(undefined, { transport });
    const connection = client.vault.getOrCreate(key).connect();
    const told = new Promise<ActorError>((resolve) => connection.onError(resolve));
    await assert.rejects(connection.open(), unauthorized);
    assert.equal((await told).message, unauthorized.message);
    await client.dispose();
  }
  const requests = [
    ["GET", byKey(key, "/sse")],
    ["GET", byKey(key, "/metadata")],
    ["GET", byKey(key, "/request/x")],
    ["POST", byKey(key, "/queue/jobs")],
    ["GET", `${server.url}/actors?name=vault&key=${key}`],
    ["GET", `${server.url}/actors?name=vault`],
    ["GET", `${server.url}/actors`],
    ["GET", `${server.url}/actors/names`],
  ] as const;
  for (const [method, url] of requests) {
    const body = method === "POST" ? JSON.stringify({ body: 1 }) : null;
    const answer = await fetch(url, { method, body, headers: { origin: "http://localhost:5173" } });
    const { group, code } = (await answer.json()) as ActorError;
    assert.deepEqual([answer.status, group, code], [401, "auth", "unauthorized"], `${method} ${url}`);
    assert.equal(answer.headers.get("access-control-allow-origin"), "http://localhost:5173");
  }
  assert.equal(await exists(key), false);
  assert.deepEqual(await happened(key), []);
  await nobody.dispose();
});

test("an actor that sleeps goes on sleeping while strangers knock", async () => {
  const ann = connectAs(ANN);
  const id = await ann.vault.getOrCreate("asleep").resolve();
  await ann.vault.getForId(id).open();
  await ann.vault.getForId(id).nap();
  await eventually(() => assert.match(server.stderr, new RegExp(`actor sleeps.*${id}`)));
  const nobody = connectAs(undefined);
  await assert.rejects(nobody.vault.getForId(id).open(), unauthorized);
  await assert.rejects(nobody.vault.get("asleep").open(), unauthorized);
  const connection = nobody.vault.getForId(id).connect();
  await assert.rejects(connection.open(), unauthorized);
  for (const [method, path] of [
    ["DELETE", ""],
    ["POST", "/sleep"],
  ] as const) {
    const answer = await fetch(`${server.url}/actors/${id}${path}`, { method });
    assert.equal(answer.status, 401);
  }
  assert.deepEqual(await happened("asleep"), ["create asleep", "wake asleep"]);
  assert.equal(await ann.vault.getForId(id).open(), 2);
  await Promise.all([ann.dispose(), nobody.dispose()]);
});

test("what onAuth gives is the connection's auth, in hooks and actions, also after a sleep", async () => {
  const ann = { uid: "ann", since: new Date(7) };
  for (const transport of [undefined, "websocket", "sse"] as const) {
    const client = connectAs(ANN, transport === undefined ? {} : { transport });
    const handle = client.vault.getOrCreate(`auth-${transport}`);
    const vault = transport === undefined ? handle : handle.connect();
    assert.deepEqual(await vault.who(), { auth: ann, greeted: "ann" });
    assert.deepEqual(await vault.since(), ann.since);
    await vault.nap();
    assert.deepEqual(await vault.who(), { auth: ann, greeted: "ann" });
    await client.dispose();
  }
  // Asynchronous, and with what the client passes as params.
  const known = connectAs(ANN).vault.getOrCreate("auth-guest");
  await known.open();
  const guest = connectAs(undefined).vault.get("auth-guest", { params: { token: GUEST } });
  assert.deepEqual(await guest.who(), { auth: { uid: "guest" }, greeted: "guest" });
});

test("onAuth may decide by what is wanted", async () => {
  const guest = connectAs(GUEST);
  await assert.rejects(guest.vault.getOrCreate("by-intent").open(), {
    ...forbidden,
    message: "guests create nothing",
    metadata: { ask: "ann" },
  });
  await assert.rejects(guest.vault.get("by-intent").open(), { group: "actor", code: "not_found" });
  await connectAs(ANN).vault.getOrCreate("by-intent").open();
  assert.equal(await guest.vault.get("by-intent").open(), 2);
  await guest.dispose();
});

test("onAuth is told what is wanted, of whom, and by whom", async () => {
  const ann = connectAs(ANN);
  const id = await ann.vault.getOrCreate(["a,b", "", "c/d"]).resolve();
  await asked();
  await ann.vault.getOrCreate(["a,b", "", "c/d"], { params: { x: 1 } }).open();
  await ann.vault.get(["a,b", "", "c/d"]).open();
  await ann.vault.getForId(id).open();
  const connection = ann.vault.get(["a,b", "", "c/d"]).connect();
  await connection.ready;
  await connection.open();
  await connection.dispose();
  await fetch(byKey("k", "/action/open", "&more=1").replace("vault?", "vault"), {
    method: "POST",
    body: JSON.stringify({ args: [] }),
    headers: { "x-rivet-token": "wrong", "x-own": "mine" },
  });
  await fetch(`${server.url}/actors?name=vault&key_prefix=a`);
  const about = {
    name: "vault",
    key: ["a,b", "", "c/d"],
    actorId: undefined,
    params: undefined,
    token: ANN,
    remoteAddress: "127.0.0.1",
  };
  const [created, got, byId, opened, raw, listed, ...rest] = await asked();
  assert.deepEqual(
    { ...created, request: "" },
    {
      ...about,
      intents: ["get", "create", "action"],
      params: { x: 1 },
      request: "",
    },
  );
  assert.deepEqual({ ...got, request: "" }, { ...about, intents: ["get", "action"], request: "" });
  assert.deepEqual([byId?.name, byId?.key, byId?.actorId], [undefined, undefined, id]);
  assert.deepEqual(opened?.intents, ["get", "connect"]);
  assert.match(opened?.request ?? "", /^GET http:\/\/127\.0\.0\.1:\d+\/connect null$/);
  assert.match(raw?.request ?? "", /^POST http:\/\/127\.0\.0\.1:\d+\/action\/open\?more=1 mine$/);
  assert.equal(raw?.token, "wrong");
  assert.deepEqual([listed?.intents, listed?.name, listed?.key], [["list"], "vault", undefined]);
  // What goes over a connection that is open is not asked about.
  assert.equal(rest.length, 0);
  await ann.dispose();
});

test("every way in has its intent, and those with streams get in or learn why, too", async () => {
  const ann = connectAs(ANN).vault.getOrCreate("ways");
  const nobody = connectAs(undefined).vault.getOrCreate("ways");
  await asked();
  assert.deepEqual(await (await ann.fetch("x")).json(), { auth: "ann" });
  const socket = await RawSocket.open(ann);
  assert.equal(await socket.next(), "auth ann");
  socket.close();
  await ann.send("jobs", 1);
  assert.deepEqual(
    (await asked()).map(({ intents }) => intents),
    ["request", "websocket", "publish"].map((intent) => ["get", "create", intent]),
  );
  const upload = await nobody.fetch("upload", { method: "POST", body: new Uint8Array(8_000_000) });
  assert.equal(upload.status, 401);
  assert.equal(((await upload.json()) as ActorError).message, "who are you?");
  const refused = await RawSocket.open(nobody);
  // No message of a protocol that a raw socket does not speak comes before the close.
  await assert.rejects(refused.next(), /closed with 1011 auth\.unauthorized/);
  await assert.rejects(nobody.send("jobs", 1), unauthorized);
});

test("Unauthorized and Forbidden mean the same in an action", async () => {
  const ann = connectAs(ANN);
  const refused = { ...forbidden, message: "not in here", metadata: { why: "because" } };
  await assert.rejects(ann.vault.getOrCreate("inside").forbid(), { ...refused, statusCode: 403 });
  await assert.rejects(ann.vault.getOrCreate("inside").connect().forbid(), refused);
  await ann.dispose();
});

test("calls between actors are not asked about, and have no auth", async () => {
  const ann = connectAs(ANN);
  await asked();
  const other = (await ann.vault.getOrCreate("caller").askOther("callee")) as { auth?: unknown };
  assert.equal(other.auth, undefined);
  assert.equal((await asked()).length, 1);
  assert.ok((await happened("callee")).includes("create callee"));
  await ann.dispose();
});

test("whatever goes wrong in onAuth refuses, and only what is said on purpose is told", async () => {
  const cases = [
    ["user", "user", "closed", "not today", 400],
    ["nobody", "auth", "forbidden", "Forbidden", 403],
    ["bug", "rivetkit", "internal_error", "An internal error occurred", 500],
    ["odd", "rivetkit", "internal_error", "An internal error occurred", 500],
    ["hanging", "rivetkit", "internal_error", "An internal error occurred", 500],
  ] as const;
  for (const [token, group, code, message, status] of cases) {
    const answer = await fetch(byKey("wrong", "/action/open", `&rvt-token=${token}`), {
      method: "POST",
      body: JSON.stringify({ args: [] }),
    });
    const error = (await answer.json()) as ActorError;
    assert.deepEqual([error.group, error.code, error.message, answer.status], [group, code, message, status]);
  }
  assert.equal(await exists("wrong"), false);
  assert.match(server.stderr, /hook=onAuth.*the inner secret/);
  assert.match(server.stderr, /hook=onAuth.*onAuth took longer than 1000 ms/);
});

test("a caller that leaves while onAuth decides has left nothing behind", async () => {
  const abort = new AbortController();
  const gone = fetch(byKey("left", "/action/open", "&rvt-token=slow"), {
    method: "POST",
    body: JSON.stringify({ args: [] }),
    signal: abort.signal,
  });
  const path = byKey("left", "/connect", "&rvt-token=slow").slice(server.url.length);
  const socket = await TestSocket.open(server.port, path, ["rivet"]);
  const waiting = async (count: number) => assert.equal(await probe().waiting(), count);
  await eventually(() => waiting(2));
  abort.abort();
  await assert.rejects(gone);
  socket.raw.terminate();
  await probe().decide();
  const slow = connectAs("slow");
  const stays = slow.vault.getOrCreate("stays").open();
  await eventually(() => waiting(1));
  await probe().decide();
  assert.equal(await stays, 1);
  assert.deepEqual(await happened("left"), []);
  await slow.dispose();
});

test("no token is in the log, whatever its level", () => {
  assert.ok(server.stderr.length > 0);
  for (const secret of [ANN, GUEST]) assert.ok(!server.stderr.includes(secret), "a token is in the log");
});

test("a server that is told to stop does not wait for onAuth for ever", async () => {
  const other = await ServerProcess.start({ script: SCRIPT });
  try {
    const client = createClient<typeof registry>({ endpoint: other.url, token: "hanging" });
    const hanging = assert.rejects(client.vault.getOrCreate("h").open(), ActorError);
    const open = createClient<typeof registry>(other.url).probe.getOrCreate("p");
    await eventually(async () => assert.notEqual((await open.asked()).length, 0));
    assert.equal(await other.stop(), 0);
    await client.dispose();
    await hanging;
  } finally {
    await other.dispose();
  }
});

test("a registry that is mounted in another server asks onAuth, too", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "greenroom-mounted-"));
  const env = { GREENROOM_DATA_DIR: dataDir, GREENROOM_TOKEN: "manage" };
  const program = new Program(join(DIST, "server/auth-mounted.js"), { env });
  const { code, stdout, stderr } = await program.ended;
  await rm(dataDir, { recursive: true });
  assert.equal(code, 0, stderr);
  const saw = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  const refused = { status: 401, body: unauthorized };
  assert.deepEqual([saw.refused, saw.pretending], [refused, refused]);
  assert.deepEqual(saw.letIn, { status: 200, body: { output: 1 } });
  assert.deepEqual(saw.listed, [401, 200]);
});
