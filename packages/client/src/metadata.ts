import type { Location, ResolvedConfig } from "./config.js";
import { parseEndpoint } from "./endpoint.js";
import { ActorClientError, ActorError, describe } from "./errors.js";
import { orAborted, type Sleep } from "./timers.js";

/** A lookup that got no answer in this time counts as failed. */
const ATTEMPT_TIMEOUT_MS = 5_000;
/** A call waits this long for a server that cannot be reached, counted in pauses between attempts. */
const PATIENCE_MS = 7_500;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 4_000;

/**
 * Asks the server once where its clients should connect, and remembers the answer. Callers share a lookup that
 * is under way; a failed one is forgotten, so that the next caller asks anew.
 */
export class MetadataLookup {
  readonly #config: ResolvedConfig;
  readonly #sleep: Sleep;
  #location: Promise<Location> | undefined;

  constructor(config: ResolvedConfig, sleep: Sleep) {
    this.#config = config;
    this.#sleep = sleep;
  }

  /**
   * The location, from a server that may be starting: retries for several seconds.
   *
   * @throws ActorError `client.endpoint_unreachable`, or `actor.aborted` when `signal` is aborted.
   */
  async locate(signal?: AbortSignal): Promise<Location> {
    let waited = 0;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
      try {
        return await orAborted(this.locateOnce(), signal);
      } catch (error) {
        if (waited >= PATIENCE_MS || !(error instanceof ActorError) || !error.retryable) throw error;
        await this.#sleep(pause, signal);
        waited += pause;
      }
    }
  }

  /** The location, or the error of a single attempt. For callers that have a retry policy of their own. */
  locateOnce(): Promise<Location> {
    if (this.#location === undefined) {
      const { disableMetadataLookup, location } = this.#config;
      const lookup = disableMetadataLookup ? Promise.resolve(location) : this.#ask();
      this.#location = lookup;
      lookup.catch(() => {
        this.#location = undefined;
      });
    }
    return this.#location;
  }

  async #ask(): Promise<Location> {
    const answer = await this.#fetch(this.#config.location);
    if (typeof answer !== "object" || answer === null || Array.isArray(answer)) {
      throw unreachable(this.#config.location.url, new Error("the answer is not a JSON object"), true);
    }
    return this.#redirected(answer);
  }

  /** Whether the server answers a plain request at present. */
  async answers(): Promise<boolean> {
    try {
      await this.#fetch(await this.locateOnce());
      return true;
    } catch {
      return false;
    }
  }

  async #fetch({ url: endpoint, namespace, token }: Location): Promise<unknown> {
    const { headers, runtime } = this.#config;
    const url = `${endpoint}/metadata?namespace=${encodeURIComponent(namespace)}`;
    const authorization: Record<string, string> =
      token === undefined ? {} : { authorization: `Bearer ${token}` };
    const giveUp = new AbortController();
    const timer = runtime.setTimeout(
      () => giveUp.abort(new Error(`timed out after ${ATTEMPT_TIMEOUT_MS} ms`)),
      ATTEMPT_TIMEOUT_MS,
    );
    let retryable = true;
    try {
      const { signal } = giveUp;
      const response = await runtime.fetch(url, { headers: { ...headers, ...authorization }, signal });
      const text = await response.text();
      if (!response.ok) {
        const { status } = response;
        // A definite refusal will not change within seconds; anything else may be a server that is starting.
        retryable = status >= 500 || status === 408 || status === 429;
        throw new Error(`HTTP status ${status}`);
      }
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw unreachable(url, error, retryable);
    } finally {
      runtime.clearTimeout(timer);
    }
  }

  #redirected(answer: {
    extensions?: unknown;
    clientEndpoint?: unknown;
    clientNamespace?: unknown;
    clientToken?: unknown;
  }): Location {
    const location = { ...this.#config.location, extended: answer.extensions !== undefined };
    if (typeof answer.clientEndpoint !== "string") return location;
    const { clientNamespace, clientToken } = answer;
    const moved = parseEndpoint(answer.clientEndpoint);
    return {
      ...location,
      // The token was meant for the origin that the program named. Another one has to name its own.
      ...(new URL(moved.url).origin === new URL(location.url).origin ? {} : { token: undefined }),
      ...moved,
      ...(typeof clientNamespace === "string" ? { namespace: clientNamespace } : {}),
      ...(typeof clientToken === "string" ? { token: clientToken } : {}),
    };
  }
}

function unreachable(url: string, cause: unknown, retryable: boolean): ActorError {
  return new ActorClientError("endpoint_unreachable", `no answer from ${url}: ${describe(cause)}`, {
    cause,
    retryable,
  });
}
