import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { buildBytes, decodeValue, encodeValue } from "@greenroom/client/codec";
import * as fc from "fast-check";
import { assert as check, property } from "fast-check";
import {
  decodeCompat,
  decodeUsual,
  encodeCompat,
  loadCompleteCodec,
  needsMore,
} from "../dist/codec/usual.js";

function bytesOf(value: unknown): Uint8Array {
  return buildBytes((writer) => encodeValue(writer, value, "compat"));
}

/** What the small reader gives, or `undefined` and `false` when it gives up. */
function usual(bytes: Uint8Array): readonly [value: unknown, reads: boolean] {
  try {
    return [decodeUsual(bytes), true];
  } catch (error) {
    assert.ok(needsMore(error), String(error));
    return [undefined, false];
  }
}

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double(),
    fc.string({ unit: "binary" }),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(
      fc.string().filter((key) => key !== "__proto__"),
      tie("value"),
      { maxKeys: 5 },
    ),
  ),
})).value;

/** What the small writer gives, or `undefined` when it gives up. */
function written(value: unknown): Uint8Array | undefined {
  return buildBytes((writer) => {
    writer.u8(7);
    try {
      encodeCompat(writer, value, "value");
    } catch (error) {
      assert.ok(needsMore(error), String(error));
      assert.equal(writer.length, 1, "the writer is as it was");
    }
  }).subarray(1);
}

class Money {
  readonly cents = 5;
  readonly #hidden = 1;
  get hidden(): number {
    return this.#hidden;
  }
}

describe("the small writer", () => {
  test("writes what the complete one writes", () => {
    check(
      property(
        fc.oneof(plain, fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true })),
        (value) => {
          const bytes = written(value);
          assert.ok(bytes);
          if (bytes.length > 0) assert.deepEqual(bytes, new Uint8Array(bytesOf(value)));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("writes at once what may change while something is loaded", () => {
    const date = new Date(1_700_000_000_123);
    const values: unknown[] = [
      [
        null,
        true,
        false,
        0,
        -0,
        1.5,
        -1,
        2 ** 32,
        -(2 ** 32),
        -(2 ** 32) - 1,
        Number.NaN,
        Number.POSITIVE_INFINITY,
      ],
      [undefined, 1n, -(2n ** 70n), "text", "é\ud800", "x".repeat(300)],
      {
        date,
        whole: new Date(0),
        late: new Date(2 ** 33 * 1000),
        bytes: new Uint8Array([1, 2]),
        node: Buffer.from("a"),
      },
      [
        new Set([1, "a"]),
        new Set(["$BigInt", "1"]),
        new Set(),
        new Map<unknown, unknown>([
          [{ a: 1 }, [1]],
          ["b", new Set([2])],
        ]),
      ],
      [
        ["$BigInt", "1"],
        ["$", 1],
        ["$Set", 1, 2],
        ["a", "$b"],
      ],
      [new Money(), Object.assign(Object.create(null), { a: 1 })],
      // biome-ignore lint/suspicious/noSparseArray: holes are written as `undefined`.
      [, 1],
      JSON.parse('{"__proto__": 1}'),
    ];
    for (const value of values) assert.deepEqual(written(value), new Uint8Array(bytesOf(value)));
  });

  test("leaves everything else to the complete one", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const withoutPrototype = Object.setPrototypeOf(() => {}, null);
    const rest = [
      () => {},
      withoutPrototype,
      Symbol("s"),
      cycle,
      Promise.resolve(),
      new DataView(new ArrayBuffer(1)),
    ];
    const more = [
      /a/,
      new Error("a"),
      new ArrayBuffer(1),
      new Float32Array(1),
      new Date(-1),
      new Date(Number.NaN),
    ];
    const json = { toJSON: () => 1 };
    const own = { toJSON: 5 };
    for (const value of [...rest, ...more, json, own, Object.create(json), new URL("http://a")]) {
      assert.deepEqual(written(["much", value]), new Uint8Array(), String(typeof value));
    }
  });
});

describe("the small reader", () => {
  test("reads what JSON can say, and the result of actions that return nothing", () => {
    check(
      property(plain, (value) => {
        // Texts with lone surrogates do not survive UTF-8.
        const expected = decodeValue(bytesOf(value), "compat");
        assert.deepEqual(usual(bytesOf(value)), [expected, true]);
      }),
    );
    assert.deepEqual(usual(bytesOf(undefined)), [undefined, true]);
    assert.deepEqual(usual(bytesOf([undefined, { a: undefined }])), [[undefined, { a: undefined }], true]);
  });

  test("gives up on any bytes that it does not read as the complete one does", () => {
    check(
      property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const [value, reads] = usual(bytes);
        if (reads) assert.deepEqual(value, decodeValue(bytes, "compat"));
      }),
      { numRuns: 2000 },
    );
    for (const value of [1n, new Date(0), new Set(), new Map(), new Uint8Array(1), /a/, ["$x", 1]]) {
      assert.deepEqual(usual(bytesOf(value)), [undefined, false]);
    }
  });

  test("leaves what lies too deep to the complete one", () => {
    const nested = (levels: number): Uint8Array => new Uint8Array([...Array(levels).fill(0x81), 0x00]);
    assert.equal(usual(nested(128))[1], true);
    assert.equal(usual(nested(129))[1], false);
    assert.equal(usual(nested(100_000))[1], false);
  });

  test("is replaced by the complete one for good", async () => {
    assert.throws(() => decodeCompat(bytesOf(5n)), needsMore);
    await loadCompleteCodec();
    assert.equal(decodeCompat(bytesOf(5n)), 5n);
    assert.throws(() => decodeCompat(new Uint8Array([0x81])), /the value is truncated/);
  });
});
