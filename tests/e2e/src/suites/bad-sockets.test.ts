/** Whatever is sent to the server over WebSockets: it says what is wrong, and goes on serving. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, afterEach, before, describe, test } from "node:test";
import { errorOf } from "../bad-input/error-body.js";
import { FRAME_CASES } from "../bad-input/frame-cases.js";
import { send } from "../bad-input/raw-http.js";
import { residentBytes } from "../bad-input/resident.js";
import { connect, type QueryChanges } from "../bad-input/urls.js";
import { type FrameParts, frame, WireSocket } from "../bad-input/wire.js";
import { bareAction, JSON_INCREMENT, jsonAction, readBare, TestSocket } from "../bad-input/ws-client.js";
import { ServerProcess } from "../harness/server.js";

let server: ServerProcess;
/** A connection that has done nothing wrong and must not notice what others do. */
let bystander: TestSocket;
let count = 0;
before(async () => {
  server = await ServerProcess.start();
  bystander = await TestSocket.connect(server.port, "json");
});
after(async () => {
  bystander.close();
  await server.dispose();
});

/** An ordinary call, which has to work and to have run exactly as often as it was made. */
async function goodCall(): Promise<void> {
  count += 1;
  await increment(bystander);
}

async function increment(socket: TestSocket): Promise<void> {
  socket.send(JSON_INCREMENT);
  const val = { id: ["$BigInt", "7"], output: count };
  assert.deepEqual(JSON.parse(String(await socket.next())), { body: { tag: "ActionResponse", val } });
}

describe("handshakes", () => {
  afterEach(goodCall);
  const offer = (...more: string[]) => ["rivet", "rivet_encoding.json", ...more];
  const changes = (changed: QueryChanges) => connect({ changes: changed });
  const params = (value: string) => `rivet_conn_params.${encodeURIComponent(value)}`;
  const without = { "rvt-runner": undefined };

  for (const [what, path, protocols, code, reason] of [
    [
      "an unknown encoding",
      connect(),
      ["rivet", "rivet_encoding.yaml"],
      1003,
      "actor.unsupported_websocket_encoding",
    ],
    ["an unknown actor", connect({ actor: "stranger" }), offer(), 1011, "actor.not_registered"],
    ["an id that nobody has", `/gateway/${"0".repeat(32)}/connect`, offer(), 1011, "actor.not_found"],
    [
      "a key that nobody has",
      changes({ "rvt-method": "get", "rvt-key": "nobody", ...without }),
      offer(),
      1011,
      "actor.not_found",
    ],
    ["an unknown path", connect({ path: "/nowhere" }), offer(), 1011, "actor.not_found"],
    ["a slash behind the path", connect({ path: "/connect/" }), offer(), 1011, "actor.not_found"],
    [
      "a raw WebSocket to an actor without a handler",
      connect({ path: "/websocket" }),
      offer(),
      1011,
      "actor.websocket_not_supported",
    ],
    ["//", `/gateway//counter/connect?${connect().split("?")[1]}`, offer(), 1011, "guard.no_route"],
    ["an unknown method", changes({ "rvt-method": "steal" }), offer(), 1011, "guard.query_invalid_params"],
    ["a missing pool", changes(without), offer(), 1011, "guard.query_missing_pool"],
    ["a bad escape", changes({ "rvt-key": "%zz" }), offer(), 1011, "guard.query_invalid_percent_encoding"],
    ["an unknown namespace", changes({ "rvt-namespace": "elsewhere" }), offer(), 1011, "namespace.not_found"],
    ["a key over the limit", changes({ "rvt-key": "x".repeat(129) }), offer(), 1011, "actor.key_too_large"],
    ["params that are not JSON", connect(), offer(params("{nope")), 1011, "actor.invalid_request"],
    ["params that are no escapes", connect(), offer("rivet_conn_params.%zz"), 1011, "actor.invalid_request"],
    [
      "params over the limit",
      connect(),
      offer(params(JSON.stringify("x".repeat(4096)))),
      1011,
      "message.incoming_too_long",
    ],
  ] as const) {
    test(`${what} is told by close ${code} ${reason}`, async () => {
      const socket = await TestSocket.open(server.port, path, protocols);
      assert.equal(socket.raw.protocol, "rivet");
      assert.deepEqual(await socket.ended, { code, reason });
    });
  }

  test("no subprotocol at all is JSON, and none is chosen", async () => {
    const socket = await TestSocket.open(server.port, connect(), []);
    assert.equal(socket.raw.protocol, "");
    assert.equal(JSON.parse(String(await socket.next())).body.tag, "Init");
    count += 1;
    await increment(socket);
    socket.close();
  });

  for (const [what, headers] of [
    ["no key", { "sec-websocket-version": "13" }],
    ["an old version", { "sec-websocket-version": "8", "sec-websocket-key": "BwcHBwcHBwcHBwcHBwcHBw==" }],
  ] as const) {
    test(`a handshake with ${what} is refused over HTTP`, async () => {
      const upgrade = { connection: "Upgrade", upgrade: "websocket", ...headers };
      const answer = await send(server.port, { method: "GET", path: connect(), headers: upgrade });
      assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status));
      assert.equal(errorOf(answer, "json").group, "request");
    });
  }
});

