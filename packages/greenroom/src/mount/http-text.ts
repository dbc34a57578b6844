/** HTTP/1.1 as text, for connections that are handed over to the core. */
import { STATUS_CODES } from "node:http";
import { ActorError } from "@greenroom/client/errors";

const encoder = new TextEncoder();
/** What ends a line, or is no byte. */
const UNFIT = /[\0\r\n\u0100-\uffff]/;

/** Lines of a header, as they came or are to be sent. */
export type HeaderLines = Iterable<readonly [name: string, value: string]>;

/** The names and values that Node gives one after the other. */
export function* linesOf(raw: readonly string[]): Generator<readonly [string, string]> {
  for (let at = 0; at + 1 < raw.length; at += 2) yield [raw[at] ?? "", raw[at + 1] ?? ""];
}

/**
 * The head of a request.
 *
 * @param target Path and query.
 * @throws ActorError `request.invalid` if it would be something else than one head.
 */
export function requestText(method: string, target: string, headers: HeaderLines): Uint8Array {
  let text = `${method} ${target} HTTP/1.1\r\n`;
  let isHead = !UNFIT.test(method + target);
  for (const [name, value] of headers) {
    isHead &&= !UNFIT.test(name + value);
    text += `${name}: ${value}\r\n`;
  }
  if (isHead) return latin1(`${text}\r\n`);
  const message = "the head of this request has characters that cannot be passed on";
  throw new ActorError("request", "invalid", message, { statusCode: 400 });
}

/** An answer that says what is wrong, after which the connection ends. */
export function errorText({ group, code, message, statusCode = 503 }: ActorError): Uint8Array {
  const body = encoder.encode(JSON.stringify({ group, code, message, metadata: null }));
  const head =
    `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ""}\r\n` +
    `content-type: application/json\r\ncontent-length: ${body.length}\r\n` +
    `x-rivet-error: ${group}.${code}\r\nconnection: close\r\n\r\n`;
  return Buffer.concat([latin1(head), body]);
}

/** One byte for each character. */
function latin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}
