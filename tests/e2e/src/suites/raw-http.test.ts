/** Actors that answer HTTP requests themselves, driven with our client, with `fetch` and with plain sockets. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/raw-registry.js";

const MIB = 1024 * 1024;

/** Managing takes a token within a program's own server, and these suites have none. */
const MANAGED = process.env.GREENROOM_E2E_MOUNTED !== undefined && "managing takes a token";

let server: ServerProcess;
before(async () => {
  // The requests of these tests come from anywhere, under any name.
  const env = { GREENROOM_ALLOWED_HOSTS: "*", GREENROOM_ALLOWED_ORIGINS: "*" };
  server = await ServerProcess.start({ script: join(DIST, "server/raw-main.js"), env });
});
after(() => server.dispose());

const connectTo = () => createClient<typeof registry>(server.url);

/** Waits until a streamer has said something, without keeping it awake. */
const said = (key: string, line: string) =>
  eventually(() => assert.ok(server.stderr.includes(`streamer ${key}: ${line}\n`), line));

/** What `mirror` says of a request. */
interface Seen {
  readonly method: string;
  readonly url: string;
  readonly same: boolean;
  readonly headers: [string, string][];
  readonly body: string;
  readonly hits: number;
  readonly params: unknown;
}

async function seen(response: Response | Promise<Response>): Promise<Seen> {
  const answer = await response;
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()) as Seen;
}

/** The URL of a path in an actor, for callers without our client. */
async function urlOf(handle: { getGatewayUrl(): Promise<string> }, path: string): Promise<URL> {
  const url = new URL(await handle.getGatewayUrl());
  const [pathname = "", query] = path.split("?");
  url.pathname += `/request${pathname}`;
  if (query !== undefined) url.search = `?${query}&${url.search.slice(1)}`;
  return url;
}

/** A request by Node's own client, which sends everything as it is told. */
async function sendPlain(
  url: URL,
  options: { readonly method?: string; readonly headers?: Record<string, string | string[]> },
  body?: string,
): Promise<IncomingMessage> {
  const request = httpRequest(url, options);
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

/** Reads a response piece by piece. */
function textReader({ body }: Response): ReadableStreamDefaultReader<string> {
  if (body === null) throw new Error("the response has a body");
  // The types of streams differ between their environments in what they let through.
  const decoder = new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>;
  return body.pipeThrough(decoder).getReader();
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of message.setEncoding("utf8")) text += piece as string;
  return text;
}

test("every method arrives, custom ones too, with its body", async () => {
  const mirror = connectTo().mirror.getOrCreate("methods");
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "PURGE", "M-SEARCH"]) {
    const body = method === "GET" ? undefined : `body of ${method}`;
    const got = await seen(mirror.fetch("/x", body === undefined ? { method } : { method, body }));
    assert.deepEqual([got.method, got.body, got.same], [method, body ?? "", true]);
  }
  const head = await mirror.fetch("/x", { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  assert.match(head.headers.get("content-type") ?? "", /^application\/json/);
  assert.equal(await mirror.hits(), 8);
});

test("methods that no Request can have are refused", async () => {
  const url = await urlOf(connectTo().mirror.getOrCreate("trace"), "/x");
  const response = await sendPlain(url, { method: "TRACE" });
  assert.equal(response.statusCode, 405);
  assert.equal((JSON.parse(await textOf(response)) as { code: string }).code, "method_not_allowed");
});

test("headers, cookies, query and an encoded path arrive as they were sent", async () => {
  const mirror = connectTo().mirror.getOrCreate("properties");
  const path = "/a%2Fb/%E2%9C%93/c%20d?x=1&x=2&y=%2C%20+z&empty=&flag";
  const url = await urlOf(mirror, path);
  const response = await sendPlain(url, {
    headers: {
      cookie: "a=1; b=%20two",
      "x-custom": "value with spaces",
      "x-twice": ["1", "2"],
      "x-latin": "\u00e9",
      "keep-alive": "timeout=5",
      connection: "keep-alive, x-hop",
      "x-hop": "1",
      authorization: "Bearer mine",
    },
  });
  const got = JSON.parse(await textOf(response)) as Seen;
  assert.equal(got.url, `http://${url.host}${path}`);
  const headers = new Headers(got.headers);
  assert.equal(headers.get("cookie"), "a=1; b=%20two");
  assert.equal(headers.get("x-custom"), "value with spaces");
  assert.equal(headers.get("x-twice"), "1, 2");
  assert.equal(headers.get("x-latin"), "\u00e9");
  assert.equal(headers.get("authorization"), "Bearer mine");
  for (const name of ["keep-alive", "connection", "x-hop"]) assert.equal(headers.get(name), null, name);
});

