/** Calls and messages over HTTP. Loaded with the first of them. */
import { ActorError } from "../errors.js";
import type { HandleOptions } from "../handle.js";
import { paramsJson } from "../params.js";
import type { Repeat } from "../repeats/stateless.js";
import { gatewayUrl, type Target } from "../target.js";
import { orAborted } from "../timers.js";
import { contentType, STREAM_TYPE, type Transport } from "../transport.js";
import type { CallOptions } from "../types.js";
import { callRetry } from "./call-retry.js";

/** A body for an actor. */
export interface Post {
  /** Below the actor, starting with `/`, percent-encoded. */
  readonly path: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Whether it may be sent again when it certainly was not carried out. */
  readonly mayRepeat: boolean;
  readonly options: CallOptions;
  /** Whether it is a call, whose result may be a stream, which is given as a response. Calls run once. */
  readonly isCall?: boolean;
}

/** Where a body goes, and who sends it. */
export interface Sender {
  readonly transport: Transport;
  readonly target: Target;
  /** Those of the handle. */
  readonly options: HandleOptions;
}

/** Posts until it succeeds or may not be repeated. */
export async function post(sender: Sender, message: Post): Promise<Uint8Array | Response> {
  const { transport, target, options } = sender;
  const signal = either(options.signal, message.options.signal);
  const retry = callRetry(target);
  // Messages of queues have no id, and may be sent twice for all that the actor knows.
  const repeat = message.isCall ? await beginOnce(transport, message.options, signal) : undefined;
  // Has its own patience; once it succeeded, attempts find the answer in memory.
  await transport.metadata.locate(signal);
  let params: string | undefined;
  try {
    for (;;) {
      try {
        params = await orAborted(paramsJson(options), signal);
        return await postOnce(sender, message, params, signal, repeat?.headers());
      } catch (error) {
        if (!message.mayRepeat || !(error instanceof ActorError)) throw error;
        const pause = retry(error) ?? repeat?.pause(error);
        if (pause === undefined) throw error;
        const over = either(signal, transport.end.signal);
        await transport.sleep(pause, over).catch((aborted) => {
          throw signal?.aborted ? aborted : error;
        });
      }
    }
  } catch (error) {
    const once = signal?.aborted ? repeat?.givenUp() : undefined;
    if (once !== undefined) giveUp(sender, message, params, once).catch(() => {});
    throw error;
  } finally {
    repeat?.end();
  }
}

/**
 * Tells the server that nobody will come back for a call that was aborted: a lost connection alone does not say so.
 * Whether it arrives changes nothing for the caller.
 */
async function giveUp(
  { transport, target, options }: Sender,
  { path, options: { skipReadyWait = options.skipReadyWait } }: Post,
  params: string | undefined,
  once: Record<string, string>,
): Promise<void> {
  const { config } = transport;
  const location = await transport.metadata.locate(undefined);
  const url = await gatewayUrl(target, location, path, config);
  const headers = {
    ...transport.actorHeaders(location, params, skipReadyWait ?? config.skipReadyWait),
    ...once,
  };
  // The page may be on its way out.
  await transport.request(url, { method: "DELETE", headers, keepalive: true });
}

/** What aborts when one of them does. */
export function either(
  first: AbortSignal | undefined,
  second: AbortSignal | undefined,
): AbortSignal | undefined {
  if (first === undefined) return second;
  return second === undefined ? first : AbortSignal.any([first, second]);
}

/** Begins a call that runs once, if it is to and can. @throws ActorError `client.idempotency_unsupported` */
async function beginOnce(
  transport: Transport,
  { retryTimeout, idempotencyKey }: CallOptions,
  signal: AbortSignal | undefined,
): Promise<Repeat | undefined> {
  const { config, metadata } = transport;
  const timeout = retryTimeout ?? config.retryTimeout;
  if (timeout === 0 && idempotencyKey === undefined) return undefined;
  const [location] = await Promise.all([metadata.locate(signal), transport.loadRepeats()]);
  const { repeats } = transport;
  // Without it, calls are made once.
  if (repeats === undefined) return undefined;
  transport.stateless ??= new repeats.CallRepeats(config);
  return transport.stateless.begin(location, timeout, idempotencyKey);
}

/**
 * Sends a body to an actor and returns that of the answer, both in the client's encoding, or the answer itself if it
 * streams.
 *
 * @param params connection parameters as ASCII JSON.
 * @param once what names the call, so that it runs once.
 */
async function postOnce(
  { transport, target, options }: Sender,
  { path, body, isCall = false, options: { skipReadyWait = options.skipReadyWait } }: Post,
  params: string | undefined,
  signal: AbortSignal | undefined,
  once: Record<string, string> | undefined,
): Promise<Uint8Array | Response> {
  const { config } = transport;
  const location = await transport.metadata.locate(signal);
  const url = await gatewayUrl(target, location, path, config);
  const init: RequestInit = {
    method: "POST",
    headers: {
      ...transport.actorHeaders(location, params, skipReadyWait ?? config.skipReadyWait),
      "content-type": contentType(config.encoding),
      ...once,
      ...(isCall ? { accept: `*/*, ${STREAM_TYPE}` } : {}),
    },
    // Bytes, not a stream: browsers refuse to stream uploads over plain HTTP/1.1.
    body,
    signal: signal ?? null,
  };
  const response = await transport.fetch(url, init);
  return response.headers.get("content-type") === STREAM_TYPE
    ? response
    : transport.bodyOf(url, init, response);
}
