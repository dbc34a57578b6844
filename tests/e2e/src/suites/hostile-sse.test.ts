/** Event streams and the way up beside them, with those who have no business there and messages that lie. */

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { join } from "node:path";
import { after, afterEach, before, describe, type TestContext, test } from "node:test";
import { decodeValue } from "@greenroom/client/codec";
import { BareReader } from "../bad-input/bare.js";
import { errorOf } from "../bad-input/error-body.js";
import { send } from "../bad-input/raw-http.js";
import { openFiles, residentBytes } from "../bad-input/resident.js";
import { query } from "../bad-input/urls.js";
import { jsonAction } from "../bad-input/ws-client.js";
import { RawEventStream } from "../harness/event-stream.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

const MIB = 1024 * 1024;
let server: ServerProcess;
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
/** A connection that has done nothing wrong and must not notice what others do. */
let bystander: Stream;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/hostile-main.js") });
  bystander = await open("bystander");
});
after(async () => {
  bystander.close();
  agent.destroy();
  await server.dispose();
});

interface Stream {
  readonly id: string;
  readonly token: string;
  readonly events: RawEventStream;
  close(): void;
}

async function open(key: string, encoding = "json", headers: Record<string, string> = {}): Promise<Stream> {
  const target = `${server.url}/gateway/counter/sse?${query({ "rvt-key": key })}&rvt-encoding=${encoding}`;
  const events = await RawEventStream.open(target, headers);
  const close = () => events.close();
  if (encoding !== "json") {
    const lines = (await events.next()) ?? [];
    const init = Buffer.from(lines[1]?.slice("data: ".length) ?? "", "base64");
    return { ...initOf(encoding, init), events, close };
  }
  const { data } = await events.event();
  const { val } = (data as { body: { val: { connectionId: string; connectionToken: string } } }).body;
  return { id: val.connectionId, token: val.connectionToken, events, close };
}

/** What `Init` says in the binary encodings. */
function initOf(encoding: string, init: Buffer): { readonly id: string; readonly token: string } {
  if (encoding === "cbor") {
    const { body } = decodeValue(init, "native") as {
      readonly body: { readonly val: { readonly connectionId: string; readonly connectionToken: string } };
    };
    return { id: body.val.connectionId, token: body.val.connectionToken };
  }
  const reader = new BareReader(init);
  reader.u16();
  assert.equal(reader.uint(), 0);
  reader.text();
  return { id: reader.text(), token: reader.text() };
}

function post(id: string, token: string | undefined, body: string | Uint8Array, method = "POST") {
  const headers: Record<string, string> = token === undefined ? {} : { "x-rivet-conn-token": token };
  return send(server.port, { method, path: `/connections/${id}/message`, headers, body }, agent);
}

async function refused(status: number, error: string, ...what: Parameters<typeof post>): Promise<void> {
  const answer = await post(...what);
  const { group, code } = errorOf(answer, "json");
  assert.deepEqual([answer.status, `${group}.${code}`], [status, error], what[0].slice(0, 60));
}

const INCREMENT = jsonAction(1, "increment", [1]);
let count = 0;
/** An ordinary call, which has to work and to have run exactly as often as it was made. */
async function goodCall(): Promise<void> {
  count += 1;
  assert.equal((await post(bystander.id, bystander.token, INCREMENT)).status, 202);
  assert.equal(await output(bystander), count);
}

async function output({ events }: Stream): Promise<unknown> {
  const { data } = await events.event();
  return (data as { body: { val: { output: unknown } } }).body.val.output;
}

const LONG = "x".repeat(5_000);

describe("strangers", () => {
  afterEach(goodCall);

  test("find nobody under names that are none", async () => {
    const ids = [
      "__proto__",
      "constructor",
      "0",
      LONG,
      "%00",
      "%2e%2e",
      "..",
      "a%2Fb",
      "%ff",
      "*",
      "'--",
      "😀",
    ];
    for (const id of ids)
      await refused(404, "connection.not_found", encodeURI(id), bystander.token, INCREMENT);
    for (const id of ["", "a/b", "../../health"]) {
      await refused(404, "guard.no_route", id, bystander.token, INCREMENT);
    }
  });

  test("get nowhere without the token, with another's, and with some of it", async (t: TestContext) => {
    const other = await open("other");
    t.after(() => other.close());
    const { id, token } = bystander;
    const tokens = [
      undefined,
      "",
      other.token,
      token.slice(1),
      `${token}x`,
      token.toLowerCase(),
      LONG,
      `${token},`,
    ];
    for (const claimed of tokens) await refused(403, "auth.forbidden", id, claimed, INCREMENT);
    for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
      await refused(405, "actor.method_not_allowed", id, token, INCREMENT, method);
    }
  });

  test("guess in vain, a thousand times", async () => {
    const guesses = Array.from({ length: 1000 }, (_, n) => post(bystander.id, `guess-${n}`, INCREMENT));
    const statuses = new Set((await Promise.all(guesses)).map(({ status }) => status));
    assert.deepEqual([...statuses], [403]);
  });

  test("cannot claim a connection by its number or by nonsense", async (t: TestContext) => {
    for (const claim of [
      bystander.id,
      `${bystander.id}:1`,
      "-1",
      "99999999999999999999",
      "__proto__",
      LONG,
      "\u00ff",
    ]) {
      const stream = await open("bystander", "json", { "last-event-id": claim });
      t.after(() => stream.close());
      assert.notEqual(stream.id, bystander.id);
    }
  });
});

