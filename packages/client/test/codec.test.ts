import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  ByteWriter,
  decodeValue,
  encodeValue,
  fromBase64,
  fromJsonCompat,
  toBase64,
  toJsonCompat,
  type ValueForm,
  ValueFormatError,
  ValueReader,
  writeArrayHead,
  writeMapHead,
  writeText,
  writeUint,
} from "@greenroom/client/codec";
import { Decoder } from "cbor-x";
import fc from "fast-check";

const FORMS: readonly ValueForm[] = ["compat", "native", "state"];

function encode(value: unknown, form: ValueForm, at?: string): Uint8Array {
  const writer = new ByteWriter();
  encodeValue(writer, value, form, at);
  return writer.finish();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/ /g, ""), "hex"));
}

/** Values that survive every form. Strings are well-formed: the wire turns lone surrogates into U+FFFD. */
function anyValue(extra: readonly fc.Arbitrary<unknown>[] = []): fc.Arbitrary<unknown> {
  const text = fc.string({ unit: "binary", maxLength: 100 });
  const leaf = fc.oneof(
    text,
    fc.integer(),
    fc.double(),
    fc.maxSafeInteger(),
    fc.bigInt(),
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
    fc.boolean(),
    fc.constantFrom(null, undefined, -0, 2 ** 32, 2 ** 32 - 1, -(2 ** 32), -(2 ** 32) - 1),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
    fc.uint8Array().map((array) => array.slice().buffer),
    fc.int16Array(),
    fc.uint8ClampedArray(),
    fc.uint16Array(),
    fc.int32Array(),
    fc.uint32Array(),
    fc.float32Array(),
    fc.float64Array(),
    fc.bigInt64Array(),
    fc.bigUint64Array(),
    fc.constantFrom("$Undefined", "$BigInt", "$x", "$$", "$"),
    fc.constantFrom(/a+b/gi, /[/]\n/u),
    ...extra,
  );
  return fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.array(tie("value"), { maxLength: 6 }),
      fc.tuple(fc.constantFrom("$Set", "$$Set", "$", "$BigInt", "x"), tie("value")),
      fc.dictionary(fc.oneof(text, fc.constant("__proto__")), tie("value"), {
        maxKeys: 6,
        noNullPrototype: true,
      }),
      fc.array(leaf, { maxLength: 5 }).map((members) => new Set(members)),
      fc.tuple(fc.constantFrom("$a", "$$", "$Set"), leaf).map((members) => new Set(members)),
      fc
        .array(fc.tuple(leaf, tie("value")), { maxLength: 5 })
        .map((entries) => new Map(withPrimitiveKeys(entries))),
    ),
  })).value;
}

function withPrimitiveKeys(entries: readonly [unknown, unknown][]): [unknown, unknown][] {
  return entries.filter(([key]) => typeof key !== "object" || key === null);
}

/** State form takes primitive members only. */
function storable(value: unknown): unknown {
  if (value instanceof Set)
    return new Set([...value].filter((each) => typeof each !== "object" || each === null));
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, storable(each)]));
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, storable(each)]));
  }
  return value;
}

