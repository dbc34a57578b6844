/** What a server may say that means no good to its clients. */
import { data, text, uint } from "../bad-input/bare.js";
import { frame } from "../bad-input/wire.js";
import { cborText, type Encoding, type FakeAnswer, init, message } from "./fake-server.js";

/** Bytes of a stream that follow `Init`. */
export interface StreamCase {
  readonly what: string;
  readonly encoding: Encoding;
  readonly bytes: Buffer;
}

/** Bytes, alone or as lists, which may be too long to be arguments. */
type Part = number | readonly number[];

const times = (count: number, ...bytes: number[]): number[] =>
  Array.from({ length: count }, () => bytes).flat();
const MOST = times(8, 0xff);
const NESTED = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;

const json = (what: string, value: unknown): StreamCase => ({
  what,
  encoding: "json",
  bytes: message(typeof value === "string" ? value : JSON.stringify(value)),
});
const body = (tag: unknown, val: unknown) => ({ body: { tag, val } });
const BIG = ["$BigInt", "9".repeat(9_999)];

const JSON_MESSAGES: readonly StreamCase[] = [
  json("nothing", ""),
  json("half a message", '{"body":'),
  json("null", "null"),
  json("a deep list", NESTED),
  json("a deep message", `{"body":{"tag":"Event","val":{"name":"n","args":${NESTED}}}}`),
  json("no body", {}),
  json("a kind that every object has", body("__proto__", {})),
  json("another", body("constructor", {})),
  json("a number as kind", body(7, {})),
  json("no value", { body: { tag: "ActionResponse" } }),
  json("an answer to nobody", body("ActionResponse", { id: BIG, output: 1 })),
  json("an answer to half a call", body("ActionResponse", { id: 0.5, output: 1 })),
  json("an answer to a text", body("ActionResponse", { id: "__proto__", output: 1 })),
  json("an unknown escape", body("ActionResponse", { id: ["$Nope", 1], output: 1 })),
  json("an event that every object has", body("Event", { name: "__proto__", args: [1] })),
  json("another event", body("Event", { name: "constructor", args: [] })),
  json("an event without arguments", body("Event", { name: "n" })),
  json("an event with a text", body("Event", { name: "n", args: "abc" })),
  json("an event without a name", body("Event", { name: 7, args: [] })),
  json("an error that is none", body("Error", { group: {}, code: [], message: 1 })),
  json(
    "an error of nobody",
    body("Error", { group: "__proto__", code: "toString", message: "", actionId: BIG }),
  ),
  json("an item of no stream", body("StreamItem", { id: 9, item: 1 })),
  json("a mark of nothing", body("Mark", { number: -1, text: 7, from: "x" })),
  json("a second beginning", init("json") as string),
  json("a beginning without a name", body("Init", {})),
  json("keys that every object has", '{"__proto__":{"tag":"Event"},"body":{"__proto__":{"tag":"Event"}}}'),
  { what: "bytes", encoding: "json", bytes: message(Buffer.from("{}")) },
];

const bare = (what: string, ...bytes: Part[]): StreamCase => ({
  what,
  encoding: "bare",
  bytes: message(Uint8Array.from(bytes.flat())),
});
const event = (...args: Part[]): number[] => [[4, 0, 3], text("n"), data(args.flat())].flat();

