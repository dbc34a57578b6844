/** `fetch` without a network: takes requests apart for the core. */
import { type Client, type ClientConfig, createClient } from "@greenroom/client";
import { ActorError } from "@greenroom/client/errors";
import type { RegistryLike } from "@greenroom/client/types";
import type { RequestHead, Requests, Sender } from "./requests.js";

export type { RequestHead } from "./requests.js";

/** The endpoint that clients in this process are given. Nothing is resolved: only paths count. */
const IN_PROCESS = "http://greenroom.internal";

/**
 * A `fetch` that is trusted, for clients in this process.
 *
 * @param more Header lines on top of a request's own.
 */
export function trustedFetch(
  requests: Requests,
  sender?: Sender,
  more: RequestHead["headers"] = [],
): typeof globalThis.fetch {
  return fetchOver((head) =>
    requests.send({ ...head, headers: [...head.headers, ...more], isTrusted: true }, sender),
  );
}

/** A `fetch` whose requests, which come from outside, go where `send` takes them. */
export function fetchOver(send: (head: RequestHead) => Promise<Response>): typeof globalThis.fetch {
  return (input, init) => {
    const plain = typeof input === "string" && init !== undefined ? plainHead(input, init) : undefined;
    return send(plain ?? requestHead(new Request(input, streaming(init))));
  };
}

/** Node wants to be told that a body may still be sent while the answer comes. */
function streaming(init: RequestInit | undefined): RequestInit | undefined {
  if (!(init?.body instanceof ReadableStream)) return init;
  const asStream: RequestInit & { readonly duplex: "half" } = { ...init, duplex: "half" };
  return asStream;
}

/**
 * A client whose requests go through `fetch`.
 *
 * @param config What else it should have, except for where it goes and how.
 */
export function inProcessClient<Registry extends RegistryLike>(
  namespace: string,
  fetch: typeof globalThis.fetch,
  config: Pick<ClientConfig, "token" | "headers" | "encoding" | "runtime"> = {},
): Client<Registry> {
  return createClient<Registry>({
    ...config,
    endpoint: IN_PROCESS,
    namespace,
    disableMetadataLookup: true,
    // Given, because this server is known to heed it.
    retryTimeout: 30_000,
    // There are no WebSockets without a network.
    transport: "sse",
    runtime: { loadWebSocket: noWebSocket, ...config.runtime, fetch },
  });
}

function noWebSocket(): Promise<never> {
  const message =
    "raw WebSockets cannot be opened within a process: use a client with the address of a server";
  return Promise.reject(new ActorError("feature", "unsupported", message));
}

/** What a request from outside consists of, with a path of its own. */
export function requestHead(request: Request, target = targetOf(request.url)): RequestHead {
  return {
    method: request.method,
    target,
    headers: [...request.headers],
    body: request.body,
    signal: request.signal,
    isTrusted: false,
  };
}

/** Path and query of a URL. */
export function targetOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}

/** The usual requests of our client, without the detour over a `Request`. */
function plainHead(url: string, init: RequestInit): RequestHead | undefined {
  const { method = "GET", headers = {}, body = null, signal = null } = init;
  const isPlain = body === null || typeof body === "string" || body instanceof Uint8Array;
  if (!isPlain || headers instanceof Headers || Array.isArray(headers)) return undefined;
  if (!url.startsWith(IN_PROCESS)) return undefined;
  return {
    method,
    target: url.slice(IN_PROCESS.length),
    headers: Object.entries(headers),
    body,
    signal,
    isTrusted: false,
    isPlain: true,
  };
}
