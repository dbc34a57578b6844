/** Messages on an open connection that cannot be read. They end it. */
import { BODY_CASES } from "./body-cases.js";
import { bareAction, type Encoding, jsonAction } from "./ws-client.js";

/** A message and the close that it gets. */
export interface FrameCase {
  readonly encoding: Encoding;
  readonly what: string;
  readonly message: string | Uint8Array;
  readonly code: number;
  readonly reason: string;
}

function ends(encoding: Encoding, what: string, message: string | Uint8Array): FrameCase {
  return { encoding, what, message, code: 1011, reason: "actor.invalid_request" };
}

function tooLong(encoding: Encoding, message: string | Uint8Array): FrameCase {
  return { encoding, what: "over the limit", message, code: 1011, reason: "message.incoming_too_long" };
}

const json = (value: unknown) => JSON.stringify(value);
const long = (length: number) => "x".repeat(length);
const bytes = (...values: number[]) => Uint8Array.from(values);

/** What is no body of an action is no message either. Nothing at all is the same in all encodings. */
const BODIES = BODY_CASES.map(({ encoding, what, body }) =>
  ends(encoding, `body: ${what}`, inFrameOf(encoding, body)),
);

function inFrameOf(encoding: Encoding, body: string | Uint8Array): string | Uint8Array {
  const isText = encoding === "json";
  if (isText) return typeof body === "string" ? body : Buffer.from(body);
  return typeof body === "string" ? Buffer.from(body) : body;
}

const JSON_FRAMES = [
  ends("json", "nothing", ""),
  ends("json", "an empty object", "{}"),
  ends("json", "no tag", json({ body: { val: {} } })),
  ends("json", "an unknown tag", json({ body: { tag: "Shutdown", val: {} } })),
  ends(
    "json",
    "a tag of the server's",
    json({ body: { tag: "Init", val: { actorId: "a", connectionId: "b" } } }),
  ),
  ends("json", "no value", json({ body: { tag: "ActionRequest" } })),
  ends("json", "no id", jsonAction(undefined, "increment", [1])),
  ends("json", "a text as id", jsonAction("7", "increment", [1])),
  ends("json", "half an id", jsonAction(0.5, "increment", [1])),
  ends("json", "a negative id", jsonAction(-1, "increment", [1])),
  ends("json", "an id over 64 bits", jsonAction(["$BigInt", "18446744073709551616"], "increment", [1])),
  ends("json", "no name", jsonAction(1, undefined, [1])),
  ends("json", "a number as name", jsonAction(1, 1, [1])),
  ends("json", "a name over the limit", jsonAction(1, long(257), [])),
  ends(
    "json",
    "an event name over the limit",
    json({
      body: { tag: "SubscriptionRequest", val: { eventName: long(257), subscribe: true } },
    }),
  ),
  ends(
    "json",
    "a subscription that is neither",
    json({
      body: { tag: "SubscriptionRequest", val: { eventName: "newCount", subscribe: "yes" } },
    }),
  ),
  tooLong("json", jsonAction(1, "echo", [long(70_000)])),
];

const BINARY_FRAMES = [
  ends("cbor", "a text frame", jsonAction(1, "increment", [1])),
  ends("cbor", "an empty map", bytes(0xa0)),
  ends("cbor", "another map", bytes(0xa1, 0x61, 0x61, 0x01)),
  tooLong("cbor", Buffer.alloc(70_000)),
  ends("bare", "a text frame", jsonAction(1, "increment", [1])),
  ends("bare", "an unknown tag", bytes(4, 0, 2)),
  ends("bare", "a huge tag", bytes(4, 0, 0xff, 0xff, 0xff, 0xff, 0x0f)),
  ends("bare", "an id and no more", bytes(4, 0, 0, 1)),
  ends("bare", "a name that is not UTF-8", bytes(4, 0, 0, 1, 2, 0xc3, 0x28, 1, 0x80)),
  ends("bare", "a name over the limit", bareAction(1, long(257), [0x80])),
  ends("bare", "a boolean that is neither", bytes(4, 0, 1, 1, 0x61, 2)),
  ends("bare", "a future version", bytes(9, 0, 0, 1, 1, 0x61, 1, 0x80)),
  tooLong(
    "bare",
    bareAction(
      1,
      "echo",
      Array.from({ length: 70_000 }, () => 0),
    ),
  ),
];

/** All of them. */
export const FRAME_CASES: readonly FrameCase[] = [...BODIES, ...JSON_FRAMES, ...BINARY_FRAMES];
