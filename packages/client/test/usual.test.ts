import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { buildBytes, decodeValue, encodeValue } from "@greenroom/client/codec";
import * as fc from "fast-check";
import { assert as check, property } from "fast-check";
import { decodeCompat, decodeUsual, loadCompleteReader, needsMore } from "../dist/codec/usual.js";

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
    await loadCompleteReader();
    assert.equal(decodeCompat(bytesOf(5n)), 5n);
    assert.throws(() => decodeCompat(new Uint8Array([0x81])), /the value is truncated/);
  });
});
