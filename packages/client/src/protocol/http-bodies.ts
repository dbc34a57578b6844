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
import { ActorError } from "../errors.js";
import { BareReader, writeBool, writeData, writeStr, writeVersion } from "./bare.js";
import {
  type ErrorBody,
  parseErrorBody,
  readErrorActor,
  readErrorFields,
  toActorError,
} from "./error-body.js";

const utf8 = new TextDecoder();
const toUtf8 = new TextEncoder();

/** A queue message as it is sent. */
export interface QueueSend {
  readonly name: string;
  readonly body: unknown;
  readonly wait: boolean;
  /** Milliseconds to wait for completion; `undefined` leaves the bound to the server. */
  readonly timeout: number | undefined;
}

/** The answer to a queue send. */
export interface QueueReply {
  readonly status: "completed" | "timedOut";
  readonly response?: unknown;
}

/** The content type of a request body. */
export function contentType(encoding: Encoding): string {
  return encoding === "json" ? "application/json" : "application/octet-stream";
}

/** The body of an action call. */
export function encodeActionRequest(encoding: Encoding, args: readonly unknown[]): Uint8Array<ArrayBuffer> {
  switch (encoding) {
    case "json":
      return toUtf8.encode(JSON.stringify({ args: toJsonCompat(args, "args") }));
    case "cbor":
      return buildBytes((writer) => {
        writeMapHead(writer, 1);
        writeText(writer, "args");
        encodeValue(writer, args, "native", "args");
      });
    case "bare":
      return buildBytes((writer) => {
        writeVersion(writer);
        writeData(writer, args, "args");
      });
  }
}

/** The output in the body of a successful action call. */
export function decodeActionResponse(encoding: Encoding, body: Uint8Array): unknown {
  if (encoding === "bare") return new BareReader(body).value();
  const { output } = asRecord(decodeBody(encoding, body));
  return output;
}

/** The body of a queue send. */
export function encodeQueueRequest(encoding: Encoding, send: QueueSend): Uint8Array<ArrayBuffer> {
  const { body, ...rest } = send;
  switch (encoding) {
    case "json":
      return toUtf8.encode(JSON.stringify({ body: toJsonCompat(body, "body"), ...rest }));
    case "cbor":
      return buildBytes((writer) => {
        writeMapHead(writer, 4);
        writeText(writer, "body");
        encodeValue(writer, body, "native", "body");
        for (const [name, value] of Object.entries(rest)) {
          writeText(writer, name);
          encodeValue(writer, value, "native", name);
        }
      });
    case "bare":
      return buildBytes((writer) => writeQueueSend(writer, send));
  }
}

function writeQueueSend(writer: ByteWriter, { name, body, wait, timeout }: QueueSend): void {
  writeVersion(writer);
  writeData(writer, body, "body");
  writeBool(writer, true);
  writeStr(writer, name);
  writeBool(writer, true);
  writeBool(writer, wait);
  writeBool(writer, timeout !== undefined);
  if (timeout !== undefined) writer.u64le(BigInt(Math.round(timeout)));
}

/** The answer in the body of a successful queue send. */
export function decodeQueueResponse(encoding: Encoding, body: Uint8Array): QueueReply {
  const { status, response } =
    encoding === "bare" ? readQueueReply(body) : asRecord(decodeBody(encoding, body));
  if (status !== "completed" && status !== "timedOut") {
    throw new RangeError(`queue status ${JSON.stringify(status)}`);
  }
  return response === undefined ? { status } : { status, response };
}

function readQueueReply(body: Uint8Array): { status?: unknown; response?: unknown } {
  const reader = new BareReader(body);
  const status = reader.str();
  return { status, response: reader.optional(() => reader.value()) };
}

/** The error in the body of a failed request, whose content type says how it is written. */
export function decodeErrorResponse(
  encoding: Encoding,
  type: string,
  status: number,
  body: Uint8Array,
): ActorError {
  try {
    const found = readError(type.includes("application/json") ? "json" : encoding, body);
    if (found !== undefined) return toActorError(found, status);
  } catch {
    // Not an error of ours, for example a proxy's page: described below.
  }
  const text = utf8.decode(body.subarray(0, 200));
  return new ActorError(
    "client",
    "malformed_response",
    `HTTP status ${status} with an unreadable body: ${text}`,
    {
      statusCode: status,
      retryable: status === 429 || status >= 502,
    },
  );
}

function readError(encoding: Encoding, body: Uint8Array): ErrorBody | undefined {
  if (encoding !== "bare") return parseErrorBody(decodeBody(encoding, body));
  const reader = new BareReader(body);
  const fields = readErrorFields(reader);
  return { ...fields, actor: readErrorActor(reader) };
}

function decodeBody(encoding: "json" | "cbor", body: Uint8Array): unknown {
  return encoding === "json" ? fromJsonCompat(JSON.parse(utf8.decode(body))) : decodeValue(body, "compat");
}

function asRecord(value: unknown): { output?: unknown; status?: unknown; response?: unknown } {
  if (typeof value !== "object" || value === null) throw new RangeError("the answer is not an object");
  return value;
}
