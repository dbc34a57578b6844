/** One raw WebSocket between the core and its handler: what comes in, in order, and what is done with it. */
import type { Hook } from "../definition/actor.js";
import { hookLabel } from "../definition/labels.js";
import { ActorSocket, SocketCloseEvent } from "./actor-socket.js";
import { isThenable } from "./async.js";
import type { Client } from "./client.js";
import type { RuntimeConn } from "./conn.js";
import { HookContext, WebSocketContext } from "./context.js";
import { asError, HostError } from "./failure.js";
import type { Instance } from "./instance.js";

const ON_WEBSOCKET = hookLabel("onWebSocket");

/** A message that arrived. */
type Data = string | Uint8Array;

interface Close {
  readonly code: number;
  readonly reason: string;
}

/** See the top of the file. */
export class SocketLine {
  readonly #instance: Instance;
  readonly #key: number;
  readonly #socket: ActorSocket;
  readonly #context: WebSocketContext;
  /** Whether its `open` has not been told yet. */
  #isFresh: boolean;
  /** Whether events are told: the handler has returned, or listens. */
  #isReady = false;
  #isOver = false;
  readonly #waiting: Data[] = [];
  #closing: Close | undefined;
  /** The messages that were told and not acknowledged, in order; true once all listeners are done. */
  readonly #told: { isDone: boolean }[] = [];
  #ended: () => void = () => {};

  /** @param isFresh Whether it is new, rather than one that outlived the instance before. */
  constructor(instance: Instance, key: number, conn: RuntimeConn, client: Client, isFresh: boolean) {
    this.#instance = instance;
    this.#key = key;
    this.#isFresh = isFresh;
    const { request } = client;
    this.#context = new WebSocketContext(instance, conn, client, request);
    this.#socket = new ActorSocket((request?.url ?? "").replace(/^http/, "ws"), {
      send: (data) => instance.outputs().socketSend(key, data),
      close: (code, reason) => instance.outputs().socketClose(key, code, reason),
      listens: () => queueMicrotask(() => this.#ready()),
    });
  }

  /** Gives the socket to its handler. @param ended Called once the end was told. */
  run(handler: Hook, ended: () => void): void {
    this.#ended = ended;
    const instance = this.#instance;
    try {
      const result = instance.run(ON_WEBSOCKET, () => handler(this.#context, this.#socket));
      if (!isThenable(result)) {
        this.#ready();
        return;
      }
      const settled = Promise.resolve(result).then(
        () => this.#ready(),
        (error: unknown) => this.#failed(error),
      );
      instance.life.track(settled);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @param data Bytes do not outlive the call. */
  message(data: Data): void {
    const kept = typeof data === "string" ? data : data.slice();
    if (this.#isReady) this.#tell(kept);
    else this.#waiting.push(kept);
  }

  /** It has ended, whoever ended it. */
  closed(code: number, reason: string): void {
    if (this.#closing !== undefined) return;
    this.#closing = { code, reason };
    ActorSocket.setClosed(this.#socket);
    WebSocketContext.abort(this.#context, new HostError("actor", "aborted", "the WebSocket is closed"));
    if (this.#isReady) this.#finish();
  }

  /** Nobody is interested any more. */
  drop(): void {
    this.#isOver = true;
    ActorSocket.setClosed(this.#socket);
    WebSocketContext.abort(this.#context, new HostError("actor", "restarting", "the actor has stopped"));
  }

  /** From here on events are told as they come. */
  #ready(): void {
    if (this.#isReady || this.#isOver) return;
    this.#isReady = true;
    if (this.#isFresh) this.#wait(this.#dispatch(new Event("open")));
    this.#isFresh = false;
    for (const data of this.#waiting.splice(0)) this.#tell(data);
    this.#finish();
  }

  #failed(error: unknown): void {
    if (this.#isOver) return;
    const { group, code } = this.#instance.failure(error, { hook: "onWebSocket" });
    if (this.#closing === undefined)
      this.#instance.outputs().socketClose(this.#key, 1011, `${group}.${code}`);
    this.#ready();
  }

  #tell(data: Data): void {
    const told = { isDone: false };
    this.#told.push(told);
    const shown = typeof data === "string" ? data : this.#shown(data);
    const pending = this.#dispatch(new MessageEvent("message", { data: shown }));
    const done = (): void => {
      told.isDone = true;
      this.#acknowledge();
    };
    if (pending.length === 0) done();
    else this.#wait(pending, done);
  }

  #shown(data: Uint8Array): ArrayBuffer | Blob {
    const { buffer } = data as Uint8Array<ArrayBuffer>;
    return this.#socket.binaryType === "blob" ? new Blob([buffer]) : buffer;
  }

  /** Tells the core of the messages that are done with, up to the first that is not. */
  #acknowledge(): void {
    const open = this.#told.findIndex(({ isDone }) => !isDone);
    const count = open < 0 ? this.#told.length : open;
    if (count === 0 || this.#isOver) return;
    this.#told.splice(0, count);
    this.#instance.outputs().socketHandled(this.#key, count);
  }

  #finish(): void {
    const close = this.#closing;
    if (close === undefined || this.#isOver) return;
    this.#isOver = true;
    this.#wait(this.#dispatch(new SocketCloseEvent(close.code, close.reason)));
    HookContext.end(this.#context);
    this.#ended();
  }

  /** Tells an event to its listeners, and gives what they are not done with. */
  #dispatch(event: Event): PromiseLike<unknown>[] {
    const instance = this.#instance;
    for (const name of ["target", "currentTarget"])
      Object.defineProperty(event, name, { value: this.#socket });
    const pending: PromiseLike<unknown>[] = [];
    for (const listener of ActorSocket.listenersOf(this.#socket, event.type)) {
      try {
        const result = instance.run(ON_WEBSOCKET, () => listener(event));
        if (isThenable(result)) pending.push(result);
      } catch (error) {
        instance.log.error({ event: event.type, error: asError(error) }, "a listener of a WebSocket failed");
      }
    }
    return pending;
  }

  /** Keeps the actor awake until all of `pending` has settled. */
  #wait(pending: PromiseLike<unknown>[], done: () => void = () => {}): void {
    if (pending.length === 0) return;
    const { life, log } = this.#instance;
    const settled = pending.map((each) =>
      Promise.resolve(each).catch((error: unknown) => {
        log.error({ error: asError(error) }, "a listener of a WebSocket failed");
      }),
    );
    life.track(Promise.all(settled).then(done));
  }
}
