import { ActorClientError, type ActorError, describe } from "./errors.js";

/** System errors of Node and Bun after which a request may have been carried out. */
const LOST_MIDWAY = /^(ECONNRESET|EPIPE|UND_ERR_SOCKET|ConnectionClosed)$/;

/** System errors after which it certainly was not: there was no connection. */
const NEVER_SENT =
  /^(ConnectionRefused|EAI_AGAIN|E(CONNREFUSED|HOSTUNREACH|NETUNREACH|NOTFOUND)|FailedToOpenSocket|UND_ERR_CONNECT_TIMEOUT)$/;

/** The error of a request that got no answer. Browsers do not say why, so there it is the first of the two codes. */
export function networkError(url: string, cause: unknown): ActorClientError {
  const { origin, pathname } = new URL(url);
  // Without the query: it may hold a token.
  const message = `request to ${origin}${pathname} failed: ${describe(cause)}`;
  const code = hasSystemCode(cause, LOST_MIDWAY) ? "connection_lost" : "endpoint_unreachable";
  return new ActorClientError(code, message, { cause });
}

/** Whether the server certainly knows nothing of the failed request. */
export function wasNeverSent(error: ActorError): boolean {
  return error.code === "endpoint_unreachable" && hasSystemCode(error.cause, NEVER_SENT);
}

/** Fetch wraps the system's error into one of its own. */
function hasSystemCode(error: unknown, codes: RegExp): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return (typeof code === "string" && codes.test(code)) || hasSystemCode(cause, codes);
}