describe("messages that cannot be read end their connection", () => {
  afterEach(goodCall);

  for (const { encoding, what, message, code, reason } of FRAME_CASES) {
    test(`${encoding}: ${what} gets close ${code} ${reason}`, async () => {
      const socket = await TestSocket.connect(server.port, encoding);
      socket.send(message);
      assert.deepEqual(await socket.ended, { code, reason });
    });
  }
});

describe("calls that are refused leave their connection alone", () => {
  afterEach(goodCall);

  test("json: an unknown action", async () => {
    const socket = await TestSocket.connect(server.port, "json");
    for (const name of ["nope", "__proto__", "constructor", ""]) {
      socket.send(jsonAction(3, name, []));
      const { tag, val } = JSON.parse(String(await socket.next())).body;
      assert.deepEqual([tag, val.actionId, val.code], ["Error", ["$BigInt", "3"], "action_not_found"]);
    }
    count += 1;
    await increment(socket);
    socket.close();
  });

  test("bare: an unknown action", async () => {
    const socket = await TestSocket.connect(server.port, "bare");
    socket.send(bareAction(9, "nope", [0x80]));
    const error = readBare(await socket.next());
    assert.deepEqual([error.tag, error.text(), error.text()], [1, "actor", "action_not_found"]);
    socket.send(bareAction(10, "getCount", [0x80]));
    assert.equal(readBare(await socket.next()).tag, 2);
    socket.close();
  });

  test("json: a reply over the limit", async () => {
    const socket = await TestSocket.connect(server.port, "json", "faulty");
    socket.send(jsonAction(1, "bigReply", [2_000_000]));
    const { tag, val } = JSON.parse(String(await socket.next())).body;
    assert.deepEqual([tag, `${val.group}.${val.code}`], ["Error", "message.outgoing_too_long"]);
    socket.send(jsonAction(2, "nested.deep.act", [1]));
    assert.equal(JSON.parse(String(await socket.next())).body.val.output, 2);
    socket.close();
  });

  test("arguments that are none or no list are taken as they are meant", async () => {
    const socket = await TestSocket.connect(server.port, "json");
    for (const [args, output] of [
      [undefined, ["$Undefined", 0]],
      [null, ["$Undefined", 0]],
      ["x", "x"],
      [[1, 2], 1],
    ]) {
      socket.send(jsonAction(1, "echo", args));
      assert.deepEqual(JSON.parse(String(await socket.next())).body.val.output, output);
    }
    socket.close();
  });

  test("subscriptions to what nobody sends, again and again", async () => {
    const socket = await TestSocket.connect(server.port, "json");
    for (const subscribe of [true, true, false, false, true]) {
      socket.send(
        JSON.stringify({ body: { tag: "SubscriptionRequest", val: { eventName: "nope", subscribe } } }),
      );
    }
    count += 1;
    await increment(socket);
    socket.close();
  });
});

