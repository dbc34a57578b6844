/** Input for new actors. Loaded with the first handle that has some. */
import { toBase64 } from "./codec/base64.js";
import { completely, encodeCompat } from "./codec/usual.js";
import { buildMessage } from "./codec/wire-writer.js";
import { ActorClientError } from "./errors.js";

/** Creation input as CBOR. */
export async function encodeInput(input: unknown): Promise<Uint8Array> {
  return completely(() => buildMessage((writer) => encodeCompat(writer, input, "input")));
}

/**
 * Creation input as a parameter of a URL.
 *
 * @param limit in bytes, before base64.
 * @throws `client.input_too_large`
 */
export async function inputParameter(input: unknown, limit: number): Promise<string> {
  const bytes = await encodeInput(input);
  if (bytes.length > limit) {
    const message = `createWithInput is ${bytes.length} bytes, limit is ${limit}; use create() for larger input`;
    throw new ActorClientError("input_too_large", message);
  }
  return toBase64(bytes, "url");
}
