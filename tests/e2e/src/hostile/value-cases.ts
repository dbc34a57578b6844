/** Values at the edges of JSON and CBOR, and what an action that returns its argument gives for them. */

/** An argument as text or bytes, and its answer: the output, or the code of the error. */
export interface ValueCase<Written> {
  readonly what: string;
  readonly value: Written;
  /** Without one, it is `encoding.invalid`. */
  readonly output?: Written;
}

const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const nines = (count: number) => `["$BigInt","${"9".repeat(count)}"]`;
const POLLUTION = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';

const gives = <T>(what: string, value: T, output: T): ValueCase<T> => ({ what, value, output });
const same = <T>(what: string, value: T): ValueCase<T> => ({ what, value, output: value });
const refused = <T>(what: string, value: T): ValueCase<T> => ({ what, value });

/** In JSON. */
export const JSON_VALUES: readonly ValueCase<string>[] = [
  gives("a key twice", '{"a":1,"a":2}', '{"a":2}'),
  same("keys that every object has", POLLUTION),
  refused("half a surrogate pair", String.raw`"\ud800"`),
  refused("the other half", String.raw`"\udc00x"`),
  refused("half a pair as a key", String.raw`{"\ud800":1}`),
  gives("a pair", String.raw`"\ud83d\ude00"`, '"😀"'),
  same("NUL", String.raw`"\u0000"`),
  refused("a number without an end", "1".repeat(60_000)),
  refused("a number over all", "1e400"),
  gives("a number under all", "1e-400", "0"),
  gives("nothing below zero", "-0", "0"),
  gives("2^53 + 1", "9007199254740993", "9007199254740992"),
  gives("2^64", "18446744073709551616", "18446744073709552000"),
  gives("60,000 digits behind the point", `0.${"1".repeat(60_000)}`, "0.1111111111111111"),
  refused("NaN", "NaN"),
  refused("Infinity", "-Infinity"),
  refused("a number in hexadecimal", "0x10"),
  refused("a zero in front", "01"),
  gives("a bigint below zero that is none", '["$BigInt","-0"]', '["$BigInt","0"]'),
  same("the longest bigint", nines(10_000)),
  refused("a longer bigint", nines(10_001)),
  refused("a bigint with a sign", '["$BigInt","+1"]'),
  refused("a bigint with an exponent", '["$BigInt","1e9"]'),
  gives("a set in a set", '["$Set",[1,1,["$Set",[2]]]]', '["$Set",[1,["$Set",[2]]]]'),
  same("an escaped escape", '["$$x",1]'),
  // The list of the arguments is the first level.
  same("127 levels", nested(127)),
  refused("128 levels", nested(128)),
  refused("30,000 levels of escapes", '["$Set",['.repeat(6_000)),
];

const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(" ", ""), "hex");
const times = (count: number, digits: string) => digits.repeat(count);
const NAN = "fb7ff8000000000000";

/** In CBOR, on its own and in BARE. */
export const CBOR_VALUES: readonly ValueCase<Buffer>[] = [
  gives("a key twice", hex("a2 6161 01 6161 02"), hex("a1 6161 02")),
  same("a key that every object has", hex("a1 69 5f5f70726f746f5f5f a1 68 706f6c6c75746564 01")),
  gives("half a NaN", hex("f97e00"), hex(NAN)),
  gives("a short Infinity", hex("fa7f800000"), hex("fb7ff0000000000000")),
  same("nothing below zero", hex("fb8000000000000000")),
  gives(
    "2^64 - 1",
    hex("1bffffffffffffffff"),
    hex("82 67 24426967496e74 74 3138343436373434303733373039353531363135"),
  ),
  gives("a list without a length", hex("9f0102ff"), hex("820102")),
  gives("a map without a length", hex("bf616101ff"), hex("a1616101")),
  refused("a text without a length", hex("7f61616162ff")),
  refused("bytes without a length", hex("5f41014102ff")),
  refused("a text of bytes", hex("7f4101ff")),
  refused("a text in a text", hex("7f7f6161ffff")),
  refused("a surrogate", hex("63eda080")),
  refused("an overlong text", hex("62c080")),
  refused("a simple value that is reserved", hex("f814")),
  refused("an unknown simple value", hex("f8ff")),
  refused("a tag beyond 32 bits", hex("dbffffffffffffffff01")),
  refused("127 tags", hex(`${times(127, "d9d9f7")}01`)),
  refused("thousands of tags", hex(`${times(20_000, "d9d9f7")}01`)),
  gives("no date", hex("c1f97e00"), hex(`c1${NAN}`)),
  refused("a text as a date", hex("c16161")),
  refused("an expression that is none", hex("d81b 83 66 526567457870 6128 60")),
  refused("three bytes of doubles", hex("d85643010203")),
  refused("a reference into another value", hex("d81d00")),
  gives("numbers as keys", hex("a10102"), hex("a1613102")),
  refused("lists that lie, one in the other", hex(times(100, "9a0000ffff"))),
  refused("a list of 2^32 - 1", hex("9affffffff01")),
  refused("a map of 2^32 - 1", hex("baffffffff01")),
  refused("bytes of 2^32 - 1", hex("5affffffff01")),
  refused("a bignum of 2^64 - 1 bytes", hex("c25bffffffffffffffff01")),
  refused("a bignum that nobody could write in decimal", hex(`c2591388${times(5000, "ff")}`)),
  same("60,000 empty lists", hex(`99ea60${times(60_000, "80")}`)),
];