test("paths with and without a leading slash are the same, and none has two", async () => {
  const mirror = connectTo().mirror.getOrCreate("paths");
  const pathOf = async (input: string | URL | Request) => {
    const { pathname, search } = new URL((await seen(mirror.fetch(input))).url);
    return pathname + search;
  };
  assert.equal(await pathOf("hits"), "/hits");
  assert.equal(await pathOf("/hits"), "/hits");
  assert.equal(await pathOf("//hits//all"), "/hits/all");
  assert.equal(await pathOf(""), "/");
  assert.equal(await pathOf("/"), "/");
  assert.equal(await pathOf("?only=query"), "/?only=query");
  assert.equal(await pathOf("a/b?c=d"), "/a/b?c=d");
});

test("a URL or a Request can be passed, and the handler sees its origin", async () => {
  const mirror = connectTo().mirror.getOrCreate("objects");
  const url = "https://app.example:8443/deep/path?q=1";
  assert.equal((await seen(mirror.fetch(new URL(url)))).url, url);
  const request = new Request(url, { method: "PUT", body: "content", headers: { "x-own": "1" } });
  const got = await seen(mirror.fetch(request));
  assert.deepEqual([got.method, got.url, got.body], ["PUT", url, "content"]);
  assert.equal(new Headers(got.headers).get("x-own"), "1");
  assert.equal(new Headers(got.headers).get("x-rivet-internal-original-request-url"), null);
  const overridden = await seen(mirror.fetch(new Request(url), { method: "DELETE" }));
  assert.equal(overridden.method, "DELETE");
});

test("a host header that is none does no harm", async () => {
  const url = await urlOf(connectTo().mirror.getOrCreate("host"), "/p?q");
  const response = await sendPlain(url, { headers: { host: "1.2.3.999:nowhere" } });
  const { url: shown } = JSON.parse(await textOf(response)) as Seen;
  assert.match(shown, /^http:\/\/[^/]+\/p\?q$/);
});

test("binary bodies pass unchanged in both directions", async () => {
  const mirror = connectTo().mirror.getOrCreate("binary");
  const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31) & 255);
  const response = await mirror.fetch("/bytes", { method: "POST", body: bytes });
  assert.equal(response.headers.get("content-type"), "application/octet-stream");
  assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes);
  const empty = await mirror.fetch("/bytes", { method: "POST", body: new Uint8Array() });
  assert.equal((await empty.arrayBuffer()).byteLength, 0);
});

test("multipart forms arrive with their files", async () => {
  const form = new FormData();
  form.set("name", "Grüße");
  form.set("file", new Blob([new Uint8Array([0, 255, 13, 10])]), "data.bin");
  const response = await connectTo()
    .mirror.getOrCreate("form")
    .fetch("/form", { method: "POST", body: form });
  assert.deepEqual(await response.json(), { name: "Grüße", content: [0, 255, 13, 10] });
});

test("long URLs arrive whole", async () => {
  const query = `/long?q=${"x".repeat(8_000)}`;
  const got = await seen(connectTo().mirror.getOrCreate("long").fetch(query));
  assert.ok(got.url.endsWith(query));
});

test("concurrent requests do not mix", async () => {
  const mirror = connectTo().mirror.getOrCreate("concurrent");
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      seen(mirror.fetch(`/n/${index}`, { method: "POST", body: `body ${index}` })),
    ),
  );
  for (const [index, { url, body }] of answers.entries()) {
    assert.deepEqual([new URL(url).pathname, body], [`/n/${index}`, `body ${index}`]);
  }
  assert.equal(await mirror.hits(), 50);
});

test("statuses, reasons and headers of an answer pass", async () => {
  const responder = connectTo().responder.getOrCreate("answers");
  const empty = await responder.fetch("/empty");
  assert.deepEqual([empty.status, await empty.text()], [204, ""]);
  const unchanged = await responder.fetch("/unchanged");
  assert.deepEqual([unchanged.status, unchanged.headers.get("etag")], [304, '"x"']);
  const teapot = await responder.fetch("/teapot");
  assert.deepEqual([teapot.status, teapot.statusText], [418, "I am a teapot"]);
  assert.equal(await teapot.text(), "short and stout");
  const missing = await responder.fetch("/missing");
  assert.deepEqual([missing.status, await missing.text()], [404, "nope"]);
  const redirect = await responder.fetch("/redirect", { redirect: "manual" });
  assert.deepEqual([redirect.status, redirect.headers.get("location")], [302, "https://elsewhere.example/"]);
  const texts = await responder.fetch("/texts");
  assert.equal(await texts.text(), "text");
  const cookies = await sendPlain(await urlOf(responder, "/cookies"), {
    headers: { origin: "https://a.example" },
  });
  assert.deepEqual(cookies.headers["set-cookie"], ["a=1", "b=2; Path=/"]);
  assert.equal(cookies.headers["x-latin"], "\u00e9");
  assert.equal(cookies.headers.vary, "accept, Origin");
  assert.equal(cookies.headers["content-length"], "2");
  assert.equal(cookies.headers["access-control-allow-origin"], "https://a.example");
  assert.notEqual(cookies.headers.connection, "upgrade");
  assert.equal(await textOf(cookies), "ok");
});

