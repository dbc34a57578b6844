import { ActorClientError, ActorError } from "./errors.js";
import { paramsJson } from "./params.js";
import { subprotocols } from "./protocol/subprotocols.js";
import { callRetry } from "./stateless/call-retry.js";
import { gatewayUrl, type Target } from "./target.js";
import type { Transport } from "./transport.js";
import type { ParamsOptions } from "./types.js";
import type { WebSocketLike } from "./websocket.js";

/** From the start of the handshake to the open socket. */
const OPEN_TIMEOUT_MS = 15_000;

/**
 * Sends a request to the `onRequest` handler of an actor. Answers come back as they are, whatever their status.
 *
 * @param input a path in the actor, with or without a leading slash; of a URL or `Request`, path and query count.
 */
export async function rawFetch(
  transport: Transport,
  target: Target,
  options: ParamsOptions<unknown>,
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  const { path, absolute } = resource(input);
  const request = input instanceof Request ? await fromRequest(input, init) : init;
  // A stream is used up by the first attempt.
  const repeatable = !(request.body instanceof ReadableStream);
  const retry = callRetry(target);
  for (;;) {
    const location = await transport.metadata.locate(request.signal ?? undefined);
    const params = await paramsJson(options);
    const headers = new Headers(transport.config.headers);
    new Headers(request.headers).forEach((value, name) => {
      headers.set(name, value);
    });
    if (location.token !== undefined) headers.set("x-rivet-token", location.token);
    if (params !== undefined) headers.set("x-rivet-conn-params", params);
    if (absolute !== undefined) headers.set("x-rivet-internal-original-request-url", absolute);
    const url = await gatewayUrl(target, location, `/request${path}`, transport.config);
    const response = await transport.fetch(url, { ...request, headers });
    const pause = repeatable ? retry(gatewayError(response)) : undefined;
    if (pause === undefined) return response;
    await response.body?.cancel();
    await transport.sleep(pause, request.signal ?? undefined);
  }
}

/**
 * Opens a WebSocket to the `onWebSocket` handler of an actor; resolves when it is open.
 *
 * @param path as for {@link rawFetch}.
 * @throws ActorError `client.connection_open_failed`
 */
export async function rawWebSocket(
  transport: Transport,
  target: Target,
  options: ParamsOptions<unknown>,
  path: string,
  protocols: string | readonly string[],
): Promise<WebSocket> {
  const { config, metadata } = transport;
  const [params, location, Socket] = await Promise.all([
    paramsJson(options),
    metadata.locate(),
    config.runtime.loadWebSocket(),
  ]);
  const address = await gatewayUrl(target, location, `/websocket${resource(path).path}`, config);
  const url = address.replace(/^http/, "ws");
  // The server selects one of ours; the others are for the actor to see.
  const socket = new Socket(url, [...subprotocols("bare", params, false), ...[protocols].flat()]);
  await opened(socket, transport);
  return socket as unknown as WebSocket;
}

function opened(socket: WebSocketLike, { config: { location, runtime } }: Transport): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (problem: string | undefined): void => {
      runtime.clearTimeout(timer);
      socket.onopen = null;
      socket.onclose = null;
      socket.onerror = null;
      if (problem === undefined) {
        resolve();
        return;
      }
      // Closing may report one more error, which Node would throw.
      socket.onerror = () => {};
      socket.close();
      const message = `the WebSocket to ${location.url} could not be opened: ${problem}`;
      reject(new ActorClientError("connection_open_failed", message));
    };
    const timer = runtime.setTimeout(() => settle(`no answer within ${OPEN_TIMEOUT_MS} ms`), OPEN_TIMEOUT_MS);
    let detail = "";
    socket.onerror = (event) => {
      detail = event.message ?? "";
    };
    socket.onclose = ({ code, reason }) => settle(detail || reason || `close code ${code}`);
    socket.onopen = () => {
      // Node delivers messages before promises go on; they must not come before the caller can listen.
      socket.pause?.();
      runtime.setTimeout(() => socket.resume?.(), 0);
      settle(undefined);
    };
  });
}

/** The path and query of a resource inside an actor. Dots in it cannot lead out of the actor. */
function resource(input: string | URL | Request): {
  readonly path: string;
  readonly absolute: string | undefined;
} {
  const isPath = typeof input === "string";
  const { href, pathname, search } = new URL(
    isPath ? `http://actor/${input.replace(/^\/+/, "")}` : input instanceof Request ? input.url : input,
  );
  // A gateway takes no path with `//`.
  return { path: pathname.replace(/\/{2,}/g, "/") + search, absolute: isPath ? undefined : href };
}

async function fromRequest(request: Request, init: RequestInit): Promise<RequestInit> {
  const { method, headers, signal, redirect } = request;
  const body = request.body === null ? null : await request.arrayBuffer();
  return { method, headers, signal, redirect, body, ...init };
}

/** The gateway marks its own errors, unlike those of the actor's handler. */
function gatewayError(response: Response): ActorError {
  const [group = "", code = ""] = (response.headers.get("x-rivet-error") ?? "").split(".");
  return new ActorError(group, code, "");
}