const BARE_MESSAGES: readonly StreamCase[] = [
  bare("nothing"),
  bare("half a version", 4),
  bare("another version", 99, 0, 0),
  bare("an unknown kind", 4, 0, 99),
  bare("a huge kind", 4, 0, times(9, 0xff), 1),
  bare("a number without an end", 4, 0, times(100, 0xff)),
  bare("a text of 2^63 bytes", 4, 0, 3, times(8, 0xff), 0x7f),
  bare("a text that is no UTF-8", 4, 0, 3, 2, 0xc3, 0x28, ...data([0x80])),
  bare("a list of 2^64 - 1", event(0x9b, MOST)),
  bare("a list of 2^32 - 1", event(0x9a, 0xff, 0xff, 0xff, 0xff, 1)),
  bare("a map of 2^32 - 1", event(0x81, 0xba, 0xff, 0xff, 0xff, 0xff)),
  bare("a text of 4 GiB", event(0x81, 0x7a, 0xff, 0xff, 0xff, 0xff, 0x61)),
  bare("bytes of 4 GiB", event(0x81, 0x5a, 0xff, 0xff, 0xff, 0xff, 0x61)),
  bare("deep lists", event(times(50_000, 0x81), 1)),
  bare("deep tags", event(times(50_000, 0xc6), 1)),
  bare("deep lists without ends", event(times(50_000, 0x9f))),
  bare("lists that lie", event(times(100, 0x9a, 0, 0, 0xff, 0xff))),
  bare("no arguments", event(0xa0)),
  bare("an expression that is none", event(0x81, 0xd8, 27, 0x83, ...cborText("RegExp"), 0x61, 0x28, 0x60)),
  bare("a huge bignum", event(0x81, 0xc2, 0x59, 0xff, 0xff, times(65_535, 0xff))),
  bare("an answer to nobody", 4, 0, 2, ...uint(2 ** 40), ...data([1])),
  bare("a flag that is neither", 4, 0, 1, ...text("a"), ...text("b"), ...text("c"), 7),
  { what: "a text", encoding: "bare", bytes: message("{}") },
];

const cbor = (what: string, ...bytes: Part[]): StreamCase => ({
  what,
  encoding: "cbor",
  bytes: message(Uint8Array.from(bytes.flat())),
});

const CBOR_MESSAGES: readonly StreamCase[] = [
  cbor("nothing"),
  cbor("no map", 0x01),
  cbor("an empty map", 0xa0),
  cbor("a map of 2^64 - 1", 0xbb, MOST),
  cbor("deep maps", times(50_000, 0xa1, 0x61, 0x61)),
  cbor("a key that every object has", 0xa1, ...cborText("__proto__"), 0xa1, ...cborText("tag"), 1),
  cbor("a text that is no UTF-8", 0xa1, 0x62, 0xc3, 0x28, 1),
  { what: "a text", encoding: "cbor", bytes: message("{}") },
];

const raw = (what: string, ...frames: Buffer[]): StreamCase => ({
  what,
  encoding: "json",
  bytes: Buffer.concat(frames),
});
const unmasked = (parts: Parameters<typeof frame>[0]) => frame({ masked: false, ...parts });

const FRAMES: readonly StreamCase[] = [
  raw("a mask", frame({ opcode: 1, payload: Buffer.from("{}") })),
  raw("reserved bits", unmasked({ opcode: 1, reserved: 4, payload: Buffer.from("{}") })),
  raw("an unknown opcode", unmasked({ opcode: 3 })),
  raw("a continuation of nothing", unmasked({ opcode: 0 })),
  raw("a text that is no UTF-8", unmasked({ opcode: 1, payload: Buffer.from([0xc3, 0x28]) })),
  raw("2^63 - 1 bytes", unmasked({ opcode: 2, announced: 2n ** 63n - 1n })),
  raw("2^64 - 1 bytes", unmasked({ opcode: 2, announced: 2n ** 64n - 1n })),
  raw("a long ping", unmasked({ opcode: 9, payload: Buffer.alloc(126) })),
  raw("10,000 pings", ...Array.from({ length: 10_000 }, () => unmasked({ opcode: 9 }))),
  raw(
    "10,000 pieces",
    unmasked({ opcode: 1, fin: false }),
    ...Array.from({ length: 10_000 }, () => unmasked({ opcode: 0, fin: false, payload: Buffer.from(" ") })),
    unmasked({ opcode: 0 }),
  ),
  raw("a close that nobody may send", unmasked({ opcode: 8, payload: Buffer.from([3, 0xed]) })),
  raw("a close of one byte", unmasked({ opcode: 8, payload: Buffer.from([3]) })),
  raw(
    "a close with a name that every object has",
    unmasked({ opcode: 8, payload: Buffer.from("\u0003\u00f3__proto__.constructor", "latin1") }),
  ),
  raw("no frame at all", Buffer.from("HTTP/1.1 500 Internal Server Error\r\n\r\n")),
];

