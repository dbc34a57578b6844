import { env, loadWebSocket } from "#platform";
import { type Endpoint, parseEndpoint } from "./endpoint.js";
import { checkOptions, type OptionTypes } from "./options.js";
import type { WebSocketConstructor } from "./websocket.js";

/** How values are written on the wire. All carry the same calls; only `json` is limited in value types. */
export type Encoding = "json" | "cbor" | "bare";

/** How connections travel: over one WebSocket, or over an event stream down and requests up. */
export type LiveTransport = "websocket" | "sse";

/** What the client uses of its surroundings, replaceable for tests and unusual platforms. */
export interface ClientRuntime {
  readonly fetch: typeof globalThis.fetch;
  /** The WebSocket class; by default the platform's, or that of `ws` on Node. */
  readonly loadWebSocket: () => Promise<WebSocketConstructor>;
  readonly setTimeout: (callback: () => void, milliseconds: number) => unknown;
  readonly clearTimeout: (timer: unknown) => void;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
  /** Asked when a call has failed that could be made again: `false` where nobody is going to answer. Default: yes. */
  readonly mayRepeat?: (() => boolean) | undefined;
}

/** Options of `createClient`. Everything may be left out. */
export interface ClientConfig {
  /**
   * `http(s)://[namespace[:token]@]host[:port][/base]`. Default: `GREENROOM_ENDPOINT`, `RIVET_ENGINE`,
   * `RIVET_ENDPOINT`, then `http://localhost:6420`.
   */
  readonly endpoint?: string;
  /** Default: `GREENROOM_NAMESPACE`, `RIVET_NAMESPACE`, then `default`. Not together with one in the endpoint. */
  readonly namespace?: string;
  /** Default: `GREENROOM_TOKEN`, `RIVET_TOKEN`, then none. Not together with one in the endpoint. */
  readonly token?: string;
  /** Pool in which actors are created. Default: `GREENROOM_POOL`, `RIVET_POOL`, then `default`. */
  readonly poolName?: string;
  /** Default `bare`. */
  readonly encoding?: Encoding;
  /**
   * How connections travel. Default: over WebSockets, and over event streams where WebSockets turn out to be
   * blocked, see `connection/dial.ts`. Given, no other one is tried.
   */
  readonly transport?: LiveTransport;
  /** Sent with HTTP requests; browsers allow none on WebSockets. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the gateway in front of the actors should do. */
  readonly gateway?: {
    /**
     * Pass calls and connections on while the actor is still starting, instead of holding them until it is ready.
     * Greenroom's gateway always does, and the actor takes them up when it is ready. Default `false`.
     */
    readonly skipReadyWait?: boolean;
  };
  /** Bytes of CBOR that `createWithInput` may have, because it travels in a URL. Default 4096. */
  readonly maxInputSize?: number;
  /**
   * How long a call whose answer was lost is made again, in milliseconds: with an id, by which its actor knows it, so
   * that it runs once. It counts from the first failure; then the call rejects with that. With 0 no call is made again.
   * Only for servers that heed it, as Greenroom does. With `disableMetadataLookup` that is not known: then calls over
   * HTTP are made again if this is given. Default 30,000.
   */
  readonly retryTimeout?: number;
  /** Use the endpoint as it is, without asking the server where clients should connect. Default `false`. */
  readonly disableMetadataLookup?: boolean;
  /** Accepted and without effect: there are no devtools to load. */
  readonly devtools?: boolean;
  /** Accepted and without effect: where a client runs that may accept sockets, the server does. */
  readonly getUpgradeWebSocket?: () => unknown;
  /** Replaces parts of the surroundings. */
  readonly runtime?: Partial<ClientRuntime>;
}

/** Where requests go. */
export interface Location {
  /** `scheme://host[:port][/base]`. */
  readonly url: string;
  readonly namespace: string;
  readonly token: string | undefined;
  /** Whether the server is known to have our extensions of the protocol. */
  readonly extended: boolean;
}

