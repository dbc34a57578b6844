import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loadCompleteCodec } from "../dist/codec/usual.js";
import { bareFormat } from "../dist/protocol/bare-format.js";
import type { Format } from "../dist/protocol/format.js";
import type { ClientFrame, ServerFrame } from "../dist/protocol/frames.js";
import { cborFormat, jsonFormat } from "../dist/protocol/named-formats.js";

// It says where in a value is what cannot be sent.
await loadCompleteCodec();

const formats = { bare: bareFormat, cbor: cborFormat, json: jsonFormat } satisfies Record<string, Format>;

function encodeFrame(encoding: keyof typeof formats, frame: ClientFrame): string | Uint8Array {
  return formats[encoding].encodeFrame(frame);
}

function decodeFrame(encoding: keyof typeof formats, data: unknown): ServerFrame {
  return formats[encoding].decodeFrame(data);
}

function bytes(text: string): Buffer {
  return Buffer.from(text.replace(/ /g, ""), "hex");
}

function buffer(text: string): ArrayBuffer {
  const { buffer: whole, byteOffset, length } = bytes(text);
  return (whole as ArrayBuffer).slice(byteOffset, byteOffset + length);
}

function hex(packet: string | Uint8Array): string {
  return typeof packet === "string" ? packet : Buffer.from(packet).toString("hex");
}

const subscribe: ClientFrame = { tag: "SubscriptionRequest", eventName: "newCount", subscribe: true };
const request: ClientFrame = { tag: "ActionRequest", id: 0, name: "increment", args: [1] };

describe("frames to the server", () => {
  test("bare", () => {
    assert.equal(hex(encodeFrame("bare", subscribe)), hex(bytes("0400 01 08 6e6577436f756e74 01")));
    assert.equal(hex(encodeFrame("bare", request)), hex(bytes("0400 00 00 09 696e6372656d656e74 02 8101")));
    const long = encodeFrame("bare", { ...request, id: 300, name: "a", args: ["x".repeat(200)] });
    assert.equal(hex(long), hex(bytes(`0400 00 ac02 01 61 cb01 81 78c8 ${"78".repeat(200)}`)));
  });

  test("cbor has 64-bit ids", () => {
    assert.equal(
      hex(encodeFrame("cbor", { ...request, name: "a", id: 7 })),
      hex(
        bytes(
          `a1 64 626f6479 a2 63 746167 6d ${Buffer.from("ActionRequest").toString("hex")} 63 76616c a3 62 6964 1b0000000000000007 64 6e616d65 61 61 64 61726773 81 01`,
        ),
      ),
    );
  });

  test("json has escaped ids", () => {
    assert.equal(
      encodeFrame("json", { ...request, id: 7, args: [5n, undefined] }),
      '{"body":{"tag":"ActionRequest","val":{"id":["$BigInt","7"],"name":"increment","args":[["$BigInt","5"],["$Undefined",0]]}}}',
    );
    assert.equal(
      encodeFrame("json", subscribe),
      '{"body":{"tag":"SubscriptionRequest","val":{"eventName":"newCount","subscribe":true}}}',
    );
  });

  test("an argument list that looks like an escape is escaped, except in cbor", () => {
    const frame = { ...request, name: "a", args: ["$x", 1] };
    assert.match(hex(encodeFrame("bare", frame)), /826324247801$/);
    assert.match(hex(encodeFrame("cbor", frame)), /8262247801$/);
    assert.match(hex(encodeFrame("json", frame)), /"args":\["\$\$x",1\]/);
  });

  test("an argument that cannot be sent is named by its path in every encoding", () => {
    for (const encoding of ["bare", "cbor", "json"] as const) {
      const frame = { ...request, args: [1, { fn: () => {} }] };
      assert.throws(() => encodeFrame(encoding, frame), /^TypeError: args\[1\]\.fn is a function/);
    }
  });
});

