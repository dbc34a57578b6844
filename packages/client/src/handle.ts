import { type OwnNames, withActions } from "./action-proxy.js";
import { completely } from "./codec/usual.js";
import { Connection, type ConnectionOwner } from "./connection/connection.js";
import { Dial } from "./connection/dial.js";
import { ActorError } from "./errors.js";
import { checkOptions } from "./options.js";
import { paramsJson } from "./params.js";
import { readAnswer } from "./protocol/answer.js";
import { callRetry, isPassingRefusal } from "./retry.js";
import type { ActorConn, ActorHandle, HandleMethods } from "./surface.js";
import { gatewayUrl, type Target } from "./target.js";
import { iterable, orAborted } from "./timers.js";
import type { Transport } from "./transport.js";
import type {
  Call,
  CallOptions,
  ConnectOptions,
  GetOptions,
  QueueOutcome,
  QueueSendOptions,
} from "./types.js";

/** What a handle needs of its client. */
export interface HandleOwner {
  readonly transport: Transport;
  /** @throws ActorError `client.disposed` */
  assertOpen(): void;
  /** Takes over a connection, to be disposed with the client. */
  adopt(connection: Connection): void;
  /** Forgets a connection that is being disposed. */
  release(connection: Connection): void;
}

/** A body for an actor. */
export interface Post {
  /** Below the actor, starting with `/`, percent-encoded. */
  readonly path: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Whether it may be sent again when it certainly was not carried out. */
  readonly mayRepeat: boolean;
  readonly options: CallOptions;
  /** Whether the result may be a stream, which is given as a response. */
  readonly mayStream?: boolean;
}

/** Options of a handle, whatever the definition. */
export type HandleOptions = GetOptions<unknown>;

/** Makes the handle that users see: {@link Handle} plus a method for every action. */
export function makeHandle<Definition>(
  owner: HandleOwner,
  target: Target,
  options: HandleOptions,
): ActorHandle<Definition> {
  const handle = new Handle(owner, target, options);
  return withActions<ActorHandle<Definition>>(handle, OWN, (name, args) => handle.action({ name, args }));
}

/** Exactly the methods of `HandleMethods`: every other name is an action's. */
const OWN: OwnNames<HandleMethods<unknown>> = {
  action: 1,
  connect: 1,
  fetch: 1,
  getGatewayUrl: 1,
  reload: 1,
  resolve: 1,
  send: 1,
  webSocket: 1,
};

class Handle {
  readonly #owner: HandleOwner;
  readonly #target: Target;
  readonly #options: HandleOptions;

  constructor(owner: HandleOwner, target: Target, options: HandleOptions) {
    this.#owner = owner;
    this.#target = target;
    this.#options = options;
  }

  action(call: Call): Promise<unknown> {
    return iterable(this.#call(call));
  }

  async #call({ name, args = [], ...options }: Call): Promise<unknown> {
    const { transport } = this.#owner;
    // Without waiting where that is possible, so that the caller may change the arguments at once.
    const format = transport.format ?? (await transport.loadFormat());
    const body = await completely(() => format.encodeArgs(args));
    // Repeating a `destroy` could destroy the actor's successor.
    const mayRepeat = name !== "destroy";
    const answer = await this.#post({
      path: `/action/${encodeURIComponent(name)}`,
      body,
      mayRepeat,
      options,
      mayStream: true,
    });
    if (answer instanceof Uint8Array) {
      return readAnswer(`the reply to ${name}`, () => format.decodeOutput(answer));
    }
    const { readItems } = await import("./http-stream.js");
    return readItems(answer, format, either(this.#options.signal, options.signal));
  }

  async send(
    queue: string,
    body: unknown,
    options: QueueSendOptions = {},
  ): Promise<QueueOutcome<unknown> | undefined> {
    const { transport } = this.#owner;
    const format = transport.format ?? (await transport.loadFormat());
    const message = await completely(() => format.encodeData(body, "body"));
    const { sendToQueue } = await import("./protocol/queue-send.js");
    // Answers to messages do not stream.
    const post = (message: Post) => this.#post(message) as Promise<Uint8Array>;
    return sendToQueue(post, format.encoding, queue, message, options);
  }

  connect(params?: unknown, options: ConnectOptions = {}): ActorConn<unknown> {
    this.#owner.assertOpen();
    checkOptions(options, { skipReadyWait: "boolean" });
    const { transport } = this.#owner;
    const target = this.#target;
    const source = params === undefined ? this.#options : { params };
    const dial = new Dial(transport, target, () => paramsJson(source), this.#skipsReadyWait(options));
    const connection = new Connection(transport, dial, {
      isPassing: (error) => isPassingRefusal(target, error),
      send: this.send.bind(this) as ConnectionOwner["send"],
      release: () => this.#owner.release(connection),
    });
    this.#owner.adopt(connection);
    return connection.surface;
  }

  async resolve(): Promise<string> {
    this.#owner.assertOpen();
    const { resolve } = await import("./management.js");
    return resolve(this.#owner.transport, this.#target, this.#options.signal);
  }

  async reload(): Promise<void> {
    this.#owner.assertOpen();
    const { reload } = await import("./management.js");
    return reload(this.#owner.transport, this.#target, this.#options.signal);
  }

  async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    this.#owner.assertOpen();
    const { signal } = this.#options;
    const request = signal === undefined ? init : { signal, ...init };
    const { rawFetch } = await import("./raw.js");
    return rawFetch(this.#owner.transport, this.#target, this.#options, input, request);
  }

  async webSocket(path = "/", protocols: string | readonly string[] = []): Promise<WebSocket> {
    this.#owner.assertOpen();
    const { rawWebSocket } = await import("./raw.js");
    return rawWebSocket(this.#owner.transport, this.#target, this.#options, path, protocols);
  }

  async getGatewayUrl(): Promise<string> {
    const { config, metadata } = this.#owner.transport;
    return gatewayUrl(this.#target, await metadata.locate(this.#options.signal), "", config);
  }

  #skipsReadyWait({ skipReadyWait }: ConnectOptions): boolean {
    return skipReadyWait ?? this.#options.skipReadyWait ?? this.#owner.transport.config.skipReadyWait;
  }

  /** Posts until it succeeds or may not be repeated. */
  async #post({ path, body, mayRepeat, options, mayStream = false }: Post): Promise<Uint8Array | Response> {
    this.#owner.assertOpen();
    const { transport } = this.#owner;
    const target = this.#target;
    const signal = either(this.#options.signal, options.signal);
    const skipReadyWait = this.#skipsReadyWait(options);
    const retry = callRetry(target);
    // Has its own patience; once it succeeded, attempts find the answer in memory.
    await transport.metadata.locate(signal);
    for (;;) {
      try {
        const params = await orAborted(paramsJson(this.#options), signal);
        return await transport.post({ target, path, body, params, skipReadyWait, signal, mayStream });
      } catch (error) {
        const pause = mayRepeat && error instanceof ActorError ? retry(error) : undefined;
        if (pause === undefined) throw error;
        await transport.sleep(pause, signal);
      }
    }
  }
}

function either(first: AbortSignal | undefined, second: AbortSignal | undefined): AbortSignal | undefined {
  if (first === undefined) return second;
  return second === undefined ? first : AbortSignal.any([first, second]);
}
