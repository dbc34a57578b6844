/**
 * What the host keeps in the core's messages.
 *
 * A message's body is one byte that says how the rest is to be read, then in state form the list of the queue's name,
 * the time at which it was sent, and the bytes of what was sent, in state form as well: every reader gets a copy.
 */
import { buildBytes, decodeValue, encodeValue } from "@greenroom/client/codec";
import { unwrap } from "../state/index.js";

/** A message as it crosses the bridge. The body is a view into the batch. */
export interface MessageRecord {
  readonly id: number;
  readonly body: Uint8Array;
}

/** A message that can be stored. */
export interface Envelope {
  readonly name: string;
  /** In milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** What was sent, in state form. */
  readonly payload: Uint8Array;
}

const VERSION = 1;

/** @throws TypeError naming the path of what cannot be stored. */
export function encodePayload(body: unknown): Uint8Array {
  const plain = unwrap(body);
  return buildBytes((writer) => encodeValue(writer, plain, "state", "body"));
}

/** A fresh copy of what was sent. */
export function decodePayload(payload: Uint8Array): unknown {
  return decodeValue(payload, "state");
}

export function encodeMessage({ name, createdAt, payload }: Envelope): Uint8Array {
  return buildBytes((writer) => {
    writer.u8(VERSION);
    encodeValue(writer, [name, createdAt, payload], "state");
  });
}

/** Copies what it needs. @throws Error if another version of the host has stored it. */
export function decodeMessage(body: Uint8Array): Envelope {
  if (body[0] !== VERSION) throw new Error(`it has version ${body[0]}`);
  const parts = decodeValue(body.subarray(1), "state");
  if (!Array.isArray(parts)) throw new Error("it is no list");
  const [name, createdAt, payload] = parts as unknown[];
  if (typeof name !== "string" || typeof createdAt !== "number" || !(payload instanceof Uint8Array)) {
    throw new Error("its parts are not what they should be");
  }
  return { name, createdAt, payload };
}