/** A configuration with every default filled in. */
export interface ResolvedConfig {
  /** Where requests go, before the server had its say. */
  readonly location: Location;
  readonly poolName: string;
  readonly encoding: Encoding;
  readonly transport: LiveTransport | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly skipReadyWait: boolean;
  readonly maxInputSize: number;
  readonly retryTimeout: number;
  readonly disableMetadataLookup: boolean;
  readonly runtime: ClientRuntime;
}

const OPTIONS = {
  endpoint: "string",
  namespace: "string",
  token: "string",
  poolName: "string",
  encoding: "string",
  transport: "string",
  headers: "object",
  gateway: "object",
  maxInputSize: "number",
  retryTimeout: "number",
  disableMetadataLookup: "boolean",
  devtools: "boolean",
  getUpgradeWebSocket: "function",
  runtime: "object",
} satisfies OptionTypes;

const DEFAULT_ENDPOINT = "http://localhost:6420";

/**
 * Fills in defaults from the environment and checks what can be checked without a server.
 *
 * @throws TypeError naming the option that is wrong.
 */
export function resolveConfig(given: string | ClientConfig | undefined): ResolvedConfig {
  const config: ClientConfig = typeof given === "string" ? { endpoint: given } : (given ?? {});
  checkOptions(config, OPTIONS);
  const { gateway = {}, encoding = "bare", transport } = config;
  checkOptions(gateway, { skipReadyWait: "boolean" });
  oneOf("encoding", encoding, ["json", "cbor", "bare"]);
  oneOf("transport", transport ?? "websocket", ["websocket", "sse"]);
  const endpoint = parseEndpoint(
    config.endpoint ?? env("GREENROOM_ENDPOINT", "RIVET_ENGINE", "RIVET_ENDPOINT") ?? DEFAULT_ENDPOINT,
  );
  return {
    location: {
      url: endpoint.url,
      namespace:
        pick(endpoint, config, "namespace") ?? env("GREENROOM_NAMESPACE", "RIVET_NAMESPACE") ?? "default",
      token: pick(endpoint, config, "token") ?? env("GREENROOM_TOKEN", "RIVET_TOKEN"),
      // What is not asked for is asserted.
      extended: config.disableMetadataLookup === true && config.retryTimeout !== undefined,
    },
    poolName: config.poolName ?? env("GREENROOM_POOL", "RIVET_POOL") ?? "default",
    encoding,
    transport,
    headers: config.headers ?? {},
    skipReadyWait: gateway.skipReadyWait ?? false,
    maxInputSize: config.maxInputSize ?? 4096,
    retryTimeout: config.retryTimeout ?? 30_000,
    disableMetadataLookup: config.disableMetadataLookup ?? false,
    runtime: resolveRuntime(config.runtime ?? {}),
  };
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value))
    throw new TypeError(`${name} is "${value}", not one of ${allowed.join(", ")}`);
}

function pick(endpoint: Endpoint, config: ClientConfig, name: "namespace" | "token"): string | undefined {
  if (endpoint[name] !== undefined && config[name] !== undefined) {
    throw new TypeError(`${name} is given both in the endpoint and as an option`);
  }
  return endpoint[name] ?? config[name];
}

function resolveRuntime(runtime: Partial<ClientRuntime>): ClientRuntime {
  return {
    // Looked up at each call, so that a replaced global takes effect; called free of `this`, as browsers demand.
    fetch: runtime.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    loadWebSocket: runtime.loadWebSocket ?? loadWebSocket,
    setTimeout:
      runtime.setTimeout ?? ((callback, milliseconds) => globalThis.setTimeout(callback, milliseconds)),
    clearTimeout: runtime.clearTimeout ?? ((timer) => globalThis.clearTimeout(timer as number)),
    random: runtime.random ?? Math.random,
    mayRepeat: runtime.mayRepeat,
  };
}
