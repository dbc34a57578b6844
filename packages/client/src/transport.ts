import { needing } from "./codec/usual.js";
import type { Encoding, LiveTransport, Location, ResolvedConfig } from "./config.js";
import { MetadataLookup } from "./metadata.js";
import { networkError } from "./network-error.js";
import { bareFormat } from "./protocol/bare-format.js";
import { type Format, loadFormat, type Packet } from "./protocol/format.js";
import type { ClientFrame } from "./protocol/frames.js";
import type { CallRepeats } from "./repeats/stateless.js";
import { abortedError, makeSleep, type Sleep } from "./timers.js";

/** Says in `accept` that we can take results that stream, and that we know our extensions of the protocol. */
export const STREAM_TYPE = "application/vnd.greenroom.stream";

/** All HTTP of one client: single attempts, each of which succeeds or rejects with an `ActorError`. */
export class Transport {
  readonly config: ResolvedConfig;
  readonly sleep: Sleep;
  readonly metadata: MetadataLookup;
  /** How connections travel by what is known so far; all connections of a client share the experience. */
  liveTransport: LiveTransport;
  /** Aborted when the client is disposed: nothing is repeated after that. */
  readonly end = new AbortController();
  /** Whether the console was told that no connection opens. */
  warned = false;
  /** How messages are written and read; `undefined` until it is loaded. */
  format: Format | undefined;
  /** What makes calls again; `undefined` until it is loaded. */
  repeats: typeof import("./repeats/index.js") | undefined;
  /** The calls over HTTP that are made again; `undefined` before the first. */
  stateless: CallRepeats | undefined;

  constructor(config: ResolvedConfig) {
    this.config = config;
    this.sleep = makeSleep(config.runtime);
    this.metadata = new MetadataLookup(config, this.sleep);
    this.liveTransport = config.transport ?? "websocket";
    this.format = config.encoding === "bare" ? bareFormat : undefined;
  }

  /** Loads the format of the client's encoding. The default one is there from the beginning. */
  async loadFormat(): Promise<Format> {
    this.format ??= await loadFormat(this.config.encoding);
    return this.format;
  }

  /** Loads what makes calls again, if there is a chance that it is needed. Without it they are made once. */
  async loadRepeats(): Promise<void> {
    this.repeats ??= await import("./repeats/index.js").catch(() => undefined);
  }

  /** The packet of a call that the user has named. @throws what loads it, or ActorError `client.idempotency_unsupported` */
  keyed(frame: ClientFrame, extended: boolean | undefined): Packet | undefined {
    if (this.repeats === undefined) throw needing(() => this.loadRepeats());
    if (this.format === undefined || extended === undefined) return undefined;
    if (!extended) throw this.repeats.keyUnsupported();
    return this.repeats.encode(this.format, frame);
  }

  /** What requests to actors say in headers. @param params connection parameters as ASCII JSON. */
  actorHeaders(
    { token }: Location,
    params: string | undefined,
    skipReadyWait: boolean,
  ): Record<string, string> {
    const { encoding, headers } = this.config;
    return {
      ...headers,
      "x-rivet-encoding": encoding,
      ...(token === undefined ? {} : { "x-rivet-token": token }),
      ...(params === undefined ? {} : { "x-rivet-conn-params": params }),
      ...(skipReadyWait ? { "x-rivet-skip-ready-wait": "1" } : {}),
    };
  }

  /** A request that gives an `ActorError` when there is no answer. */
  fetch(url: string, init: RequestInit): Promise<Response> {
    return explained(url, init, () => this.config.runtime.fetch(url, init));
  }

  /** The body of a successful answer. @throws ActorError also for the server's own errors. */
  async request(url: string, init: RequestInit): Promise<Uint8Array> {
    return this.bodyOf(url, init, await this.fetch(url, init));
  }

  /** The body of an answer. @throws ActorError for the server's own errors. */
  async bodyOf(url: string, init: RequestInit, response: Response): Promise<Uint8Array> {
    const body = new Uint8Array(await explained(url, init, () => response.arrayBuffer()));
    if (response.ok) return body;
    const { errorOf } = await import("./protocol/error-response.js");
    throw await errorOf(response, body, this.config.encoding);
  }
}

async function explained<T>(url: string, init: RequestInit, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw init.signal?.aborted ? abortedError(init.signal) : networkError(url, cause);
  }
}

/** The content type of a message. */
export function contentType(encoding: Encoding): string {
  return encoding === "json" ? "application/json" : "application/octet-stream";
}
