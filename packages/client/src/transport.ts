import type { Encoding, LiveTransport, Location, ResolvedConfig } from "./config.js";
import { MetadataLookup } from "./metadata.js";
import { networkError } from "./network-error.js";
import { bareFormat } from "./protocol/bare-format.js";
import { type Format, loadFormat } from "./protocol/format.js";
import { gatewayUrl, type Target } from "./target.js";
import { abortedError, makeSleep, type Sleep } from "./timers.js";

/** A POST to an actor. */
export interface ActorPost {
  readonly target: Target;
  /** Below the actor, starting with `/`, percent-encoded. */
  readonly path: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Connection parameters as ASCII JSON. */
  readonly params: string | undefined;
  readonly skipReadyWait: boolean;
  readonly signal: AbortSignal | undefined;
  /** Whether the result may be a stream. */
  readonly mayStream: boolean;
}

/** Says in `accept` that we can take results that stream, and that we know our extensions of the protocol. */
export const STREAM_TYPE = "application/vnd.greenroom.stream";

/** All HTTP of one client: single attempts, each of which succeeds or rejects with an `ActorError`. */
export class Transport {
  readonly config: ResolvedConfig;
  readonly sleep: Sleep;
  readonly metadata: MetadataLookup;
  /** How connections travel by what is known so far; all connections of a client share the experience. */
  liveTransport: LiveTransport;
  /** Whether the console was told that no connection opens. */
  warned = false;
  /** How messages are written and read; `undefined` until it is loaded. */
  format: Format | undefined;

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

  /**
   * Sends a body to an actor and returns that of the answer, both in the client's encoding, or the answer itself if
   * it streams.
   */
  async post(post: ActorPost): Promise<Uint8Array | Response> {
    const location = await this.metadata.locate(post.signal);
    const url = await gatewayUrl(post.target, location, post.path, this.config);
    const init: RequestInit = {
      method: "POST",
      headers: {
        ...this.actorHeaders(location, post.params, post.skipReadyWait),
        "content-type": contentType(this.config.encoding),
        ...(post.mayStream ? { accept: `*/*, ${STREAM_TYPE}` } : {}),
      },
      // Bytes, not a stream: browsers refuse to stream uploads over plain HTTP/1.1.
      body: post.body,
      signal: post.signal ?? null,
    };
    const response = await this.fetch(url, init);
    return response.headers.get("content-type") === STREAM_TYPE
      ? response
      : this.#bodyOf(url, init, response);
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
    return this.#bodyOf(url, init, await this.fetch(url, init));
  }

  async #bodyOf(url: string, init: RequestInit, response: Response): Promise<Uint8Array> {
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