describe("messages", () => {
  afterEach(goodCall);

  test("come by the thousands at once, and each runs once", async (t: TestContext) => {
    const stream = await open("many");
    t.after(() => stream.close());
    const sent = Array.from({ length: 2000 }, () => post(stream.id, stream.token, INCREMENT));
    const heard = new Set<unknown>();
    while (heard.size < 2000) heard.add(await output(stream));
    for (const { status } of await Promise.all(sent)) assert.equal(status, 202);
  });

  const length = (bytes: number, body: Buffer) => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(bytes);
    return Buffer.concat([head, body]);
  };
  const lies: readonly (readonly [string, string, string | Buffer, string, string])[] = [
    ["json", "half a message", '{"body":', "encoding.invalid", "actor.invalid_request"],
    ["json", "no message", "\n\n", "request.invalid", "actor.invalid_request"],
    ["json", "another kind", '{"body":{"tag":"Init","val":{}}}', "request.invalid", "actor.invalid_request"],
    ["json", "depth", "[".repeat(60_000), "encoding.invalid", "actor.invalid_request"],
    [
      "json",
      "size",
      jsonAction(1, "echo", ["x".repeat(70_000)]),
      "message.incoming_too_long",
      "message.incoming_too_long",
    ],
    [
      "json",
      "sizes",
      `${INCREMENT}\n`.repeat(9_000),
      "message.incoming_too_long",
      "message.incoming_too_long",
    ],
    [
      "bare",
      "a length of 4 GiB",
      length(2 ** 32 - 1, Buffer.from([4, 0])),
      "encoding.invalid",
      "actor.invalid_request",
    ],
    [
      "bare",
      "a length of less",
      length(1, Buffer.from([4, 0, 0])),
      "encoding.invalid",
      "actor.invalid_request",
    ],
    ["bare", "half a length", Buffer.from([0, 0, 0]), "encoding.invalid", "actor.invalid_request"],
    ["bare", "nothing", Buffer.alloc(0), "request.invalid", "actor.invalid_request"],
    ["bare", "a thousand of nothing", Buffer.alloc(4000), "encoding.invalid", "actor.invalid_request"],
    [
      "cbor",
      "a map of 2^64 - 1",
      length(9, Buffer.from([0xbb, ...Array(8).fill(0xff)])),
      "encoding.invalid",
      "actor.invalid_request",
    ],
  ];
  for (const [encoding, what, body, error, reason] of lies) {
    test(`that lie end their own connection: ${what} in ${encoding}`, async (t: TestContext) => {
      const stream = await open(`lies-${encoding}`, encoding);
      t.after(() => stream.close());
      const answer = await post(stream.id, stream.token, body);
      const { group, code } = errorOf(answer, "json");
      assert.deepEqual([answer.status, `${group}.${code}`], [400, error]);
      for (;;) {
        const lines = await stream.events.next();
        assert.ok(lines !== undefined, "no close");
        if (lines[0] !== "event: close") continue;
        assert.deepEqual(JSON.parse(lines[1]?.slice("data: ".length) ?? ""), { code: 1011, reason });
        break;
      }
      await eventually(() => refused(404, "connection.not_found", stream.id, stream.token, INCREMENT));
    });
  }
});

test("streams that come and go leave nothing behind", { skip: process.platform !== "linux" }, async () => {
  const { pid } = server;
  assert.ok(pid !== undefined);
  const round = async () => {
    const streams = await Promise.all(Array.from({ length: 100 }, (_, n) => open(`round-${n % 10}`)));
    await Promise.all(streams.map(({ id, token }) => post(id, token, INCREMENT)));
    for (const stream of streams) stream.close();
  };
  for (let n = 0; n < 4; n++) await round();
  const [bytes, files] = [await residentBytes(pid), await openFiles(pid)];
  for (let n = 0; n < 8; n++) await round();
  const grown = (await residentBytes(pid)) - bytes;
  assert.ok(grown < 48 * MIB, `the server grew by ${grown} bytes`);
  await eventually(async () => assert.ok((await openFiles(pid)) <= files + 8, "sockets are left"));
  await goodCall();
  assert.doesNotMatch(server.stderr, /panicked|RangeError|TypeError/);
});
