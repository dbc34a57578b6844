/**
 * The encodings whose messages are objects with named fields, `json` and `cbor`. They are not the default, so pages
 * load this file only if they ask for one of them.
 */
import { decodeValue } from "../codec/decode.js";
import { writeMapHead, writeText } from "../codec/heads.js";
import { fromJsonCompat, toJsonCompat } from "../codec/json.js";
import { encodeValue } from "../codec/plain-forms.js";
import { type ByteWriter, buildBytes } from "../codec/writer.js";
import { parseErrorBody } from "./error-body.js";
import type { Format } from "./format.js";
import { asArgs, type ClientFrame, type ServerFrame } from "./frames.js";

const utf8 = new TextDecoder();
const toUtf8 = new TextEncoder();

/** Text; values that JSON lacks travel as `$` escapes. */
export const jsonFormat: Format = {
  encoding: "json",
  encodeFrame: writeJson,
  encodeResume: (events) => JSON.stringify({ body: { tag: "ResumeRequest", val: { events } } }),
  decodeFrame(data) {
    if (typeof data !== "string") throw new RangeError("a binary frame on a json connection");
    return parseEnvelope(fromJsonCompat(JSON.parse(data)));
  },
  encodeArgs: (args) => toUtf8.encode(JSON.stringify({ args: toJsonCompat(args, "args") })),
  decodeOutput: (body) => asFields(parseJson(body)).output,
  encodeData: (value, at) => JSON.stringify(toJsonCompat(value, at)),
  decodeError: (body) => parseErrorBody(parseJson(body)),
};

/** CBOR. What we send has no `$` escapes, what the server sends has. */
export const cborFormat: Format = {
  encoding: "cbor",
  encodeFrame: (frame) => buildBytes((writer) => writeCbor(writer, frame)),
  encodeResume: (events) => buildBytes((writer) => writeCbor(writer, { tag: "ResumeRequest", events })),
  decodeFrame(data) {
    if (!(data instanceof ArrayBuffer)) throw new RangeError("a text frame on a cbor connection");
    return parseEnvelope(decodeValue(new Uint8Array(data), "compat"));
  },
  encodeArgs: (args) =>
    buildBytes((writer) => {
      writeMapHead(writer, 1);
      writeText(writer, "args");
      encodeValue(writer, args, "native", "args");
    }),
  decodeOutput: (body) => asFields(decodeValue(body, "compat")).output,
  encodeData: (value, at) => buildBytes((writer) => encodeValue(writer, value, "native", at)),
  decodeError: (body) => parseErrorBody(decodeValue(body, "compat")),
};

function parseJson(body: Uint8Array): unknown {
  return fromJsonCompat(JSON.parse(utf8.decode(body)));
}

function writeJson(frame: ClientFrame): string {
  const { tag, ...val } = frame;
  if (!("args" in val)) return JSON.stringify({ body: { tag, val } });
  const { id, args, ...rest } = val;
  const request = { id: ["$BigInt", String(id)], ...rest, args: toJsonCompat(args, "args") };
  return JSON.stringify({ body: { tag, val: request } });
}

type ResumeFrame = { readonly tag: "ResumeRequest"; readonly events: readonly string[] };

function writeCbor(writer: ByteWriter, frame: ClientFrame | ResumeFrame): void {
  const { tag, ...val } = frame;
  writeMapHead(writer, 1);
  writeText(writer, "body");
  writeMapHead(writer, 2);
  writeText(writer, "tag");
  writeText(writer, tag);
  writeText(writer, "val");
  writeMapHead(writer, Object.keys(val).length);
  for (const [name, value] of Object.entries(val)) {
    writeText(writer, name);
    // Ids are 64-bit integers, whatever their size.
    encodeValue(writer, name === "id" ? BigInt(value as number) : value, "native", name);
  }
}

type Fields = Readonly<Partial<Record<string, unknown>>>;

function parseEnvelope(value: unknown): ServerFrame {
  const body = asFields(asFields(value).body);
  const val = asFields(body.val);
  switch (body.tag) {
    case "Init":
      return {
        tag: "Init",
        actorId: asText(val.actorId),
        connectionId: asText(val.connectionId),
        connectionToken: val.connectionToken === undefined ? undefined : asText(val.connectionToken),
        extensions: val.extensions === undefined ? "" : asText(val.extensions),
      };
    case "Error": {
      const error = parseErrorBody(val);
      if (error === undefined) throw new RangeError("an error frame without group, code or message");
      const { actionId } = val;
      return {
        tag: "Error",
        error,
        actionId: actionId === null || actionId === undefined ? undefined : asId(actionId),
      };
    }
    case "ActionResponse":
      return { tag: "ActionResponse", id: asId(val.id), output: val.output };
    case "StreamStart":
      return { tag: "Stream", id: asId(val.id), part: "start", item: undefined };
    case "StreamItem":
      return { tag: "Stream", id: asId(val.id), part: "item", item: val.item };
    case "StreamEnd":
      return { tag: "Stream", id: asId(val.id), part: "end", item: undefined };
    case "Event":
      return {
        tag: "Event",
        name: asText(val.name),
        args: asArgs(val.args),
        number: val.number === undefined ? undefined : asId(val.number),
      };
    case "Subscribed":
      return {
        tag: "Mark",
        number: asId(val.number),
        text: asText(val.eventName),
        from: undefined,
      };
    case "Resync":
      return {
        tag: "Mark",
        number: asId(val.number),
        text: asText(val.reason),
        from: asId(val.from),
      };
    default:
      throw new RangeError(`a frame of the unknown kind ${JSON.stringify(body.tag)}`);
  }
}

function asFields(value: unknown): Fields {
  if (typeof value !== "object" || value === null) throw new RangeError("a frame without body");
  return value as Fields;
}

function asText(value: unknown): string {
  if (typeof value !== "string") throw new RangeError("a frame field that is not text");
  return value;
}

function asId(value: unknown): number {
  if (typeof value !== "bigint" && typeof value !== "number")
    throw new RangeError("a frame without a numeric id");
  return Number(value);
}
