import { type Members, withActions } from "./action-proxy.js";
import { completely } from "./codec/usual.js";
import { Connection, type ConnectionOwner } from "./connection/connection.js";
import { Dial } from "./connection/dial.js";
import { checkOptions } from "./options.js";
import { paramsJson } from "./params.js";
import { isPassingRefusal } from "./retry.js";
import type { Post } from "./stateless/index.js";
import type { ActorConn, ActorHandle, HandleMethods } from "./surface.js";
import { gatewayUrl, type Target } from "./target.js";
import { iterable } from "./timers.js";
import type { Transport } from "./transport.js";
import type { Call, ConnectOptions, GetOptions, QueueOutcome, QueueSendOptions } from "./types.js";

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

/** Options of a handle, whatever the definition. */
export type HandleOptions = GetOptions<unknown>;

/** Makes the handle that users see: {@link HandleMethods} plus a method for every action. */
export function makeHandle<Definition>(
  owner: HandleOwner,
  target: Target,
  options: HandleOptions,
): ActorHandle<Definition> {
  const { transport } = owner;
  const { config, metadata } = transport;

  function skipsReadyWait({ skipReadyWait }: ConnectOptions): boolean {
    return skipReadyWait ?? options.skipReadyWait ?? config.skipReadyWait;
  }

  const sender = { transport, target, options };

  /** Loads what makes stateless calls, while the server is looked for. */
  function stateless(): Promise<typeof import("./stateless/index.js")> {
    owner.assertOpen();
    metadata.locateOnce().catch(() => {});
    return import("./stateless/index.js");
  }

  async function call({ name, args = [], ...callOptions }: Call): Promise<unknown> {
    // Without waiting where that is possible, so that the caller may change the arguments at once.
    const format = transport.format ?? (await transport.loadFormat());
    const body = await completely(() => format.encodeArgs(args));
    const { call } = await stateless();
    return call(sender, format, name, body, callOptions);
  }

  async function send(
    queue: string,
    body: unknown,
    sendOptions: QueueSendOptions = {},
  ): Promise<QueueOutcome<unknown> | undefined> {
    const format = transport.format ?? (await transport.loadFormat());
    const message = await completely(() => format.encodeData(body, "body"));
    const { post } = await stateless();
    const { sendToQueue } = await import("./protocol/queue-send.js");
    // Answers to messages do not stream.
    const postMessage = (message: Post) => post(sender, message) as Promise<Uint8Array>;
    return sendToQueue(postMessage, format.encoding, queue, message, sendOptions);
  }

  const action = (given: Call) => iterable(call(given));

  const methods = {
    action,
    send,
    connect(params?: unknown, connectOptions: ConnectOptions = {}): ActorConn<unknown> {
      owner.assertOpen();
      checkOptions(connectOptions, { skipReadyWait: "boolean" });
      const source = params === undefined ? options : { params };
      const dial = new Dial(transport, target, () => paramsJson(source), skipsReadyWait(connectOptions));
      const connection = new Connection(transport, dial, {
        isPassing: (error) => isPassingRefusal(target, error),
        send: send as ConnectionOwner["send"],
        release: () => owner.release(connection),
      });
      owner.adopt(connection);
      return withActions(connection, (name, args) => connection.action({ name, args }));
    },
    async resolve(): Promise<string> {
      owner.assertOpen();
      const { resolve } = await import("./management.js");
      return resolve(transport, target, options.signal);
    },
    async reload(): Promise<void> {
      owner.assertOpen();
      const { reload } = await import("./management.js");
      return reload(transport, target, options.signal);
    },
    async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
      owner.assertOpen();
      const { signal } = options;
      const request = signal === undefined ? init : { signal, ...init };
      const { rawFetch } = await import("./raw.js");
      return rawFetch(transport, target, options, input, request);
    },
    async webSocket(path = "/", protocols: string | readonly string[] = []): Promise<WebSocket> {
      owner.assertOpen();
      const { rawWebSocket } = await import("./raw.js");
      return rawWebSocket(transport, target, options, path, protocols);
    },
    getGatewayUrl: async () => gatewayUrl(target, await metadata.locate(options.signal), "", config),
  } satisfies Members<HandleMethods<unknown>>;
  return withActions<ActorHandle<Definition>>(methods, (name, args) => action({ name, args }));
}
