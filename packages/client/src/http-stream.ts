/** The result of a stateless call that streams. Loaded with the first of them. */
import { completely } from "./codec/usual.js";
import { ActorClientError } from "./errors.js";
import { networkError } from "./network-error.js";
import { toActorError } from "./protocol/error-body.js";
import type { Format } from "./protocol/format.js";
import { abortedError } from "./timers.js";

const NEWLINE = 0x0a;

/**
 * The items in the body of an answer: messages as a connection would bring them. Whoever reads slowly slows the
 * actor down; whoever stops reading cancels the call.
 */
export async function* readItems(
  response: Response,
  format: Format,
  signal: AbortSignal | undefined,
): AsyncGenerator<unknown> {
  const { body, url } = response;
  if (body === null) throw broken(url);
  const reader = body.getReader();
  let bytes = new Uint8Array(0);
  try {
    for (;;) {
      for (let end = messageEnd(format, bytes); end !== undefined; end = messageEnd(format, bytes)) {
        const message = bytes.slice(format.encoding === "json" ? 0 : 4, end);
        bytes = bytes.subarray(end);
        const frame = await completely(() => format.decodeFrame(asData(format, message)));
        if (frame.tag === "Error") throw toActorError(frame.error);
        if (frame.tag !== "Stream" || frame.part === "end") return;
        yield frame.item;
      }
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw signal?.aborted ? abortedError(signal) : networkError(url, cause);
      });
      if (done) throw broken(url);
      const joined = new Uint8Array(bytes.length + value.length);
      joined.set(bytes);
      joined.set(value, bytes.length);
      bytes = joined;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Where the first message ends; `undefined` while it is not there. */
function messageEnd({ encoding }: Format, bytes: Uint8Array): number | undefined {
  if (encoding === "json") {
    const index = bytes.indexOf(NEWLINE);
    return index < 0 ? undefined : index + 1;
  }
  if (bytes.length < 4) return undefined;
  const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return bytes.length < end ? undefined : end;
}

function asData({ encoding }: Format, message: Uint8Array<ArrayBuffer>): string | ArrayBuffer {
  return encoding === "json" ? new TextDecoder().decode(message) : message.buffer;
}

function broken(url: string): ActorClientError {
  return new ActorClientError("connection_lost", `the answer of ${url} broke off`);
}