describe("round trip", () => {
  for (const form of FORMS) {
    test(`any value survives the ${form} form`, () => {
      fc.assert(
        fc.property(anyValue(), (given) => {
          const value = form === "state" ? storable(given) : given;
          assert.deepStrictEqual(decodeValue(encode(value, form), form), value);
        }),
      );
    });
  }

  test("the state form keeps lone surrogates, the wire forms replace them", () => {
    for (const text of ["\ud800", "a\udfff", "\udc00\ud800", `${"x".repeat(100)}\ud83d`]) {
      assert.equal(decodeValue(encode(text, "state"), "state"), text);
      assert.equal(decodeValue(encode(text, "compat"), "compat"), text.toWellFormed());
    }
  });

  test("errors keep class, name and message", () => {
    for (const form of FORMS) {
      const named = Object.assign(new Error("x"), { name: "Custom" });
      for (const error of [new Error("é"), new TypeError("t"), named]) {
        const back = decodeValue(encode(error, form), form) as Error;
        assert.ok(back instanceof (error.constructor as ErrorConstructor));
        assert.deepEqual([back.name, back.message], [error.name, error.message]);
      }
    }
  });

  test("invalid dates stay invalid, extreme dates stay exact", () => {
    for (const form of FORMS) {
      const back = (date: Date): Date => decodeValue(encode(date, form), form) as Date;
      assert.ok(Number.isNaN(back(new Date(Number.NaN)).getTime()));
      for (const time of [8.64e15, -8.64e15, 8.64e15 - 1, -1, 1, 1.7e12 + 1]) {
        assert.equal(back(new Date(time)).getTime(), time);
      }
    }
  });

  test("what is decoded shares no memory with the input", () => {
    for (const form of ["native", "state"] as const) {
      const input = encode({ a: Uint8Array.of(1, 2), b: Uint8Array.of(3).buffer }, form);
      const value = decodeValue(input, form) as { a: Uint8Array; b: ArrayBuffer };
      input.fill(0);
      assert.deepEqual([...value.a, ...new Uint8Array(value.b)], [1, 2, 3]);
      assert.equal(value.a.buffer.byteLength, 2);
    }
  });

  test("a key named __proto__ is an ordinary key", () => {
    const value: unknown = JSON.parse('{"__proto__":{"admin":true}}');
    const back = decodeValue(encode(value, "compat"), "compat") as { admin?: boolean };
    assert.deepStrictEqual(back, value);
    assert.equal(back.admin, undefined);
    assert.deepStrictEqual(fromJsonCompat(toJsonCompat(value)), value);
  });
});

describe("cbor-x, which existing clients use", () => {
  const peer = new Decoder({ useRecords: false });

  /** What is the same value to cbor-x: no bigints in numbers' clothes, no escapes. */
  const common = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(
        fc.string({ maxLength: 100 }),
        fc.integer(),
        fc.double({ noNaN: true }),
        fc.boolean(),
        fc.constant(null),
      ),
      fc.array(tie("value"), { maxLength: 6 }),
      fc.dictionary(
        fc.string().filter((key) => key !== "__proto__"),
        tie("value"),
        { maxKeys: 6, noNullPrototype: true },
      ),
    ),
  })).value;

  test("reads what we write", () => {
    fc.assert(
      fc.property(common, (value) => {
        assert.deepStrictEqual(peer.decode(encode(value, "native")), value);
      }),
    );
    for (const value of [
      new Date(1_234_567),
      /a/g,
      new Map([["a", 1]]),
      Int16Array.of(-1, 2),
      Uint8Array.of(1),
      5n,
      1n << 80n,
    ]) {
      assert.deepStrictEqual(peer.decode(encode(value, "native")), value);
    }
  });

  test("is understood when it writes", async () => {
    const { Encoder } = await import("cbor-x");
    const encoder = new Encoder({ useRecords: false });
    fc.assert(
      fc.property(common, (value) => {
        const back = decodeValue(encoder.encode(value), "native");
        // It writes -0 as 0.
        assert.equal(JSON.stringify(back), JSON.stringify(value));
      }),
    );
    for (const value of [
      new Date(1_234_567),
      /a/g,
      new Map([["a", 1]]),
      new Set([1]),
      Int16Array.of(-1, 2),
      1n << 63n,
    ]) {
      assert.deepStrictEqual(decodeValue(encoder.encode(value), "native"), value);
    }
  });
});