describe("frames from the server", () => {
  const error = { group: "user", code: "my_code", message: "it failed", metadata: { a: 1, b: "x" } };
  const init = { tag: "Init", actorId: "id", connectionId: "uuid", extensions: "" } as const;
  const cases: readonly [string, ServerFrame][] = [
    ["0400 00 02 6964 04 75756964", { ...init, connectionToken: undefined }],
    ["0100 00 02 6964 04 75756964 03 746f6b", { ...init, connectionToken: "tok" }],
    ["0400 00 02 6964 04 75756964 00 01 31", { ...init, connectionToken: "", extensions: "1" }],
    ["0400 20 07", { tag: "Stream", id: 7, part: "start", item: undefined }],
    ["0400 21 07 01 04", { tag: "Stream", id: 7, part: "item", item: 4 }],
    ["0400 22 07", { tag: "Stream", id: 7, part: "end", item: undefined }],
    ["0400 02 00 01 04", { tag: "ActionResponse", id: 0, output: 4 }],
    ["0400 03 08 6e6577436f756e74 02 8104", { tag: "Event", name: "newCount", args: [4], number: undefined }],
    ["0400 23 07 01 6e", { tag: "Mark", number: 7, text: "n", from: undefined }],
    ["0400 24 07 03 6f6666 05", { tag: "Mark", number: 7, text: "off", from: 5 }],
    ["0400 03 01 6e 02 8104 07", { tag: "Event", name: "n", args: [4], number: 7 }],
    [
      "0400 01 04 75736572 07 6d795f636f6465 09 6974206661696c6564 01 08 a261610161626178 01 02 01 02 6964 01 01 01 6b",
      { tag: "Error", error: { ...error, actor: { actorId: "id", generation: 1, key: "k" } }, actionId: 2 },
    ],
    [
      "0300 01 04 75736572 07 6d795f636f6465 09 6974206661696c6564 01 08 a261610161626178 00",
      { tag: "Error", error: { ...error, actor: undefined }, actionId: undefined },
    ],
  ];
  for (const [input, expected] of cases) {
    test(`bare ${input.slice(0, 20)}`, () =>
      assert.deepStrictEqual(decodeFrame("bare", buffer(input)), expected));
  }

  test("cbor", () => {
    const response = `a1 64 626f6479 a2 63 746167 6e ${Buffer.from("ActionResponse").toString("hex")} 63 76616c a2 62 6964 1b0000000000000000 66 6f7574707574 04`;
    assert.deepStrictEqual(decodeFrame("cbor", buffer(response)), {
      tag: "ActionResponse",
      id: 0,
      output: 4,
    });
  });

  test("json", () => {
    const read = (val: object, tag: string): ServerFrame =>
      decodeFrame("json", JSON.stringify({ body: { tag, val } }));
    assert.deepStrictEqual(read({ name: "newCount", args: [4] }, "Event"), {
      number: undefined,
      tag: "Event",
      name: "newCount",
      args: [4],
    });
    assert.deepStrictEqual(read({ id: ["$BigInt", "7"], output: ["$Undefined", 0] }, "ActionResponse"), {
      tag: "ActionResponse",
      id: 7,
      output: undefined,
    });
    const frame = read({ ...error, actionId: null }, "Error");
    assert.deepStrictEqual(frame, {
      tag: "Error",
      error: { ...error, actor: undefined },
      actionId: undefined,
    });
  });

  test("what is no frame is refused", () => {
    for (const input of [
      "",
      "04",
      "0900 02 00 01 04",
      "0400 07",
      "0400 02 00 05 04",
      "0400 02 00 02 6261",
      "0400 00 01 ff 00",
    ]) {
      assert.throws(() => decodeFrame("bare", buffer(input)), input);
    }
    for (const input of [
      "{",
      "[]",
      '{"body":{"tag":"Event","val":{"args":[]}}}',
      '{"body":{"tag":"New","val":{}}}',
    ]) {
      assert.throws(() => decodeFrame("json", input), input);
    }
    assert.throws(() => decodeFrame("json", buffer("00")), /binary frame/);
    assert.throws(() => decodeFrame("bare", "text"), /text frame/);
  });
});
