import { withActions } from "./action-proxy.js";
import { Connection } from "./connection/connection.js";
import { Dial } from "./connection/dial.js";
import { ActorError, describe } from "./errors.js";
import { paramsJson } from "./params.js";
import {
  decodeActionResponse,
  decodeQueueResponse,
  encodeActionRequest,
  encodeQueueRequest,
  type QueueReply,
} from "./protocol/http-bodies.js";
import { rawFetch, rawWebSocket } from "./raw.js";
import { CallRetry, isPassingRefusal } from "./retry.js";
import type { ActorConn, ActorHandle, ConnMethods, HandleMethods } from "./surface.js";
import { gatewayUrl, type Target } from "./target.js";
import { orAborted } from "./timers.js";
import { malformed, type Transport } from "./transport.js";
import type { GetOptions, ParamsOptions, QueueSendOptions } from "./types.js";

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

interface Call {
  readonly name: string;
  readonly args?: readonly unknown[];
  readonly signal?: AbortSignal;
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
    action: (call: Call) => handle.call(call.name, call.args ?? [], call.signal),
    connect: (params?: unknown) => handle.connect(params),
    send: handle.send.bind(handle),
    resolve: () => handle.resolve(),
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

  async call(name: string, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    const { encoding } = this.#owner.transport.config;
    const body = encodeActionRequest(encoding, args);
    // Repeating a `destroy` could destroy the actor's successor.
    const mayRepeat = name !== "destroy";
    const answer = await this.#post(`/action/${encodeURIComponent(name)}`, body, mayRepeat, signal);
    return readAnswer(`the reply to ${name}`, () => decodeActionResponse(encoding, answer));
  }

  async send(queue: string, body: unknown, options: QueueSendOptions = {}): Promise<QueueReply | undefined> {
    const { encoding } = this.#owner.transport.config;
    const { wait = false, timeout, signal } = options;
    const bytes = encodeQueueRequest(encoding, { name: queue, body, wait, timeout });
    const answer = await this.#post(`/queue/${encodeURIComponent(queue)}`, bytes, true, signal);
    const reply = readAnswer(`the reply to a message for ${queue}`, () =>
      decodeQueueResponse(encoding, answer),
    );
    return wait ? reply : undefined;
  }

  connect(params?: unknown): ActorConn<unknown> {
    this.#owner.assertOpen();
    const { transport } = this.#owner;
    const target = this.#target;
    const source: ParamsOptions<unknown> = params === undefined ? this.#options : { params };
    const dial = new Dial(transport, target, () => paramsJson(source));
    const connection = new Connection(transport.config, dial, (error) => isPassingRefusal(target, error));
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
    const { transport } = this.#owner;
    const target = this.#target;
    switch (target.by) {
      case "id":
        return target.id;
      case "get":
        return transport.find(target.name, target.key, this.#options.signal);
      case "getOrCreate":
        return transport.create(target.name, target.key, { ...target, reuse: true }, this.#options.signal);
    }
  }

  async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    this.#owner.assertOpen();
    const { signal } = this.#options;
    const request = signal === undefined ? init : { signal, ...init };
    return rawFetch(this.#owner.transport, this.#target, this.#options, input, request);
  }

  async webSocket(path = "/"): Promise<WebSocket> {
    this.#owner.assertOpen();
    return rawWebSocket(this.#owner.transport, this.#target, this.#options, path);
  }

  async getGatewayUrl(): Promise<string> {
    const { config, metadata } = this.#owner.transport;
    return gatewayUrl(this.#target, await metadata.locate(this.#options.signal), "", config);
  }

  /** Posts until it succeeds or may not be repeated. */
  async #post(
    path: string,
    body: Uint8Array<ArrayBuffer>,
    mayRepeat: boolean,
    callSignal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    this.#owner.assertOpen();
    const { transport } = this.#owner;
    const signal = either(this.#options.signal, callSignal);
    const retry = new CallRetry(this.#target);
    // Has its own patience; once it succeeded, attempts find the answer in memory.
    await transport.metadata.locate(signal);
    for (;;) {
      try {
        const params = await orAborted(paramsJson(this.#options), signal);
        return await transport.post({ target: this.#target, path, body, params, signal });
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
    throw malformed(`${what} cannot be read: ${describe(cause)}`, cause);
  }
}