describe("bytes", () => {
  const cases: readonly [unknown, ValueForm, string][] = [
    [[3], "compat", "81 03"],
    [{ args: [3] }, "native", "a1 64 61726773 81 03"],
    [5_000_000_000, "compat", "fb 41f2a05f20000000"],
    [4_294_967_295, "compat", "1a ffffffff"],
    [-4_294_967_296, "state", "3a ffffffff"],
    [-0, "state", "fb 8000000000000000"],
    [7n, "compat", "82 67 24426967496e74 61 37"],
    [7n, "state", "1b 0000000000000007"],
    [-1n, "native", "3b 0000000000000000"],
    [1n << 64n, "state", "c2 49 010000000000000000"],
    [undefined, "compat", "82 6a 24556e646566696e6564 00"],
    [undefined, "state", "f7"],
    [["$a", 1], "compat", "82 63 242461 01"],
    [["$a", 1], "native", "82 62 2461 01"],
    [new Set([1]), "compat", "82 64 24536574 81 01"],
    [new Set(["$a", 1]), "compat", "82 64 24536574 82 62 2461 01"],
    [["$Set", ["$a", 1]], "compat", "82 65 2424536574 82 63 242461 01"],
    [new Set([1]), "state", "d90102 81 01"],
    [new Map([[1, 2]]), "state", "d90103 a1 01 02"],
    [new Date(1000), "compat", "c1 01"],
    [new Date(1000), "state", "c1 fb 3ff0000000000000"],
    [Int16Array.of(-1, 2), "compat", "d84d 44 ffff0200"],
    [Uint8Array.of(1), "compat", "82 6b 2455696e74384172726179 64 41513d3d"],
    [Uint8Array.of(1), "state", "d840 41 01"],
    [Uint8Array.of(1).buffer, "state", "41 01"],
    [/a/g, "state", "d81b 83 66 526567457870 61 61 61 67"],
    ["\ud800", "state", "d9ea61 42 00d8"],
  ];
  for (const [value, form, expected] of cases) {
    test(`${form} ${expected}`, () => {
      assert.equal(hex(encode(value, form)), expected.replace(/ /g, ""));
      assert.deepStrictEqual(decodeValue(bytes(expected), form), value);
    });
  }

  const read: readonly [string, unknown][] = [
    ["b9 0001 61 61 01", { a: 1 }],
    ["9f 01 02 ff", [1, 2]],
    ["bf 61 61 9f ff ff", { a: [] }],
    ["f9 3c00", 1],
    ["f9 0001", 2 ** -24],
    ["f9 fc00", Number.NEGATIVE_INFINITY],
    ["fa 3fc00000", 1.5],
    ["c3 41 00", -1n],
    ["c2 40", 0n],
    ["1b 0000000000000007", 7n],
    ["d841 42 0102", Uint16Array.of(0x0102)],
    ["9f 64 24536574 82 62 2461 01 ff", new Set(["$a", 1])],
    ["9f 64 24536574 82 63 242461 01 02 ff", ["$Set", ["$a", 1], 2]],
    ["9f 62 2478 01 ff", Symbol.for("refused")],
  ];
  for (const [input, expected] of read) {
    test(`reads ${input}`, () => {
      if (typeof expected === "symbol")
        assert.throws(() => decodeValue(bytes(input), "compat"), ValueFormatError);
      else assert.deepStrictEqual(decodeValue(bytes(input), "compat"), expected);
    });
  }
});

