import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type ActorConn,
  type ActorError,
  type ConnStatus,
  createClient,
  type Encoding,
} from "@greenroom/client";
import { FakeClock, settle } from "./support/fake-clock.js";
import { call, FakeNetwork, subscription } from "./support/fake-fetch.js";

interface Setup {
  readonly conn: ActorConn<unknown> & { say(...args: unknown[]): Promise<unknown> };
  readonly clock: FakeClock;
  readonly network: FakeNetwork;
  readonly statuses: ConnStatus[];
  readonly errors: string[];
  readonly closes: string[];
}

async function connect(encoding: Encoding = "json", params?: unknown): Promise<Setup> {
  const clock = new FakeClock();
  const network = new FakeNetwork();
  const client = createClient({
    endpoint: "http://ns:secret@host:1/base",
    disableMetadataLookup: true,
    transport: "sse",
    encoding,
    headers: { "x-mine": "1" },
    runtime: {
      fetch: network.fetch,
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      random: () => 0,
      loadWebSocket: () => assert.fail("no WebSocket is wanted"),
    },
  });
  const conn = client.getOrCreate("room", "9", { params }).connect() as Setup["conn"];
  const statuses: ConnStatus[] = [];
  const errors: string[] = [];
  const closes: string[] = [];
  conn.onStatusChange((status) => statuses.push(status));
  conn.onError((error) => errors.push(codeOf(error)));
  conn.onClose(({ code, reason }) => closes.push(`${code} ${reason}`));
  await settle();
  return { conn, clock, network, statuses, errors, closes };
}

function codeOf(error: ActorError): string {
  return `${error.group}.${error.code}`;
}

/** Lets the pieces of a stream go through all the promises they have to go through. */
async function settled(): Promise<void> {
  for (let round = 0; round < 10; round++) await settle();
}

