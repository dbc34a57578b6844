import { withActions } from "./action-proxy.js";
import { Connection } from "./connection/connection.js";
import { Dial } from "./connection/dial.js";
import { ActorError, describe, MalformedResponseMessage } from "./errors.js";
import { checkOptions } from "./options.js";
import { paramsJson } from "./params.js";
import { CallRetry, isPassingRefusal } from "./retry.js";
import type { ActorConn, ActorHandle, ConnMethods, HandleMethods } from "./surface.js";
import { gatewayUrl, type Target } from "./target.js";
import { orAborted } from "./timers.js";
import type { Transport } from "./transport.js";
import type { CallOptions, ConnectOptions, GetOptions, QueueOutcome, QueueSendOptions } from "./types.js";

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

/** An action call, whatever the definition. */
interface Call extends CallOptions {
  readonly name: string;
  readonly args?: readonly unknown[];
}

/** A body for an actor, and what came back. */
interface Post {
  /** Below the actor, starting with `/`, percent-encoded. */
  readonly path: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Whether it may be sent again when it certainly was not carried out. */
  readonly mayRepeat: boolean;
  readonly options: CallOptions;
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
  // Exactly the methods of `HandleMethods`: every other name is an action's.
  const methods = {
    action: (call: Call) => handle.call(call.name, call.args ?? [], call),
    connect: handle.connect.bind(handle),
    send: handle.send.bind(handle),
    resolve: () => handle.resolve(),
    reload: () => handle.reload(),
    getGatewayUrl: () => handle.getGatewayUrl(),
    fetch: handle.fetch.bind(handle),
    webSocket: handle.webSocket.bind(handle),
  } satisfies Record<keyof HandleMethods<unknown>, unknown>;
  return withActions<ActorHandle<Definition>>(methods, (name, args) => handle.call(name, args));
}

class Handle {
  readonly #owner: HandleOwner;
  readonly #target: Target;
  readonly #options: HandleOptions;

  constructor(owner: HandleOwner, target: Target, options: HandleOptions) {
    this.#owner = owner;
    this.#target = target;
    this.#options = options;
  }

  async call(name: string, args: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    const { transport } = this.#owner;
    // Without waiting where that is possible, so that the caller may change the arguments at once.
    const format = transport.format ?? (await transport.loadFormat());
    const body = format.encodeArgs(args);
    // Repeating a `destroy` could destroy the actor's successor.
    const mayRepeat = name !== "destroy";
    const answer = await this.#post({
      path: `/action/${encodeURIComponent(name)}`,
      body,
      mayRepeat,
      options,
    });
    return readAnswer(`the reply to ${name}`, () => format.decodeOutput(answer));
  }

  async send(
    queue: string,
    body: unknown,
    options: QueueSendOptions = {},
  ): Promise<QueueOutcome<unknown> | undefined> {
    const { transport } = this.#owner;
    const format = transport.format ?? (await transport.loadFormat());
    const message = format.encodeData(body, "body");
    const { encodeQueueSend, decodeQueueReply } = await import("./protocol/queue-send.js");
    const { wait = false, timeout } = options;
    const answer = await this.#post({
      path: `/queue/${encodeURIComponent(queue)}`,
      body: encodeQueueSend(format.encoding, { name: queue, message, wait, timeout }),
      mayRepeat: true,
      options,
    });
    const reply = readAnswer(`the reply to a message for ${queue}`, () =>
      decodeQueueReply(format.encoding, answer),
    );
    return wait ? reply : undefined;
  }

  connect(params?: unknown, options: ConnectOptions = {}): ActorConn<unknown> {
    this.#owner.assertOpen();
    checkOptions(options, { skipReadyWait: "boolean" });
    const { transport } = this.#owner;
    const target = this.#target;
    const source = params === undefined ? this.#options : { params };
    const dial = new Dial(transport, target, () => paramsJson(source), this.#skipsReadyWait(options));
    const connection = new Connection(transport, dial, (error) => isPassingRefusal(target, error));
    this.#owner.adopt(connection);
    return this.#exposed(connection);
  }

  /** The connection that users see: exactly the members of `ConnMethods`, every other name is an action's. */
  #exposed(connection: Connection): ActorConn<unknown> {
    const members = {
      action: (call: Call) => connection.call(call.name, call.args ?? [], call.signal),
      send: this.send.bind(this),
      on: connection.on.bind(connection),
      once: connection.once.bind(connection),
      onOpen: connection.onOpen.bind(connection),
      onClose: connection.onClose.bind(connection),
      onError: connection.onError.bind(connection),
      onStatusChange: connection.onStatusChange.bind(connection),
      dispose: () => {
        this.#owner.release(connection);
        return connection.dispose();
      },
      get connStatus() {
        return connection.connStatus;
      },
      get isConnected() {
        return connection.connStatus === "connected";
      },
      get ready() {
        return connection.ready;
      },
      get actorId() {
        return connection.actorId;
      },
      get connectionId() {
        return connection.connectionId;
      },
      get connId() {
        return connection.connectionId;
      },
    } satisfies Record<keyof ConnMethods<unknown>, unknown>;
    return withActions<ActorConn<unknown>>(members, (name, args) => connection.call(name, args));
  }

  async resolve(): Promise<string> {
    this.#owner.assertOpen();
    const target = this.#target;
    if (target.by === "id") return target.id;
    const { transport } = this.#owner;
    const { create, find } = await import("./management.js");
    const { signal } = this.#options;
    return target.by === "get"
      ? find(transport, target.name, target.key, signal)
      : create(transport, target.name, target.key, { ...target, reuse: true }, signal);
  }

  async reload(): Promise<void> {
    const id = await this.resolve();
    const { reload } = await import("./management.js");
    await reload(this.#owner.transport, id, this.#options.signal);
  }

  async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    this.#owner.assertOpen();
    const { signal } = this.#options;
    const request = signal === undefined ? init : { signal, ...init };
    const { rawFetch } = await import("./raw.js");
    return rawFetch(this.#owner.transport, this.#target, this.#options, input, request);
  }

  async webSocket(path = "/"): Promise<WebSocket> {
    this.#owner.assertOpen();
    const { rawWebSocket } = await import("./raw.js");
    return rawWebSocket(this.#owner.transport, this.#target, this.#options, path);
  }

  async getGatewayUrl(): Promise<string> {
    const { config, metadata } = this.#owner.transport;
    return gatewayUrl(this.#target, await metadata.locate(this.#options.signal), "", config);
  }

  #skipsReadyWait({ skipReadyWait }: ConnectOptions): boolean {
    return skipReadyWait ?? this.#options.skipReadyWait ?? this.#owner.transport.config.skipReadyWait;
  }

  /** Posts until it succeeds or may not be repeated. */
  async #post({ path, body, mayRepeat, options }: Post): Promise<Uint8Array> {
    this.#owner.assertOpen();
    const { transport } = this.#owner;
    const target = this.#target;
    const signal = either(this.#options.signal, options.signal);
    const skipReadyWait = this.#skipsReadyWait(options);
    const retry = new CallRetry(target);
    // Has its own patience; once it succeeded, attempts find the answer in memory.
    await transport.metadata.locate(signal);
    for (;;) {
      try {
        const params = await orAborted(paramsJson(this.#options), signal);
        return await transport.post({ target, path, body, params, skipReadyWait, signal });
      } catch (error) {
        const pause = mayRepeat && error instanceof ActorError ? retry.next(error) : undefined;
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

function readAnswer<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const message = `${what} cannot be read: ${describe(cause)}`;
    throw new MalformedResponseMessage("malformed_response", message, { cause });
  }
}
