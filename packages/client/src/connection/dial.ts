import type { LiveTransport } from "../config.js";
import type { ActorError } from "../errors.js";
import { subprotocols } from "../protocol/subprotocols.js";
import { describeTarget, gatewayUrl, type Target } from "../target.js";
import type { Transport } from "../transport.js";
import type { WebSocketConstructor, WebSocketLike } from "../websocket.js";

/** WebSockets in a row that have to fail before a connection tries an event stream. */
const ENOUGH_FAILURES = 2;

/**
 * Opens the sockets of one connection, and decides what kind they are.
 *
 * Unless the configuration says which, they are WebSockets, until WebSockets turn out to be blocked: two in a
 * row failed to open without a word from the server, and each time the server answered a plain request made
 * before the next attempt. (A server that is down or restarting answers neither.) From then on all connections
 * of the client use event streams, until one of these fails to open; then WebSockets have their next chance.
 * Where there is no WebSocket class at all, event streams are used at once.
 */
export class Dial {
  readonly #transport: Transport;
  readonly #target: Target;
  readonly #params: () => Promise<string | undefined>;
  readonly #skipReadyWait: boolean;
  /** WebSockets in a row that failed although the server answers. */
  #failures = 0;
  /** The kind of the latest attempt; `undefined` while it is prepared. */
  #tried: LiveTransport | undefined;
  #webSocketFailed = false;
  /** Where the connection was, if it can come back to that. */
  claim: string | undefined;

  /** @param params connection parameters as ASCII JSON, asked for once per socket. */
  constructor(
    transport: Transport,
    target: Target,
    params: () => Promise<string | undefined>,
    skipReadyWait: boolean,
  ) {
    this.#transport = transport;
    this.#target = target;
    this.#params = params;
    this.#skipReadyWait = skipReadyWait;
  }

  /** What messages say about the other end: the actor and where it was looked for. */
  get peer(): string {
    return `${describeTarget(this.#target)} at ${this.#transport.config.location.url}`;
  }

  /** Gets all that a socket needs, and returns how to open it. */
  async prepare(): Promise<() => WebSocketLike> {
    this.#tried = undefined;
    if (this.#webSocketFailed) await this.#countFailure();
    const { config, metadata } = this.#transport;
    const [params, location, WebSocket] = await Promise.all([
      this.#params(),
      metadata.locateOnce(),
      this.#loadWebSocket(),
      config.retryTimeout > 0 && this.#transport.loadRepeats(),
    ]);
    if (WebSocket === undefined) {
      const [{ SseSocket }, format] = await Promise.all([
        import("./sse-socket.js"),
        this.#transport.loadFormat(),
      ]);
      const url = await gatewayUrl(this.#target, location, "/sse", config);
      const headers = this.#transport.actorHeaders(location, params, this.#skipReadyWait);
      const { claim } = this;
      return () => {
        this.#tried = "sse";
        return new SseSocket(config.runtime, format, { url, headers, server: location.url, claim });
      };
    }
    const url = (await gatewayUrl(this.#target, location, "/connect", config)).replace(/^http/, "ws");
    return () => {
      this.#tried = "websocket";
      return new WebSocket(url, subprotocols(config.encoding, params, this.#skipReadyWait, this.claim));
    };
  }

  /** Tells the console, once per client, of a failure that nobody listens for. */
  warn({ message }: ActorError): void {
    const transport = this.#transport;
    if (!transport.warned) console.warn(`no connection to ${transport.config.location.url} yet: ${message}`);
    transport.warned = true;
  }

  /** The socket of the latest attempt works. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** The latest attempt failed, and the server did not say why. */
  failed(): void {
    if (this.#transport.config.transport !== undefined) return;
    this.#webSocketFailed = this.#tried === "websocket";
    if (this.#tried === "sse") this.#transport.liveTransport = "websocket";
  }

  /** `undefined` when an event stream is to be used. */
  async #loadWebSocket(): Promise<WebSocketConstructor | undefined> {
    const { config, liveTransport } = this.#transport;
    if (liveTransport === "sse") return undefined;
    try {
      return await config.runtime.loadWebSocket();
    } catch (error) {
      if (config.transport === "websocket") throw error;
      return undefined;
    }
  }

  async #countFailure(): Promise<void> {
    this.#webSocketFailed = false;
    this.#failures = (await this.#transport.metadata.answers()) ? this.#failures + 1 : 0;
    if (this.#failures < ENOUGH_FAILURES) return;
    this.#failures = 0;
    this.#transport.liveTransport = "sse";
  }
}
