/**
 * Messages for queues over HTTP. Pages load this file when they first send one.
 */
import { decodeValue } from "../codec/decode.js";
import { writeMapHead, writeText } from "../codec/heads.js";
import { fromJsonCompat } from "../codec/json.js";
import { encodeValue } from "../codec/plain-forms.js";
import { ByteWriter } from "../codec/writer.js";
import type { Encoding } from "../config.js";
import type { Post } from "../stateless/index.js";
import type { QueueOutcome, QueueSendOptions } from "../types.js";
import { readAnswer } from "./answer.js";
import { BareReader, writeBool, writeStr, writeVersion } from "./bare.js";
import type { Packet } from "./format.js";

/** A queue message as it is sent. */
export interface QueueSend {
  readonly name: string;
  /** The encoded body. */
  readonly message: Packet;
  readonly wait: boolean;
  /** Milliseconds to wait for completion; `undefined` leaves the bound to the server. */
  readonly timeout: number | undefined;
}

/** Sends a message, and gives the reply if it is to wait for one. */
export async function sendToQueue(
  post: (post: Post) => Promise<Uint8Array>,
  encoding: Encoding,
  queue: string,
  message: Packet,
  options: QueueSendOptions,
): Promise<QueueOutcome<unknown> | undefined> {
  const { wait = false } = options;
  const timeout = checkTimeout(options.timeout);
  const answer = await post({
    path: `/queue/${encodeURIComponent(queue)}`,
    body: encodeQueueSend(encoding, { name: queue, message, wait, timeout }),
    mayRepeat: true,
    options,
  });
  const reply = await readAnswer(`the reply to a message for ${queue}`, () =>
    decodeQueueReply(encoding, answer),
  );
  return wait ? reply : undefined;
}

/** @throws TypeError for what is no time. */
function checkTimeout(timeout: number | undefined): number | undefined {
  if (timeout === undefined) return undefined;
  if (typeof timeout !== "number" || !(timeout >= 0)) {
    throw new TypeError("the option `timeout` has to be a number of milliseconds");
  }
  // What is infinite could not be written down.
  return Math.min(timeout, Number.MAX_SAFE_INTEGER);
}

/** The body of a queue send. */
function encodeQueueSend(encoding: Encoding, { message, ...rest }: QueueSend): Uint8Array<ArrayBuffer> {
  if (typeof message === "string") {
    const fields = JSON.stringify(rest).slice(1);
    return new TextEncoder().encode(`{"body":${message},${fields}`);
  }
  const writer = new ByteWriter();
  if (encoding === "bare") writeBare(writer, message, rest);
  else writeCbor(writer, message, rest);
  return writer.finish();
}

function writeBare(
  writer: ByteWriter,
  message: Uint8Array,
  { name, wait, timeout }: Omit<QueueSend, "message">,
): void {
  writeVersion(writer);
  writer.uvarint(message.length);
  writer.bytes(message);
  writeBool(writer, true);
  writeStr(writer, name);
  writeBool(writer, true);
  writeBool(writer, wait);
  writeBool(writer, timeout !== undefined);
  if (timeout !== undefined) writer.u64le(BigInt(Math.round(timeout)));
}

function writeCbor(writer: ByteWriter, message: Uint8Array, fields: object): void {
  const entries = Object.entries(fields);
  writeMapHead(writer, 1 + entries.length);
  writeText(writer, "body");
  writer.bytes(message);
  for (const [name, value] of entries) {
    writeText(writer, name);
    encodeValue(writer, value, "native", name);
  }
}

/** The answer in the body of a successful queue send. @throws when it is none. */
function decodeQueueReply(encoding: Encoding, body: Uint8Array): QueueOutcome<unknown> {
  const { status, response } = readReply(encoding, body);
  if (status === "timedOut") return { status };
  if (status !== "completed") throw new RangeError(`queue status ${JSON.stringify(status)}`);
  return response === undefined ? { status } : { status, response };
}

function readReply(encoding: Encoding, body: Uint8Array): { status?: unknown; response?: unknown } {
  if (encoding === "bare") {
    const reader = new BareReader(body);
    const status = reader.str();
    return { status, response: reader.optional(() => reader.value()) };
  }
  const answer =
    encoding === "json"
      ? fromJsonCompat(JSON.parse(new TextDecoder().decode(body)))
      : decodeValue(body, "compat");
  if (typeof answer !== "object" || answer === null) throw new RangeError("the answer is not an object");
  return answer;
}
