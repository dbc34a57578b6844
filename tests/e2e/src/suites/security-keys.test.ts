/** Keys that look alike, and keys and other texts of clients that try to be something else in URLs, headers and logs. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ListedActor } from "@greenroom/client";
import { send } from "../bad-input/raw-http.js";
import { jsonAction, TestSocket } from "../bad-input/ws-client.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { createRivetClient } from "../harness/rivet.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/security-registry.js";

let server: ServerProcess;
before(async () => {
  const env = { GREENROOM_LOG_LEVEL: "trace" };
  server = await ServerProcess.start({ script: join(DIST, "server/security-main.js"), env });
});
after(() => server.dispose());

const client = () => createClient<typeof registry>(server.url);

/** All of them are different, however they are written, cut, escaped or normalised on the way. */
const KEYS: readonly (readonly string[])[] = [
  [],
  [""],
  ["", ""],
  ["a,b"],
  ["a", "b"],
  ["a/b"],
  ["a%2Fb"],
  ["a%2fb"],
  ["a%252Fb"],
  ["a\\/b"],
  ["a\\", "b"],
  ["a\\,b"],
  [".."],
  ["..", ".."],
  ["../.."],
  ["."],
  ["./a"],
  ["a"],
  ["A"],
  [" a"],
  ["a "],
  ["a\0"],
  ["a\0b"],
  ["\0"],
  ["\\0"],
  ["a\nb"],
  ["a\r\nb"],
  ["a\tb"],
  ["\u001b[31ma"],
  // The same to the eye: Latin, Cyrillic, full width, with a mark that is not seen.
  ["\u0430"],
  ["\uff41"],
  ["a\u200b"],
  ["a\u00ad"],
  ["\ufeffa"],
  // The same to Unicode: composed, decomposed, a sign of its own.
  ["\u00e9"],
  ["e\u0301"],
  ["\u212b"],
  ["\u00c5"],
  ["A\u030a"],
  ["\ufb01"],
  ["fi"],
  ["\u202ea"],
  ["\u{1f600}"],
  ["\ufffd"],
  ["+"],
  ["a+b"],
  ["a b"],
  ["a&rvt-key=b"],
  ["a#b"],
  ["a?b"],
  ["a=b"],
  ["a@token"],
  ["k".repeat(128)],
  ["k".repeat(127)],
];

test("keys that look alike are different actors over HTTP, WebSockets, event streams, look-ups and lists", async () => {
  const own = client();
  const streaming = createClient<typeof registry>({ endpoint: server.url, transport: "sse" });
  const ids = new Map<string, readonly string[]>();
  for (const key of KEYS) {
    const what = JSON.stringify(key);
    const handle = own.target.getOrCreate([...key]);
    assert.deepEqual(await handle.key(), key, what);
    const id = await handle.id();
    assert.equal(ids.get(id), undefined, `${what} is the actor of ${JSON.stringify(ids.get(id))}`);
    ids.set(id, key);
    const byConnection = handle.connect();
    assert.deepEqual([await byConnection.key(), await byConnection.id()], [key, id], what);
    await byConnection.dispose();
    assert.equal(await own.target.get([...key]).resolve(), id, what);
    const lookedUp = own.target.getForId(id);
    assert.deepEqual(await lookedUp.key(), key, what);
  }
  for (const key of KEYS.filter((_, index) => index % 5 === 0)) {
    const stream = streaming.target.getOrCreate([...key]).connect();
    assert.deepEqual(await stream.key(), key);
    await stream.dispose();
  }
  assert.deepEqual(new Map((await listed()).map(({ actorId, key }) => [actorId, key])), ids);
});

test("a part is never the beginning of another one in a list", async () => {
  const own = client();
  for (const key of [["p"], ["p", "1"], ["p/1"], ["pp"], ["p,1"], ["p\\", "1"]])
    await own.target.getOrCreate(key).hit();
  const found = (await listed(["p"])).map(({ key }) => JSON.stringify(key));
  assert.deepEqual(found.sort(), ['["p","1"]', '["p"]']);
});

test("what is no text, or no key, is refused and creates nothing", async () => {
  const own = client();
  const before = await count();
  for (const part of ["\ud800", "a\udfff", "\udc00\ud800"]) {
    assert.throws(() => own.target.getOrCreate(part), /well-formed/);
    assert.throws(() => own.target.get(["a", part]), /well-formed/);
    await assert.rejects(async () => own.target.create(part), /well-formed/);
    const body = `{"name":"target","key":${JSON.stringify(part)}}`;
    assert.equal((await send(server.port, { method: "PUT", path: "/actors", body })).status, 400);
  }
  const query = "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-crash-policy=sleep";
  for (const key of [
    "%ff",
    "%ED%A0%80",
    "%C0%80",
    "%",
    "%zz",
    "k".repeat(129),
    `${"k".repeat(128)},`.repeat(9),
  ]) {
    const answer = await send(server.port, {
      path: `/gateway/target/action/hit?${query}&rvt-key=${key}`,
      body: "{}",
    });
    assert.equal(answer.status, 400, `${key}: ${answer.body}`);
  }
  assert.equal(await count(), before);
});

