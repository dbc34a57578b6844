import { wasLostMidway } from "#platform";
import { ActorClientError, describe } from "./errors.js";

/** The error of a request that got no answer. Browsers do not say why, so there it is the second of the two codes. */
export function networkError(url: string, cause: unknown): ActorClientError {
  const { origin, pathname } = new URL(url);
  // Without the query: it may hold a token.
  const message = `request to ${origin}${pathname} failed: ${describe(cause)}`;
  return new ActorClientError(wasLostMidway(cause) ? "connection_lost" : "endpoint_unreachable", message, {
    cause,
  });
}
