import { type Members, withActions } from "./action-proxy.js";
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

  /** Posts until it succeeds or may not be repeated. */
  async function post(message: Post): Promise<Uint8Array | Response> {
    owner.assertOpen();
    const { path, body, mayRepeat, mayStream = false } = message;
    const signal = either(options.signal, message.options.signal);
    const skipReadyWait = skipsReadyWait(message.options);
    const retry = callRetry(target);
    // Has its own patience; once it succeeded, attempts find the answer in memory.
    await metadata.locate(signal);
    for (;;) {
      try {
        const params = await orAborted(paramsJson(options), signal);
        return await transport.post({ target, path, body, params, skipReadyWait, signal, mayStream });
      } catch (error) {
        const pause = mayRepeat && error instanceof ActorError ? retry(error) : undefined;
        if (pause === undefined) throw error;
        await transport.sleep(pause, signal);
      }
    }
  }

  async function call({ name, args = [], ...callOptions }: Call): Promise<unknown> {
    // Without waiting where that is possible, so that the caller may change the arguments at once.
    const format = transport.format ?? (await transport.loadFormat());
    const body = await completely(() => format.encodeArgs(args));
    // Repeating a `destroy` could destroy the actor's successor.
    const mayRepeat = name !== "destroy";
    const path = `/action/${encodeURIComponent(name)}`;
    const answer = await post({ path, body, mayRepeat, options: callOptions, mayStream: true });
    if (answer instanceof Uint8Array) {
      return readAnswer(`the reply to ${name}`, () => format.decodeOutput(answer));
    }
    const { readItems } = await import("./http-stream.js");
    return readItems(answer, format, either(options.signal, callOptions.signal));
  }

  async function send(
    queue: string,
    body: unknown,
    sendOptions: QueueSendOptions = {},
  ): Promise<QueueOutcome<unknown> | undefined> {
    const format = transport.format ?? (await transport.loadFormat());
    const message = await completely(() => format.encodeData(body, "body"));
    const { sendToQueue } = await import("./protocol/queue-send.js");
    // Answers to messages do not stream.
    return sendToQueue(
      post as (message: Post) => Promise<Uint8Array>,
      format.encoding,
      queue,
      message,
      sendOptions,
    );
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

function either(first: AbortSignal | undefined, second: AbortSignal | undefined): AbortSignal | undefined {
  if (first === undefined) return second;
  return second === undefined ? first : AbortSignal.any([first, second]);
}