describe("frames against RFC 6455", () => {
  afterEach(goodCall);
  const TEXT = 1;
  const [CLOSE, PING] = [8, 9];
  const payload = Buffer.from(JSON_INCREMENT);
  const half = Buffer.alloc(40_000, 0x20);

  for (const [what, frames, code, reason] of [
    ["a frame without a mask", [{ opcode: TEXT, payload, masked: false }], 1002, undefined],
    ["an unknown opcode", [{ opcode: 3, payload }], 1002, undefined],
    ["an unknown control opcode", [{ opcode: 11 }], 1002, undefined],
    ["reserved bits", [{ opcode: TEXT, payload, reserved: 4 }], 1002, undefined],
    ["a ping in pieces", [{ opcode: PING, fin: false }], 1002, undefined],
    ["a ping that is too long", [{ opcode: PING, payload: Buffer.alloc(126) }], 1002, undefined],
    ["a continuation of nothing", [{ opcode: 0, payload }], 1002, undefined],
    [
      "a message inside another",
      [
        { opcode: TEXT, fin: false, payload },
        { opcode: TEXT, payload },
      ],
      1002,
      undefined,
    ],
    ["a close code of one byte", [{ opcode: CLOSE, payload: Buffer.from([3]) }], 1002, undefined],
    [
      "a close code that nobody may send",
      [{ opcode: CLOSE, payload: Buffer.from([3, 0xed]) }],
      1002,
      undefined,
    ],
    [
      "a text that is not UTF-8",
      [{ opcode: TEXT, payload: Buffer.from([0x22, 0xc3, 0x28, 0x22]) }],
      1007,
      "message.invalid_utf8",
    ],
    [
      "2^63 - 1 bytes announced",
      [{ opcode: 2, announced: 2n ** 63n - 1n }],
      1011,
      "message.incoming_too_long",
    ],
    [
      "2^64 - 1 bytes announced",
      [{ opcode: 2, announced: 2n ** 64n - 1n }],
      1011,
      "message.incoming_too_long",
    ],
    [
      "pieces over the limit together",
      [
        { opcode: TEXT, fin: false, payload: half },
        { opcode: 0, payload: half },
      ],
      1011,
      "message.incoming_too_long",
    ],
  ] satisfies [string, FrameParts[], number, string | undefined][]) {
    test(`${what} gets close ${code}`, async () => {
      const wire = await WireSocket.open(server.port, connect(), "rivet, rivet_encoding.json");
      wire.write(Buffer.concat(frames.map(frame)));
      const closing = await wire.closing();
      assert.equal(closing?.code, code);
      if (reason !== undefined) assert.equal(closing.reason, reason);
      wire.socket.destroy();
    });
  }

  test("pieces, empty pieces and pings between them are one message", async () => {
    const wire = await WireSocket.open(server.port, connect(), "rivet, rivet_encoding.json");
    await wire.next();
    const ping = Buffer.from("are you there");
    const pieces = [
      frame({ opcode: TEXT, fin: false, payload: payload.subarray(0, 10) }),
      frame({ opcode: PING, payload: ping }),
      frame({ opcode: 0, fin: false }),
      frame({ opcode: 0, payload: payload.subarray(10) }),
    ];
    // Byte by byte, as a slow network may bring it.
    for (const byte of Buffer.concat(pieces)) wire.write(Uint8Array.of(byte));
    count += 1;
    assert.deepEqual(await wire.next(), { opcode: 10, payload: ping });
    const answer = await wire.next();
    assert.equal(JSON.parse(String(answer?.payload)).body.val.output, count);
    wire.socket.destroy();
  });

  test("a socket that breaks off inside a frame takes nobody with it", async () => {
    const wire = await WireSocket.open(server.port, connect(), "rivet, rivet_encoding.json");
    await wire.next();
    wire.write(frame({ opcode: TEXT, announced: 1000n, payload }));
    wire.socket.resetAndDestroy();
    await once(wire.socket, "close");
  });
});

test("all of it over and over does not fill the memory", { skip: process.platform !== "linux" }, async () => {
  const { pid } = server;
  assert.ok(pid !== undefined);
  const round = () =>
    Promise.all(
      FRAME_CASES.map(async ({ encoding, message }) => {
        const socket = await TestSocket.connect(server.port, encoding);
        socket.send(message);
        await socket.ended;
      }),
    );
  await round();
  const before = await residentBytes(pid);
  for (let i = 0; i < 5; i++) await round();
  const grown = (await residentBytes(pid)) - before;
  assert.ok(grown < 48 * 1024 * 1024, `the server grew by ${grown} bytes`);
  await goodCall();
  assert.doesNotMatch(server.stderr, /panicked|RangeError|TypeError/);
});