/** On WebSockets. */
export const SOCKET_CASES: readonly StreamCase[] = [
  ...JSON_MESSAGES,
  ...BARE_MESSAGES,
  ...CBOR_MESSAGES,
  ...FRAMES,
];

const lines = (what: string, said: string): StreamCase => ({
  what,
  encoding: "bare",
  bytes: Buffer.from(said),
});

/** On event streams. */
export const EVENT_STREAM_CASES: readonly StreamCase[] = [
  lines("no base64", "id: 2\ndata: ***\n\n"),
  lines("no message", "id: 2\ndata: AAAA\n\n"),
  lines("nothing", "id: 2\ndata: \n\n"),
  lines("a close of null", "event: close\ndata: null\n\n"),
  lines("a close of nothing", "event: close\ndata: {}\n\n"),
  lines("a close of other types", 'event: close\ndata: {"code":"x","reason":{"a":[1]}}\n\n'),
  lines("a close of a number", "event: close\ndata: 7\n\n"),
  lines("a close that is no JSON", "event: close\ndata: {\n\n"),
  lines("a close that is deep", `event: close\ndata: ${NESTED}\n\n`),
  lines("a pause of years", "retry: 99999999999\nid: x\n\n"),
  lines("ten million characters without an end", `id: 2\ndata: ${"A".repeat(10_000_000)}`),
  lines("a million empty lines", "\n".repeat(1_000_000)),
  lines("an event of nobody's", "event: __proto__\ndata: {}\n\n"),
];

const CBOR = { "content-type": "application/octet-stream" };
const JSON_TYPE = { "content-type": "application/json" };
const bareOutput = (...value: Part[]) => Uint8Array.from([[4, 0], data(value.flat())].flat());
const good = (what: string, answer: FakeAnswer): readonly [string, FakeAnswer] => [what, answer];

/** Answers to calls over HTTP in BARE. */
export const ANSWERS: readonly (readonly [what: string, answer: FakeAnswer])[] = [
  good("nothing", { headers: CBOR, body: "" }),
  good("half a version", { headers: CBOR, body: Uint8Array.from([4]) }),
  good("another version", { headers: CBOR, body: Uint8Array.from([99, 0, 1, 1]) }),
  good("less than announced", { headers: CBOR, body: Uint8Array.from([4, 0, 9, 1]) }),
  good("2^63 bytes announced", { headers: CBOR, body: Uint8Array.from([4, 0, ...times(8, 0xff), 0x7f]) }),
  good("a list of 2^64 - 1", { headers: CBOR, body: bareOutput(0x9b, MOST) }),
  good("a text of 4 GiB", { headers: CBOR, body: bareOutput(0x7a, times(4, 0xff)) }),
  good("deep lists", { headers: CBOR, body: bareOutput(times(50_000, 0x81), 1) }),
  good("deep tags", { headers: CBOR, body: bareOutput(times(50_000, 0xc6), 1) }),
  good("an unknown escape", { headers: CBOR, body: bareOutput(0x82, ...cborText("$Nope"), 1) }),
  good("a page", { headers: { "content-type": "text/html" }, body: "<html>" }),
  good("an error that is none", {
    status: 500,
    headers: JSON_TYPE,
    body: '{"group":{},"code":[],"message":1}',
  }),
  good("a deep error", { status: 500, headers: JSON_TYPE, body: NESTED }),
  good("an error in BARE that lies", {
    status: 500,
    headers: CBOR,
    body: Uint8Array.from([4, 0, ...times(8, 0xff), 0x7f]),
  }),
  good("an error that is no JSON", { status: 400, headers: JSON_TYPE, body: "{" }),
  good("no content", { status: 204, body: "" }),
  good("a status that nobody knows", { status: 799, body: "" }),
  good("a redirect to itself", { status: 307, headers: { location: "?" }, body: "" }),
  good("a redirect to nowhere", { status: 302, headers: { location: "ftp://nowhere.invalid/" }, body: "" }),
];
