import {
  type ByteWriter,
  buildBytes,
  decodeValue,
  encodeValue,
  fromJsonCompat,
  toJsonCompat,
  writeMapHead,
  writeText,
} from "../codec/index.js";
import type { Encoding } from "../config.js";
import { BareReader, writeBool, writeData, writeStr, writeVersion } from "./bare.js";
import { type ErrorBody, parseErrorBody, readErrorActor, readErrorFields } from "./error-body.js";

/** A message from client to server on a connection. */
export type ClientFrame =
  | {
      readonly tag: "ActionRequest";
      readonly id: number;
      readonly name: string;
      readonly args: readonly unknown[];
    }
  | { readonly tag: "SubscriptionRequest"; readonly eventName: string; readonly subscribe: boolean };

/** A message from server to client on a connection. */
export type ServerFrame =
  | {
      readonly tag: "Init";
      readonly actorId: string;
      readonly connectionId: string;
      /** What messages prove with that they are of this connection, where they travel outside of it. */
      readonly connectionToken: string | undefined;
    }
  /** Without `actionId` it is about the connection as a whole. */
  | { readonly tag: "Error"; readonly error: ErrorBody; readonly actionId: number | undefined }
  | { readonly tag: "ActionResponse"; readonly id: number; readonly output: unknown }
  | { readonly tag: "Event"; readonly name: string; readonly args: readonly unknown[] };

/** Writes a frame: text for `json`, bytes otherwise. */
export function encodeFrame(encoding: Encoding, frame: ClientFrame): string | Uint8Array<ArrayBuffer> {
  switch (encoding) {
    case "json":
      return writeJson(frame);
    case "cbor":
      return buildBytes((writer) => writeCbor(writer, frame));
    case "bare":
      return buildBytes((writer) => writeBare(writer, frame));
  }
}

function writeJson(frame: ClientFrame): string {
  const { tag, ...val } = frame;
  if (!("args" in val)) return JSON.stringify({ body: { tag, val } });
  const { id, name, args } = val;
  const request = { id: ["$BigInt", String(id)], name, args: toJsonCompat(args, "args") };
  return JSON.stringify({ body: { tag, val: request } });
}

function writeCbor(writer: ByteWriter, frame: ClientFrame): void {
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

function writeBare(writer: ByteWriter, frame: ClientFrame): void {
  writeVersion(writer);
  if (frame.tag === "ActionRequest") {
    writer.u8(0);
    writer.uvarint(frame.id);
    writeStr(writer, frame.name);
    writeData(writer, frame.args, "args");
  } else {
    writer.u8(1);
    writeStr(writer, frame.eventName);
    writeBool(writer, frame.subscribe);
  }
}

/**
 * Reads a frame.
 *
 * @throws when it is malformed, of an unknown kind, or in the wrong encoding.
 */
export function decodeFrame(encoding: Encoding, data: unknown): ServerFrame {
  if (encoding === "json") {
    if (typeof data !== "string") throw new RangeError("a binary frame on a json connection");
    return parseEnvelope(fromJsonCompat(JSON.parse(data)));
  }
  if (!(data instanceof ArrayBuffer)) throw new RangeError(`a text frame on a ${encoding} connection`);
  const bytes = new Uint8Array(data);
  return encoding === "cbor" ? parseEnvelope(decodeValue(bytes, "compat")) : decodeBare(bytes);
}

function decodeBare(bytes: Uint8Array): ServerFrame {
  const reader = new BareReader(bytes);
  const tag = reader.uint();
  switch (tag) {
    case 0:
      return {
        tag: "Init",
        actorId: reader.str(),
        connectionId: reader.str(),
        connectionToken: reader.atEnd ? undefined : reader.str(),
      };
    case 1: {
      const fields = readErrorFields(reader);
      const actionId = reader.optional(() => reader.uint());
      return { tag: "Error", error: { ...fields, actor: readErrorActor(reader) }, actionId };
    }
    case 2:
      return { tag: "ActionResponse", id: reader.uint(), output: reader.value() };
    case 3:
      return { tag: "Event", name: reader.str(), args: asArgs(reader.value()) };
    default:
      throw new RangeError(`a frame of the unknown kind ${tag}`);
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
    case "Event":
      return { tag: "Event", name: asText(val.name), args: asArgs(val.args) };
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

function asArgs(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