describe("malformed input", () => {
  const cases: readonly [string, RegExp][] = [
    ["", /truncated/],
    ["18", /truncated/],
    ["62 61", /truncated/],
    ["9a ffffffff", /truncated/],
    ["ba 00000002 61 61", /truncated/],
    ["7a ffffffff 61", /truncated/],
    ["9b ffffffffffffffff", /beyond 32 bits/],
    ["9f 01", /truncated/],
    ["01 02", /after the value \(at byte 1\)/],
    ["61 ff", /UTF-8/],
    ["7f 61 61 ff", /indefinite/],
    ["5f 41 61 ff", /indefinite/],
    ["1c", /reserved/],
    ["ff", /simple value/],
    ["d9 ffff 00", /unknown tag 65535/],
    ["d845 43 010203", /half an element/],
    ["c2 01", /byte string/],
    ["d81b 82 66 526567457870 61 28", /regular expression/],
    ["a1 80 01", /key/],
    ["82 67 24426967496e74 61 78", /escape/],
    ["82 6b 2455696e74384172726179 61 2a", /escape/],
    ["82 62 2478 01", /escape "\$x"/],
    [`${"81".repeat(129)}01`, /deeper than 128/],
  ];
  for (const [input, message] of cases) {
    test(`${input.slice(0, 24) || "nothing"} is refused`, () => {
      assert.throws(
        () => decodeValue(bytes(input), "compat"),
        (error) => error instanceof ValueFormatError && message.test(error.message),
      );
    });
  }

  test("any bytes are either a value or a ValueFormatError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...FORMS), (input, form) => {
        try {
          decodeValue(input, form);
        } catch (error) {
          assert.ok(error instanceof ValueFormatError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("a cut-off value is never a value", () => {
    fc.assert(
      fc.property(anyValue(), fc.nat(), (value, at) => {
        const whole = encode(value, "native");
        assert.throws(() => decodeValue(whole.subarray(0, at % whole.length), "native"), ValueFormatError);
      }),
    );
  });

  test("trailing bytes can be allowed, and sequences read", () => {
    assert.equal(decodeValue(bytes("01 02"), "state", { allowTrailing: true }), 1);
    const reader = new ValueReader(bytes("00 01 8102"), "state", 1);
    assert.deepEqual([reader.read(), reader.position, reader.read(), reader.atEnd], [1, 2, [2], true]);
  });
});

describe("what cannot be encoded", () => {
  class Point {
    readonly x = 1;
    readonly #hidden = 2;
    sum(): number {
      return this.x + this.#hidden;
    }
  }
  const loop: Record<string, unknown> = { user: {} };
  loop.user = { self: loop };

  const cases: readonly [unknown, ValueForm, string][] = [
    [[{ user: { fn() {} } }], "compat", "args[0].user.fn is a function, which cannot be sent"],
    [[Symbol("x")], "compat", "args[0] is a symbol, which cannot be sent"],
    [[loop], "compat", "args[0].user.self is a reference to one of its own parents, which cannot be sent"],
    [{ "a b": { p: new Point() } }, "state", 'args["a b"].p is an instance of Point, which cannot be stored'],
    [[Promise.resolve(1)], "native", "args[0] is an instance of Promise, which cannot be sent"],
    [new Map([["k", new WeakMap()]]), "state", "args.k is an instance of WeakMap, which cannot be stored"],
    [new Map([[{}, 1]]), "state", "args[0] is an object as a Map key, which cannot be stored"],
    [[new Set([1, []])], "state", "args[0][1] is an object as a Set member, which cannot be stored"],
    [{ "\ud800": 1 }, "state", 'args["\\ud800"] is a key with a lone surrogate, which cannot be stored'],
    [{ n: 10n ** 10_000n }, "compat", "args.n is a bigint of more than 10000 digits, which cannot be sent"],
    [[new DataView(new ArrayBuffer(1))], "state", "args[0] is a DataView, which cannot be stored"],
  ];
  for (const [value, form, message] of cases) {
    test(message, () => {
      const writer = new ByteWriter();
      writer.u8(1);
      assert.throws(() => encodeValue(writer, value, form, "args"), { name: "TypeError", message });
      assert.equal(writer.length, 1);
    });
  }

  test("bigints that nobody can write in decimal are read from storage only", () => {
    for (const value of [10n ** 9_990n, -(10n ** 9_990n)]) {
      assert.equal(decodeValue(encode(value, "native"), "compat"), value);
      assert.equal(decodeValue(encode(value, "compat"), "compat"), value);
    }
    const long = 2n ** 40_000n;
    assert.equal(decodeValue(encode(long, "state"), "state"), long);
    assert.throws(() => decodeValue(encode(long, "native"), "native"), /a bigint of more than 4151 bytes/);
  });

  test("deeper than 128 levels", () => {
    const nest = (levels: number): unknown => {
      let value: unknown = 0;
      for (let level = 0; level < levels; level++) value = [value];
      return value;
    };
    assert.deepStrictEqual(decodeValue(encode(nest(128), "state"), "state"), nest(128));
    assert.throws(() => encode(nest(129), "state"), /deeper than 128 levels/);
  });

  test("class instances travel as their own properties or their toJSON", () => {
    const back = (value: unknown): unknown => decodeValue(encode(value, "compat"), "compat");
    assert.deepStrictEqual(back(new Point()), { x: 1 });
    assert.equal(back(new URL("http://a.test/")), "http://a.test/");
    assert.deepStrictEqual(back(Buffer.from([1])), Uint8Array.of(1));
    assert.deepStrictEqual(back(Object.assign(Object.create(null), { a: 1 })), { a: 1 });
  });
});

describe("JSON compat form", () => {
  test("any value it takes survives", () => {
    const leaf = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
      fc.bigInt(),
      fc.constantFrom(null, undefined, true, "$Set", "$"),
      fc.uint8Array(),
      fc.uint8Array().map((array) => array.slice().buffer),
    );
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie("value"), { maxLength: 5 }),
        fc.tuple(fc.constantFrom("$Set", "$$", "$BigInt"), tie("value")),
        fc.dictionary(fc.string(), tie("value"), { maxKeys: 5, noNullPrototype: true }),
        fc.array(leaf, { maxLength: 4 }).map((members) => new Set(members)),
        fc.tuple(fc.constantFrom("$a", "$Set"), leaf).map((members) => new Set(members)),
      ),
    })).value;
    fc.assert(
      fc.property(value, (given) => {
        const json = JSON.stringify(toJsonCompat(given));
        assert.deepStrictEqual(fromJsonCompat(JSON.parse(json)), given);
      }),
    );
  });

  test("says what it cannot carry", () => {
    assert.throws(
      () => toJsonCompat([new Map()], "args"),
      /^TypeError: args\[0\] is a Map, which the json encoding/,
    );
    assert.throws(
      () => toJsonCompat({ n: 10n ** 10_000n }, "args"),
      /^TypeError: args\.n is a bigint of more than 10000 digits/,
    );
    assert.throws(() => toJsonCompat({ f() {} }, "args"), /^TypeError: args\.f is a function/);
    assert.equal(toJsonCompat(new Date(0)), "1970-01-01T00:00:00.000Z");
    assert.throws(() => fromJsonCompat(["$Nope", 1]), /escape "\$Nope"/);
  });
});