test("a handler that says itself who may read its answer has the last word", async () => {
  const response = await sendPlain(await urlOf(connectTo().responder.getOrCreate("cors"), "/cors"), {
    headers: { origin: "https://a.example" },
  });
  assert.equal(response.headers["access-control-allow-origin"], "https://only.example");
  assert.equal(response.headers["access-control-allow-credentials"], undefined);
  response.resume();
});

test("what a handler does wrong is a documented error, and the actor goes on", async () => {
  const responder = connectTo().responder.getOrCreate("mistakes");
  const cases = [
    ["/nothing", 500, "rivetkit.internal_error"],
    ["/bug", 500, "rivetkit.internal_error"],
    ["/used", 500, "rivetkit.internal_error"],
    ["/user-error", 400, "user.no_page"],
    ["/slow", 408, "actor.action_timed_out"],
  ] as const;
  for (const [path, status, code] of cases) {
    const response = await responder.fetch(path);
    const body = (await response.json()) as {
      group: string;
      code: string;
      message: string;
      metadata: unknown;
    };
    assert.deepEqual([response.status, `${body.group}.${body.code}`], [status, code], path);
    assert.ok(!body.message.includes("secret"));
    if (path === "/user-error") assert.deepEqual(body.metadata, { page: 7 });
  }
  assert.equal((await responder.fetch("/error")).status, 500);
  await assert.rejects(responder.fetch("/odd-body").then((response) => response.text()));
  assert.equal((await responder.fetch("/teapot")).status, 418);
});

test("an actor without a handler answers 404, and its actions work", async () => {
  const plain = connectTo().plain.getOrCreate("plain");
  const response = await plain.fetch("/anything", { method: "POST", body: "x" });
  assert.deepEqual([response.status, await response.text()], [404, ""]);
  assert.equal(await plain.ping(), "pong");
});

test("a router inside the actor works as it does elsewhere", async () => {
  const routed = connectTo().routed.getOrCreate("routes");
  const put = await routed.fetch("/notes/1", { method: "PUT", body: "remember" });
  assert.equal(put.status, 201);
  const get = await routed.fetch("/notes/1");
  assert.deepEqual(await get.json(), { note: "remember" });
  assert.equal((await routed.fetch("/notes/2")).status, 404);
  assert.equal((await routed.fetch("/elsewhere")).status, 404);
});

test("a circle of calls through a handler is told from a queue", async () => {
  const answer = await connectTo().asker.getOrCreate("a").around();
  assert.equal(answer, "call_cycle null");
});

test("the connect hooks decide about requests, and the handler has the connection", async () => {
  const client = connectTo();
  const refused = await client.guarded.getOrCreate("gate").fetch("/x");
  assert.equal(refused.status, 400);
  assert.equal(((await refused.json()) as { code: string }).code, "no_word");
  const guarded = client.guarded.getOrCreate("gate", { params: { word: "please" } });
  const response = await guarded.fetch("/door", { method: "PUT", body: "x" });
  assert.deepEqual(await response.json(), { word: "please", listed: 0 });
  await eventually(async () => {
    assert.deepEqual((await guarded.log()).slice(0, 4), [
      "asked PUT /door",
      "connect",
      "request",
      "disconnect",
    ]);
  });
});

test("parameters that are no JSON are refused before the actor hears of it", async () => {
  const client = connectTo();
  const url = await urlOf(client.mirror.getOrCreate("bad-params"), "/x");
  const response = await sendPlain(url, { headers: { "x-rivet-conn-params": "{no" } });
  assert.equal(response.statusCode, 400);
  assert.equal((JSON.parse(await textOf(response)) as { code: string }).code, "invalid");
});

test("unknown actors are not found", async () => {
  const client = connectTo();
  const response = await client.mirror.get("never made").fetch("/x");
  assert.equal(response.status, 404);
  assert.equal(response.headers.get("x-rivet-error"), "actor.not_found");
});

