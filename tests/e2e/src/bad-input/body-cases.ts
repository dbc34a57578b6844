/** Bodies of actions that cannot be read. */

/** A body and what it gets, always with status 400. */
export interface BodyCase {
  readonly encoding: "json" | "cbor" | "bare";
  readonly what: string;
  readonly body: Uint8Array | string;
  /** `group.code`; `encoding.invalid` if it is not said. */
  readonly error?: string;
}

const NESTING = 60_000;

const JSON_BODIES: readonly Omit<BodyCase, "encoding">[] = [
  { what: "cut short", body: '{"args":[1' },
  { what: "half a word", body: '{"args":[nul' },
  { what: "bare words", body: "undefined" },
  { what: "something after it", body: '{"args":[]}}' },
  { what: "two values", body: '{"args":[]}{"args":[]}' },
  { what: "not UTF-8", body: Buffer.from('{"args":["\xff\xfe"]}', "latin1") },
  { what: "a comment", body: '{"args":[/* one */ 1]}' },
  { what: "single quotes", body: "{'args':[]}" },
  { what: "a control character in a text", body: '{"args":["a\u0000b"]}' },
  { what: "nesting", body: `{"args":${"[".repeat(NESTING)}` },
  { what: "nesting that is closed again", body: `{"args":${"[".repeat(30_000)}${"]".repeat(30_000)}}` },
  { what: "an escape that is none of the protocol's", body: '{"args":[["$Nope",1]]}' },
  { what: "a bigint that is none", body: '{"args":[["$BigInt","12x"]]}' },
  { what: "bytes that are not base64", body: '{"args":[["$Uint8Array","***"]]}' },
  { what: "a list", body: "[1]", error: "request.invalid" },
  { what: "a text", body: '"args"', error: "request.invalid" },
  { what: "null", body: "null", error: "request.invalid" },
  { what: "CBOR", body: Buffer.from([0xa1, 0x64, 0x61, 0x72, 0x67, 0x73, 0x81, 0x03]) },
];

/** A CBOR map `{args: …}` with what follows. */
const cborArgs = (...rest: number[]) => Uint8Array.from([0xa1, 0x64, 0x61, 0x72, 0x67, 0x73, ...rest]);
const times = (count: number, byte: number) => Array.from({ length: count }, () => byte);
const MOST = times(8, 0xff);

const CBOR_BODIES: readonly Omit<BodyCase, "encoding">[] = [
  { what: "nothing", body: "" },
  { what: "cut short in a map", body: Uint8Array.from([0xa1]) },
  { what: "cut short in a key", body: Uint8Array.from([0xa1, 0x64, 0x61]) },
  { what: "cut short in a value", body: cborArgs(0x82, 0x01) },
  { what: "something after it", body: cborArgs(0x80, 0x00) },
  { what: "a list of 2^64 - 1", body: cborArgs(0x9b, ...MOST) },
  { what: "a map of 2^64 - 1", body: cborArgs(0xbb, ...MOST) },
  { what: "bytes of 2^64 - 1", body: cborArgs(0x81, 0x5b, ...MOST) },
  { what: "a text of 2^63", body: cborArgs(0x81, 0x7b, 0x80, ...times(7, 0)) },
  { what: "a text of 4 GiB", body: cborArgs(0x81, 0x7a, ...times(4, 0xff), 0x61) },
  { what: "a length that is reserved", body: cborArgs(0x9c) },
  { what: "an end of nothing", body: cborArgs(0xff) },
  { what: "a list without an end", body: cborArgs(0x9f, 0x01) },
  { what: "a map with half an entry", body: cborArgs(0x81, 0xbf, 0x61, 0x61, 0xff) },
  { what: "a text that is not UTF-8", body: cborArgs(0x81, 0x62, 0xc3, 0x28) },
  { what: "a tag of nothing", body: cborArgs(0x81, 0xc1) },
  { what: "nesting in lists", body: cborArgs(...times(NESTING, 0x81)) },
  { what: "nesting in tags", body: cborArgs(...times(NESTING, 0xc6)) },
  { what: "nesting without ends", body: cborArgs(...times(NESTING, 0x9f)) },
  { what: "a list", body: Uint8Array.from([0x81, 0x01]), error: "request.invalid" },
  { what: "a number", body: Uint8Array.from([0x01]), error: "request.invalid" },
  { what: "JSON", body: '{"args":[]}' },
];

/** Version 4 and the arguments as data of this announced length. */
const bareArgs = (length: readonly number[], ...rest: number[]) =>
  Uint8Array.from([4, 0, ...length, ...rest]);

const BARE_BODIES: readonly Omit<BodyCase, "encoding">[] = [
  { what: "nothing", body: "" },
  { what: "half a version", body: Uint8Array.from([4]) },
  { what: "version 0", body: Uint8Array.from([0, 0, 1, 0x80]) },
  { what: "version 9", body: Uint8Array.from([9, 0, 1, 0x80]) },
  { what: "a version and no more", body: Uint8Array.from([4, 0]) },
  { what: "fewer bytes than announced", body: bareArgs([9], 0x80) },
  { what: "4 GiB announced", body: bareArgs([0xff, 0xff, 0xff, 0xff, 0x0f], 0x80) },
  { what: "2^64 - 1 announced", body: bareArgs([...times(9, 0xff), 0x01], 0x80) },
  { what: "a length over 64 bits", body: bareArgs(times(11, 0xff)) },
  { what: "a length without an end", body: bareArgs([0x80]) },
  { what: "arguments that are no CBOR", body: bareArgs([1], 0xff) },
  { what: "arguments with something after them", body: bareArgs([2], 0x80, 0x00) },
  { what: "no arguments at all", body: bareArgs([0]) },
  { what: "nesting", body: bareArgs([0xe0, 0xd4, 0x03], ...times(NESTING, 0x81)) },
  { what: "JSON", body: '{"args":[]}' },
];

/** All of them. */
export const BODY_CASES: readonly BodyCase[] = [
  ...JSON_BODIES.map((body) => ({ encoding: "json" as const, ...body })),
  ...CBOR_BODIES.map((body) => ({ encoding: "cbor" as const, ...body })),
  ...BARE_BODIES.map((body) => ({ encoding: "bare" as const, ...body })),
];
