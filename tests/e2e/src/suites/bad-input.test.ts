/** Whatever is sent to the server over HTTP: it says what is wrong, and goes on serving. */

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { after, afterEach, before, describe, test } from "node:test";
import { BODY_CASES } from "../bad-input/body-cases.js";
import { errorOf } from "../bad-input/error-body.js";
import { HTTP_CASES } from "../bad-input/http-cases.js";
import { type RawRequest, send } from "../bad-input/raw-http.js";
import { residentBytes } from "../bad-input/resident.js";
import { action } from "../bad-input/urls.js";
import { ServerProcess } from "../harness/server.js";

let server: ServerProcess;
/** One connection, kept: what is refused must not cost it. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
before(async () => {
  server = await ServerProcess.start({ env: { GREENROOM_ALLOWED_ORIGINS: "https://example.com" } });
  await goodCall();
});
after(async () => {
  agent.destroy();
  await server.dispose();
});

const INCREMENT: RawRequest = { path: action("increment"), body: '{"args":[1]}' };
let count = 0;

/** An ordinary call, which has to work and to have run exactly as often as it was made. */
async function goodCall(): Promise<void> {
  count += 1;
  const answer = await send(server.port, INCREMENT, agent);
  assert.equal(answer.status, 200);
  assert.deepEqual(JSON.parse(answer.body.toString()), { output: count });
}

async function check(request: RawRequest, encoding: string, status: number, error: string): Promise<void> {
  const answer = await send(server.port, request, agent);
  const { group, code } = errorOf(answer, encoding);
  assert.deepEqual([answer.status, `${group}.${code}`], [status, error]);
}

describe("requests", () => {
  afterEach(goodCall);

  for (const { what, request, status, error } of HTTP_CASES) {
    test(`${what} gets ${status} ${error}`, () => check(request, "json", status, error));
  }

  for (const encoding of ["cbor", "bare"]) {
    test(`an unknown action gets its error in ${encoding}`, async () => {
      const body = encoding === "cbor" ? Uint8Array.from([0xa0]) : Uint8Array.from([4, 0, 1, 0x80]);
      const request = { path: action("nope"), headers: { "x-rivet-encoding": encoding }, body };
      const answer = await send(server.port, request, agent);
      assert.equal(answer.headers["content-type"], "application/octet-stream");
      assert.equal(errorOf(answer, encoding).code, "action_not_found");
    });
  }

  test("an unknown encoding counts as JSON, and too much said is ignored", async () => {
    for (const body of ['{"args":[7]}', '{"args":7}', '{"nope":1,"args":[7,8]}']) {
      const headers = { "x-rivet-encoding": "yaml" };
      const answer = await send(server.port, { path: action("echo"), headers, body }, agent);
      assert.deepEqual([answer.status, answer.body.toString()], [200, '{"output":7}'], body);
    }
  });

  test("pages of other origins can read every error", async () => {
    const headers = { origin: "https://example.com" };
    for (const path of [
      "/nowhere",
      action("nope"),
      action("x", { actor: "stranger" }),
      "/gateway/a?rvt-nope=1",
    ]) {
      const answer = await send(server.port, { path, headers, body: "{}" }, agent);
      assert.ok(answer.status >= 400);
      assert.equal(answer.headers["access-control-allow-origin"], "https://example.com", path);
    }
  });

  test("an error says where it comes from", async () => {
    const unrouted = await send(server.port, { method: "GET", path: "/nowhere" }, agent);
    assert.equal(unrouted.headers["x-rivet-error"], "guard.no_route");
    const elsewhere = await send(server.port, { path: action("a/b"), body: "{}" }, agent);
    assert.deepEqual(errorOf(elsewhere, "json").metadata, { resource: "route", id: "/action/a/b" });
  });
});

describe("bodies", () => {
  afterEach(goodCall);

  for (const { encoding, what, body, error = "encoding.invalid" } of BODY_CASES) {
    test(`${encoding}: ${what} gets 400 ${error}`, () =>
      check(
        { path: action("increment"), headers: { "x-rivet-encoding": encoding }, body },
        encoding,
        400,
        error,
      ));
  }

  for (const chunked of [false, true]) {
    test(`over the limit${chunked ? " in chunks" : ""} gets 400 message.incoming_too_long`, async () => {
      const body = JSON.stringify({ args: ["x".repeat(70_000)] });
      await check({ path: action("echo"), body, chunked }, "json", 400, "message.incoming_too_long");
    });
  }

  test("announced with a size that nobody would read gets its error before it is sent", async () => {
    const headers = { "content-length": String(2 ** 40), connection: "close" };
    const request = { path: action("echo"), headers, body: "{" };
    const answer = await send(server.port, request);
    assert.equal(errorOf(answer, "json").code, "incoming_too_long");
  });
});

describe("heads", () => {
  afterEach(goodCall);

  for (const [what, request] of [
    ["a header of 1 MB", { method: "GET", path: "/health", headers: { "x-long": "x".repeat(1_000_000) } }],
    ["a path of 1 MB", { method: "GET", path: `/${"x".repeat(1_000_000)}` }],
  ] as const) {
    test(`${what} is refused with a status of the client's`, async () => {
      const status = await send(server.port, request).then(
        (answer) => answer.status,
        // The server need not read to the end of what it has refused.
        (error: { code?: string }) => error.code,
      );
      assert.ok([400, 404, 413, 414, 431, "ECONNRESET", "EPIPE"].includes(status ?? ""), String(status));
    });
  }
});

test("all of it over and over does not fill the memory", { skip: process.platform !== "linux" }, async () => {
  const several = new Agent({ keepAlive: true, maxSockets: 8 });
  const everything = [
    ...HTTP_CASES.map(({ request }) => request),
    ...BODY_CASES.map(({ encoding, body }) => ({
      path: action("increment"),
      headers: { "x-rivet-encoding": encoding },
      body,
    })),
  ];
  const round = () => Promise.all(everything.map((request) => send(server.port, request, several)));
  const { pid } = server;
  assert.ok(pid !== undefined);
  for (let i = 0; i < 3; i++) await round();
  const before = await residentBytes(pid);
  for (let i = 0; i < 12; i++) await round();
  const grown = (await residentBytes(pid)) - before;
  several.destroy();
  assert.ok(grown < 48 * 1024 * 1024, `the server grew by ${grown} bytes`);
  await goodCall();
  assert.doesNotMatch(server.stderr, /panicked|RangeError|TypeError/);
});