describe("a connection over an event stream", () => {
  test("asks for the stream with everything a call says in its headers", async () => {
    const { network } = await connect("json", { user: "ann" });
    const { url, headers } = network.stream;
    const { pathname, searchParams } = new URL(url);
    assert.equal(pathname, "/base/gateway/room/sse");
    assert.equal(searchParams.get("rvt-namespace"), "ns");
    assert.equal(headers.get("accept"), "text/event-stream, application/vnd.greenroom.stream");
    assert.equal(headers.get("x-rivet-encoding"), "json");
    assert.equal(headers.get("x-rivet-conn-params"), '{"user":"ann"}');
    assert.equal(headers.get("x-rivet-token"), "secret");
    assert.equal(headers.get("x-mine"), "1");
  });

  test("sends nothing before Init, then one request after the other, each with all that waits", async () => {
    const { conn, network } = await connect();
    const calls = [conn.say(0)];
    conn.on("said", () => {});
    network.stream.init("c7");
    await settled();
    const bodies = () => network.posts.map(({ body }) => body.split("\n"));
    const first = [subscription("said"), call(0, "say", 0)];
    assert.deepEqual(bodies(), [first]);
    const [post] = network.posts;
    assert.equal(post?.url, "http://host:1/base/connections/c7/message");
    assert.equal(post?.headers.get("x-rivet-conn-token"), "token of c7");
    assert.equal(post?.headers.get("content-type"), "application/json");
    calls.push(conn.say(1), conn.say("x".repeat(65_000)), conn.say("y".repeat(70_000)), conn.say(4));
    await settled();
    assert.equal(network.posts.length, 1);
    for (let index = 0; index < network.posts.length; index++) {
      network.posts[index]?.answer(202);
      await settled();
    }
    assert.deepEqual(bodies(), [
      first,
      [call(1, "say", 1), call(2, "say", "x".repeat(65_000))],
      [call(3, "say", "y".repeat(70_000))],
      [call(4, "say", 4)],
    ]);
    for (const id of [4, 3, 2, 1, 0]) {
      network.stream.message("ActionResponse", { id: ["$BigInt", String(id)], output: id });
    }
    assert.deepEqual(await Promise.all(calls), [0, 1, 2, 3, 4]);
    assert.equal(conn.connectionId, "c7");
  });

  test("reads events however the network cuts them", async () => {
    const { conn, network } = await connect();
    const heard: unknown[] = [];
    conn.on("said", (text) => heard.push(text));
    network.stream.init();
    await settled();
    const texts = ["é\u2028€ 🎭", "two\nlines\r\n\r\n", ""];
    const written = texts
      .map(
        (text) =>
          `id: 2\ndata: ${JSON.stringify({ body: { tag: "Event", val: { name: "said", args: [text] } } })}\n\n`,
      )
      .join(":\n\n");
    for (const byte of new TextEncoder().encode(`:\n\n${written}`)) network.stream.write(Uint8Array.of(byte));
    while (heard.length < texts.length) await settle();
    assert.deepEqual(heard, texts);
    network.stream.write(`${written}${written}`);
    while (heard.length < texts.length * 3) await settle();
    assert.deepEqual(heard, [...texts, ...texts, ...texts]);
  });

  test("carries the binary encodings in base64 down and as they are up", async () => {
    const { conn, network } = await connect("bare");
    const answer = conn.say(1);
    network.stream.open();
    const init = Buffer.from("0400 00 02 6131 02 6331 01 74".replace(/ /g, ""), "hex");
    network.stream.write(`id: 1\ndata: ${init.toString("base64")}\n\n`);
    await settled();
    assert.equal(network.posts[0]?.body, "0000000b0400000003736179028101");
    assert.equal(network.posts[0]?.headers.get("content-type"), "application/octet-stream");
    assert.equal(network.posts[0]?.headers.get("x-rivet-conn-token"), "t");
    network.stream.write(`id: 2\ndata: ${Buffer.from("040002000107", "hex").toString("base64")}\n\n`);
    assert.equal(await answer, 7);
  });

  test("closes as the server says", async () => {
    const { network, closes, clock, statuses } = await connect();
    network.stream.init();
    await settled();
    network.stream.write('event: close\ndata: {"code":1000,"reason":"kicked"}\n\n');
    await settled();
    assert.deepEqual(closes, ["1000 kicked"]);
    await clock.advance(125);
    assert.equal(network.streams.length, 2);
    network.stream.init();
    await settled();
    assert.deepEqual(statuses, ["connecting", "connected", "disconnected", "connecting", "connected"]);
  });

  test("a refusal on the stream is told in the server's words", async () => {
    const { conn, network, errors } = await connect();
    const waiting = conn.say(1);
    network.stream.open();
    const error = { group: "user", code: "banned", message: "not you", actionId: null };
    network.stream.message("Error", error);
    network.stream.write('event: close\ndata: {"code":1011,"reason":"user.banned"}\n\n');
    await assert.rejects(waiting, { group: "user", code: "banned", message: "not you" });
    assert.deepEqual(errors, ["user.banned"]);
  });

  test("a refusal instead of the stream is an error of the server, a strange answer is none", async () => {
    const { conn, network, errors, clock } = await connect();
    const waiting = conn.say(1);
    network.stream.answer(503, "actor.stopping", "{}");
    await settled();
    await clock.advance(125);
    network.stream.answer(502, undefined, "<html>");
    await settled();
    await clock.advance(250);
    network.stream.fail();
    await settled();
    assert.deepEqual(errors, [
      "actor.stopping",
      "client.connection_open_failed",
      "client.connection_open_failed",
    ]);
    await clock.advance(500);
    network.stream.answer(403, "auth.forbidden", "{}");
    await assert.rejects(waiting, { group: "auth", code: "forbidden" });
  });

  for (const [how, failure] of [
    ["breaks off", (network: FakeNetwork) => network.stream.end()],
    ["loses a message on its way up", (network: FakeNetwork) => network.posts[0]?.fail()],
    ["is no longer known", (network: FakeNetwork) => network.posts[0]?.answer(404, "connection.not_found")],
  ] as const) {
    test(`a connection that ${how} is lost, and comes back`, async () => {
      const { conn, network, closes, clock } = await connect();
      const lost = conn.say(1);
      network.stream.init("c1");
      await settled();
      const before = network.stream;
      failure(network);
      await assert.rejects(lost, { group: "client", code: "connection_lost", retryable: true });
      assert.deepEqual(closes, ["1006 "]);
      assert.ok(before.aborted);
      await clock.advance(125);
      network.stream.init("c2");
      await settled();
      assert.equal(conn.connectionId, "c2");
    });
  }

  test("a stream without heartbeats is lost after 45 seconds, one with them is not", async () => {
    const { network, clock, closes, conn } = await connect();
    network.stream.init("c1");
    await settled();
    for (let beats = 0; beats < 3; beats++) {
      await clock.advance(44_999);
      network.stream.write(":\n\n");
      await settled();
    }
    assert.deepEqual(closes, []);
    await clock.advance(44_999);
    assert.equal(conn.connStatus, "connected");
    await clock.advance(1);
    assert.deepEqual(closes, ["1006 "]);
    assert.ok(network.stream.aborted);
    await clock.advance(125);
    network.stream.init("c2");
    await settled();
    assert.equal(conn.connectionId, "c2");
  });

  test("a message that the server does not take is its error", async () => {
    const { conn, network } = await connect();
    const tooLong = conn.say("x");
    network.stream.init();
    await settled();
    network.posts[0]?.answer(400, "message.incoming_too_long");
    await assert.rejects(tooLong, { group: "message", code: "incoming_too_long" });
  });

  test("dispose lets go out what was sent, then ends the stream; a server that hangs delays it by a second", async () => {
    for (const hangs of [false, true]) {
      const { conn, network, clock } = await connect();
      const call = conn.say(1);
      network.stream.init();
      await settled();
      const disposed = conn.dispose();
      await assert.rejects(call, { code: "connection_disposed" });
      await settled();
      assert.ok(!network.stream.aborted);
      if (hangs) await clock.advance(1_000);
      else network.posts[0]?.answer(202);
      await disposed;
      assert.ok(network.stream.aborted);
      assert.equal(clock.pending, 0);
    }
  });

  test("dispose while it opens gives up the request", async () => {
    const { conn, network, clock } = await connect();
    await conn.dispose();
    assert.ok(network.stream.aborted);
    assert.equal(clock.pending, 0);
  });
});
