import { completely } from "../codec/usual.js";
import type { Encoding } from "../config.js";
import { ActorClientError, type ActorError } from "../errors.js";
import { type ErrorBody, parseErrorBody, toActorError } from "./error-body.js";
import { loadFormat } from "./format.js";

const utf8 = new TextDecoder();

async function decode(encoding: Encoding, body: Uint8Array): Promise<ErrorBody | undefined> {
  const format = await loadFormat(encoding);
  return completely(() => format.decodeError(body));
}

/** The error in the body of a failed request, whose content type says how it is written. */
export async function errorOf(response: Response, body: Uint8Array, encoding: Encoding): Promise<ActorError> {
  const { status, headers } = response;
  const text = utf8.decode(body);
  try {
    const isJson = headers.get("content-type")?.includes("application/json");
    // Gateways answer in JSON whatever was asked for. Only values with `$` escapes need the whole format.
    const found =
      isJson && !text.includes('"$')
        ? parseErrorBody(JSON.parse(text))
        : await decode(isJson ? "json" : encoding, body);
    if (found !== undefined) return toActorError(found, status);
  } catch {
    // Not an error of ours, for example a proxy's page: described below.
  }
  return new ActorClientError(
    "malformed_response",
    `HTTP status ${status} with an unreadable body: ${text.slice(0, 200)}`,
    { statusCode: status, retryable: status === 429 || status >= 502 },
  );
}