test("server-sent events come one by one, each after its commit, until the client leaves", async () => {
  const streamer = connectTo().streamer.getOrCreate("events");
  const leave = new AbortController();
  const response = await streamer.fetch("/events", { signal: leave.signal });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const reader = textReader(response);
  assert.equal((await reader.read()).value, "data: 0\n\n");
  for (const count of [1, 2, 3]) {
    await streamer.tick();
    assert.equal((await reader.read()).value, `data: ${count}\n\n`);
    assert.equal(await streamer.count(), count);
  }
  // Longer than the actor would stay awake for by itself.
  await delay(300);
  assert.deepEqual(await streamer.log(), []);
  leave.abort();
  await said("events", "aborted /events");
  await said("events", "request aborted /events");
  // Nothing keeps it awake any more: its variables are lost when it sleeps.
  await eventually(async () => {
    await delay(200);
    assert.deepEqual(await streamer.log(), []);
  });
});

test("a slow reader holds up the handler, not the memory", async () => {
  const streamer = connectTo().streamer.getOrCreate("slow-reader");
  const response = await streamer.fetch("/endless");
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let settled = 0;
  await eventually(
    async () => {
      const produced = await streamer.produced();
      const isStill = produced === settled;
      settled = produced;
      assert.ok(isStill && produced > 0);
    },
    { every: 200 },
  );
  assert.ok(settled < 16 * MIB, `${settled} bytes wait for a reader that does not read`);
  let read = 0;
  while (read < settled + 4 * MIB) read += (await reader.read()).value?.length ?? 0;
  assert.ok((await streamer.produced()) >= read);
  await reader.cancel();
  await said("slow-reader", "cancelled /endless");
});

test("a handler that does not read holds up the upload, not the memory", async () => {
  const streamer = connectTo().streamer.getOrCreate("slow-handler");
  const request = httpRequest(await urlOf(streamer, "/sink"), { method: "POST", headers: { "x-hold": "1" } });
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  const piece = Buffer.alloc(64 * 1024);
  let sent = 0;
  let isHeldUp = false;
  while (!isHeldUp && sent < 19 * MIB) {
    sent += piece.length;
    if (request.write(piece)) continue;
    const drained = once(request, "drain").then(() => false);
    isHeldUp = await Promise.race([drained, delay(500, true)]);
  }
  assert.ok(isHeldUp, `${sent} bytes were taken from a client to whom nobody listens`);
  assert.equal(await streamer.received(), 0);
  await streamer.release();
  request.end();
  const [response] = await answered;
  assert.deepEqual(JSON.parse(await textOf(response)), { received: sent });
});

test("bodies stream through a handler in both directions at once", async () => {
  const streamer = connectTo().streamer.getOrCreate("echo");
  const url = await urlOf(streamer, "/echo");
  const request = httpRequest(url, { method: "POST" });
  request.write("one");
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const pieces = response.setEncoding("utf8")[Symbol.asyncIterator]();
  assert.equal((await pieces.next()).value, "one");
  request.write("two");
  assert.equal((await pieces.next()).value, "two");
  request.end("three");
  assert.equal((await pieces.next()).value, "three");
  assert.equal((await pieces.next()).done, true);
});

test("a client that goes away during its upload is noticed by the handler", async () => {
  const streamer = connectTo().streamer.getOrCreate("lost-upload");
  const request = httpRequest(await urlOf(streamer, "/sink"), { method: "POST" });
  request.on("error", () => {});
  request.write("some");
  await eventually(async () => assert.equal(await streamer.received(), 4));
  request.destroy();
  await said("lost-upload", "broken aborted");
  await said("lost-upload", "aborted /sink");
});

test("a client that goes away before the answer aborts the handler", async () => {
  const streamer = connectTo().streamer.getOrCreate("lost-client");
  const leave = new AbortController();
  const refused = assert.rejects(streamer.fetch("/wait", { signal: leave.signal }));
  await eventually(async () => assert.deepEqual(await streamer.log(), ["waits"]));
  leave.abort();
  await said("lost-client", "aborted /wait");
  await refused;
});

test("a response that fails half way breaks off instead of ending", async () => {
  const streamer = connectTo().streamer.getOrCreate("breaks");
  const response = await sendPlain(await urlOf(streamer, "/break"), {});
  assert.equal(response.statusCode, 200);
  let text = "";
  await assert.rejects(async () => {
    for await (const piece of response.setEncoding("utf8")) text += piece as string;
  }, /aborted/);
  assert.equal(text, "first words");
});