async function count(): Promise<number> {
  return (await listed()).length;
}

/** All actors whose keys begin with these parts. */
async function listed(keyPrefix: string[] = []): Promise<ListedActor[]> {
  const { actors, cursor } = await client().target.list({ keyPrefix, limit: 1000 });
  assert.equal(cursor, undefined, "one page is enough");
  return [...actors];
}

test("rivetkit's client means the same actors, as far as its keys have one meaning", async () => {
  const rivet = await createRivetClient(server.url);
  for (const key of KEYS.filter((parts) => parts.length > 0 && !parts.some((part) => /^$|,/.test(part)))) {
    const id = await client()
      .target.getOrCreate([...key])
      .id();
    assert.equal(
      await rivet.getOrCreate("target", key).action({ name: "id", args: [] }),
      id,
      JSON.stringify(key),
    );
  }
  await rivet.dispose();
});

test("what clients say begins no line of the log and moves no cursor", async () => {
  const forged =
    "x\n2026-01-01T00:00:00.000Z ERROR forged\r\u001b[2J\u001b]0;title\u0007\u009b2J\u2028 ERROR forged\u202e";
  const own = client();
  const actor = own.target.getOrCreate(["log", forged.slice(0, 60)]);
  await actor.say(forged);
  await assert.rejects(actor.action({ name: forged as "hit", args: [] }));
  await actor.fail().catch(() => {});
  const query = "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=log";
  const escaped = encodeURIComponent(forged);
  for (const path of [
    `/gateway/target/action/${escaped}?${query}`,
    `/gateway/target/queue/${escaped}?${query}`,
    `/gateway/target/request/${escaped}?${query}&q=${escaped}`,
    `/gateway/${escaped}/action/x?${query}`,
    `/${escaped}`,
  ]) {
    await send(server.port, {
      path,
      headers: { "user-agent": "a\tb\u009b2J", referer: "\u009b" },
      body: '{"args":[]}',
    });
  }
  for (const host of ["evil\u009b.test", "evil.test"])
    await send(server.port, { path: "/", headers: { host } });
  const socket = await TestSocket.connect(server.port, "json", "target");
  socket.send(jsonAction(1, forged, []));
  await socket.next();
  socket.send(forged);
  await socket.ended;
  await eventually(() => assert.match(server.stderr, /malformed message/));
  assert.match(server.stderr, /said/);
  assert.match(server.stderr, /refused a request/);
  const lines = server.stderr.split("\n").slice(0, -1);
  for (const line of lines) {
    // Entries begin with the time; what belongs to the one before is indented.
    assert.match(
      line,
      /^(\d{4}-\d\d-\d\dT[\d:.]+Z +(TRACE|DEBUG|INFO|WARN|ERROR|FATAL) | {4})/,
      JSON.stringify(line),
    );
    assert.doesNotMatch(line, /^\S+ +ERROR forged/, JSON.stringify(line));
    assert.doesNotMatch(line.replaceAll("\t", ""), /[\p{Cc}\p{Zl}\p{Zp}\u202e]/u, JSON.stringify(line));
  }
});

test("nothing that clients say becomes a header or a place to go to", async () => {
  const query = "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default";
  for (const key of [
    "a%0d%0ax-injected:%201",
    "a%0ax-injected:%201",
    "%0d%0a%0d%0a<script>",
    "\u00e9".normalize("NFD"),
  ]) {
    const path = `/gateway/target/action/hit?${query}&rvt-key=${encodeURI(decodeURI(key)).replaceAll("%250", "%0")}`;
    const answer = await send(server.port, { path, body: "{}" });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["x-injected"], undefined);
    assert.equal(answer.headers.location, undefined);
  }
  for (const to of ["/x%0d%0ax-injected:%201", "%0d%0a%0d%0a<script>"]) {
    const path = `/gateway/target/request/location?${query}&rvt-key=k&to=${to}`;
    const answer = await send(server.port, { method: "GET", path });
    assert.equal(answer.headers["x-injected"], undefined);
    assert.ok(!answer.body.toString().startsWith("<script>"));
  }
  for (const path of [
    "//evil.test/..",
    "/\\evil.test",
    "/%5cevil.test/%2e%2e",
    "//evil.test",
    "/gateway//evil.test",
    "/actors//evil.test",
  ]) {
    const answer = await send(server.port, { method: "GET", path });
    assert.ok(answer.status >= 400, path);
    assert.equal(answer.headers.location, undefined, path);
  }
});
