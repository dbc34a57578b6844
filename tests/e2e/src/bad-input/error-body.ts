/** Reads an error out of an answer, in whatever encoding it came, and holds it against the protocol. */
import assert from "node:assert/strict";
import { decode } from "cbor-x";
import { BareReader } from "./bare.js";
import type { RawAnswer } from "./raw-http.js";

/** The structured error that every refusal is. */
export interface WireError {
  readonly group: string;
  readonly code: string;
  readonly message: string;
  readonly metadata?: unknown;
}

/** The error of an answer to a request in `encoding`. */
export function errorOf(answer: RawAnswer, encoding: string): WireError {
  const type = answer.headers["content-type"] ?? "";
  if (type.includes("application/json")) return checked(JSON.parse(answer.body.toString("utf8")));
  if (encoding === "cbor") return checked(decode(answer.body));
  assert.equal(encoding, "bare", `an error in ${type}`);
  return checked(bareError(answer.body));
}

function bareError(body: Uint8Array): unknown {
  const reader = new BareReader(body);
  assert.equal(reader.u16(), 4, "the version of the protocol");
  return { group: reader.text(), code: reader.text(), message: reader.text() };
}

/** Clients cannot read an error with nulls for what it does not have, and nobody wants an empty one. */
function checked(error: unknown): WireError {
  assert.ok(typeof error === "object" && error !== null, "an error is an object");
  const { group, code, message } = error as Record<string, unknown>;
  for (const part of [group, code, message]) assert.ok(typeof part === "string" && part !== "", String(part));
  for (const [name, value] of Object.entries(error)) assert.notEqual(value, null, `${name} is null`);
  assert.doesNotMatch(String(message), /panicked|\.rs:\d|\n\s+at |undefined|\[object/);
  assert.ok(String(message).length < 1000, "a message for people is not a copy of the input");
  return error as WireError;
}