test("requests up to 20 MiB are taken, larger ones refused, announced or not", async () => {
  const streamer = connectTo().streamer.getOrCreate("limits");
  const most = await streamer.fetch("/sink", { method: "POST", body: new Uint8Array(20 * MIB) });
  assert.deepEqual(await most.json(), { received: 20 * MIB });
  const announced = await streamer.fetch("/sink", { method: "POST", body: new Uint8Array(20 * MIB + 1) });
  assert.equal(announced.status, 400);
  assert.equal(announced.headers.get("x-rivet-error"), "message.incoming_too_long");
  assert.match(((await announced.json()) as { message: string }).message, /20971520.*maxRequestBodySize/);
  const request = httpRequest(await urlOf(streamer, "/sink"), { method: "POST" });
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  for (let sent = 0; sent <= 20 * MIB; sent += MIB) {
    // The refusal may come while the rest is on its way, and then nothing drains any more.
    if (!request.write(Buffer.alloc(MIB))) await Promise.race([once(request, "drain"), answered]);
  }
  request.end();
  const [response] = await answered;
  assert.equal(response.statusCode, 400);
  assert.equal(response.headers["x-rivet-error"], "message.incoming_too_long");
  response.resume();
});

test("a handler may answer without reading what it is sent", async () => {
  const streamer = connectTo().streamer.getOrCreate("ignores");
  for (let round = 0; round < 3; round++) {
    const response = await streamer.fetch("/ignore", { method: "POST", body: new Uint8Array(5 * MIB) });
    assert.equal(await response.text(), "not interested");
  }
});

test("an answer of any size streams", async () => {
  const response = await connectTo().streamer.getOrCreate("large").fetch("/endless");
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let read = 0;
  while (read < 64 * MIB) {
    const { value } = await reader.read();
    assert.ok(value?.every((byte) => byte === 7));
    read += value?.length ?? 0;
  }
  await reader.cancel();
});

test("a request wakes a sleeping actor, and an open stream ends with the sleep that is asked for", async () => {
  const streamer = connectTo().streamer.getOrCreate("sleeper");
  await streamer.tick();
  const response = await streamer.fetch("/events");
  const reader = textReader(response);
  assert.equal((await reader.read()).value, "data: 1\n\n");
  await streamer.sleep();
  assert.equal((await reader.read()).done, true);
  const again = await streamer.fetch("/events");
  const next = textReader(again);
  assert.equal((await next.read()).value, "data: 1\n\n");
  await next.cancel();
});

test("a stale handle by key works again after the actor was destroyed", { skip: MANAGED }, async () => {
  const client = connectTo();
  const mirror = client.mirror.getOrCreate("stale");
  assert.equal((await seen(mirror.fetch("/x"))).hits, 1);
  const id = await mirror.resolve();
  await fetch(`${server.url}/actors/${id}?namespace=default`, { method: "DELETE" });
  assert.equal((await seen(mirror.fetch("/x"))).hits, 1);
  const stale = await client.mirror.getForId(id).fetch("/x");
  assert.equal(stale.status, 404);
});

test("a malformed request ends its connection only", async () => {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    "POST /gateway/mirror/request/x?rvt-namespace=default HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
  );
  let text = "";
  socket.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  await once(socket, "close");
  assert.match(text, /^HTTP\/1\.1 400/);
  assert.equal((await seen(connectTo().mirror.getOrCreate("after").fetch("/x"))).hits, 1);
});

test("a server that is killed in the middle of a stream leaves it broken off, not ended", async () => {
  const own = await ServerProcess.start({ script: join(DIST, "server/raw-main.js") });
  try {
    const streamer = createClient<typeof registry>(own.url).streamer.getOrCreate("killed");
    await streamer.tick();
    const response = await streamer.fetch("/events");
    const reader = textReader(response);
    assert.equal((await reader.read()).value, "data: 1\n\n");
    await streamer.tick();
    assert.equal((await reader.read()).value, "data: 2\n\n");
    await own.kill();
    await assert.rejects(reader.read());
    await own.restart();
    assert.equal(await streamer.count(), 2);
  } finally {
    await own.dispose();
  }
});

test("an open stream does not hold up a shutdown", async () => {
  const own = await ServerProcess.start({ script: join(DIST, "server/raw-main.js") });
  try {
    const streamer = createClient<typeof registry>(own.url).streamer.getOrCreate("shutdown");
    const response = await streamer.fetch("/events");
    const reader = textReader(response);
    assert.equal((await reader.read()).value, "data: 0\n\n");
    const begun = performance.now();
    const stopped = own.stop("SIGTERM");
    assert.equal((await reader.read()).done, true);
    assert.equal(await stopped, 0);
    assert.ok(performance.now() - begun < 5_000);
  } finally {
    await own.dispose();
  }
});
