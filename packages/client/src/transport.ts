import { toBase64 } from "./codec/index.js";
import type { LiveTransport, ResolvedConfig } from "./config.js";
import { ActorError } from "./errors.js";
import { storageKey } from "./key.js";
import { type Location, MetadataLookup } from "./metadata.js";
import { networkError } from "./network-error.js";
import { contentType, decodeErrorResponse } from "./protocol/http-bodies.js";
import { encodeInput, gatewayUrl, type Target } from "./target.js";
import { abortedError, makeSleep, type Sleep } from "./timers.js";

/** A POST to an actor. */
export interface ActorPost {
  readonly target: Target;
  /** Below the actor, starting with `/`, percent-encoded. */
  readonly path: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Connection parameters as ASCII JSON. */
  readonly params: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** All HTTP of one client: single attempts, each of which succeeds or rejects with an `ActorError`. */
export class Transport {
  readonly config: ResolvedConfig;
  readonly sleep: Sleep;
  readonly metadata: MetadataLookup;
  /** How connections travel by what is known so far; all connections of a client share the experience. */
  liveTransport: LiveTransport;
  /** Whether the console was told that no connection opens. */
  warned = false;

  constructor(config: ResolvedConfig) {
    this.config = config;
    this.sleep = makeSleep(config.runtime);
    this.metadata = new MetadataLookup(config, this.sleep);
    this.liveTransport = config.transport ?? "websocket";
  }

  /** Sends a body to an actor and returns that of the answer, both in the client's encoding. */
  async post(post: ActorPost): Promise<Uint8Array> {
    const location = await this.metadata.locate(post.signal);
    return this.#request(gatewayUrl(post.target, location, post.path, this.config), {
      method: "POST",
      headers: {
        ...this.actorHeaders(location, post.params),
        "content-type": contentType(this.config.encoding),
      },
      // Bytes, not a stream: browsers refuse to stream uploads over plain HTTP/1.1.
      body: post.body,
      signal: post.signal ?? null,
    });
  }

  /** What requests to actors say in headers. @param params connection parameters as ASCII JSON. */
  actorHeaders({ token }: Location, params: string | undefined): Record<string, string> {
    const { encoding, headers } = this.config;
    return {
      ...headers,
      "x-rivet-encoding": encoding,
      ...(token === undefined ? {} : { "x-rivet-token": token }),
      ...(params === undefined ? {} : { "x-rivet-conn-params": params }),
    };
  }

  /** The id of the actor with a key. @throws ActorError `actor.not_found` */
  async find(name: string, key: readonly string[], signal?: AbortSignal): Promise<string> {
    const query = `name=${encodeURIComponent(name)}&key=${encodeURIComponent(storageKey(key))}`;
    const answer = await this.#manage("GET", query, undefined, signal);
    const { actors } = answer as { actors?: unknown };
    const first: unknown = Array.isArray(actors) ? actors[0] : undefined;
    if (first === undefined) {
      throw new ActorError("actor", "not_found", `there is no actor ${name} with key ${storageKey(key)}`);
    }
    return actorId(first);
  }

  /** Creates an actor, or with `reuse` finds the one that has the key, and returns its id. */
  async create(
    name: string,
    key: readonly string[],
    options: {
      readonly input: unknown;
      readonly region: string | undefined;
      readonly pool: string;
      readonly reuse: boolean;
    },
    signal?: AbortSignal,
  ): Promise<string> {
    const input = encodeInput(options.input);
    const body = {
      name,
      key: storageKey(key),
      runner_name_selector: options.pool,
      crash_policy: "sleep",
      datacenter: options.region,
      input: input === undefined ? undefined : toBase64(input),
    };
    const answer = await this.#manage(options.reuse ? "PUT" : "POST", "", JSON.stringify(body), signal);
    return actorId((answer as { actor?: unknown }).actor);
  }

  async #manage(
    method: string,
    query: string,
    body: string | undefined,
    signal?: AbortSignal,
  ): Promise<object> {
    const location = await this.metadata.locate(signal);
    const namespace = `namespace=${encodeURIComponent(location.namespace)}`;
    const bytes = await this.#request(
      `${location.url}/actors?${query === "" ? "" : `${query}&`}${namespace}`,
      {
        method,
        headers: {
          ...this.config.headers,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(location.token === undefined ? {} : { authorization: `Bearer ${location.token}` }),
        },
        body: body ?? null,
        signal: signal ?? null,
      },
    );
    return asObject(bytes);
  }

  /** A request that gives an `ActorError` when there is no answer. */
  fetch(url: string, init: RequestInit): Promise<Response> {
    return explained(url, init, () => this.config.runtime.fetch(url, init));
  }

  async #request(url: string, init: RequestInit): Promise<Uint8Array> {
    const { encoding } = this.config;
    const response = await this.fetch(url, init);
    const body = new Uint8Array(await explained(url, init, () => response.arrayBuffer()));
    if (response.ok) return body;
    throw decodeErrorResponse(encoding, response.headers.get("content-type") ?? "", response.status, body);
  }
}

/** The error of a successful answer that cannot be read. */
export function malformed(message: string, cause?: unknown): ActorError {
  return new ActorError("client", "malformed_response", message, { cause });
}

function asObject(bytes: Uint8Array): object {
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw malformed("the answer is not JSON", cause);
  }
  if (typeof answer === "object" && answer !== null) return answer;
  throw malformed("the answer is not a JSON object");
}

function actorId(record: unknown): string {
  const { actor_id: id } = (record ?? {}) as { actor_id?: unknown };
  if (typeof id === "string") return id;
  throw malformed("the answer has no actor_id");
}

async function explained<T>(url: string, init: RequestInit, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw init.signal?.aborted ? abortedError(init.signal) : networkError(url, cause);
  }
}