describe("base64", () => {
  test("agrees with Node, in both alphabets", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (input) => {
        assert.equal(toBase64(input), Buffer.from(input).toString("base64"));
        assert.equal(toBase64(input, "url"), Buffer.from(input).toString("base64url"));
        assert.deepStrictEqual(fromBase64(toBase64(input)), input);
        assert.deepStrictEqual(fromBase64(toBase64(input, "url")), input);
      }),
    );
    for (const bad of ["a", "a*==", "YQ===", "é"]) assert.throws(() => fromBase64(bad), SyntaxError, bad);
  });
});

describe("writer", () => {
  test("heads of every size, text across its limits, and patches", () => {
    const writer = new ByteWriter(1);
    for (const count of [0, 23, 24, 255, 256, 65535, 65536]) {
      writer.reset();
      writeArrayHead(writer, count);
      writeMapHead(writer, count);
      writeUint(writer, count);
      const size = count < 24 ? 1 : count < 256 ? 2 : count < 65536 ? 3 : 5;
      assert.equal(writer.length, size * 3);
    }
    for (const size of [0, 7, 8, 23, 24, 85, 86, 255, 256, 21_845, 21_846, 65_535, 65_536]) {
      for (const letter of ["a", "é", "日"]) {
        writer.reset();
        writeText(writer, letter.repeat(size));
        assert.equal(decodeValue(writer.view(), "state"), letter.repeat(size));
      }
    }
    writer.reset();
    const at = writer.reserve(4);
    writer.u8(9);
    writer.patchU32le(at, 0x01020304);
    assert.equal(hex(writer.finish()), "0403020109");
    writer.patchU32be(at, 0x01020304);
    assert.equal(hex(writer.finish(2)), "030409");
    writer.truncate(1);
    writer.uvarint(2 ** 40);
    writer.u64le(1n);
    writer.f64le(1);
    assert.equal(hex(writer.finish(1)), "808080808020" + "0100000000000000" + "000000000000f03f");
  });
});
