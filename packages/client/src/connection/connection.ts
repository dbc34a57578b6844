import type { Members } from "../action-proxy.js";
import { needing } from "../codec/usual.js";
import type { ClientRuntime } from "../config.js";
import { ActorClientError, ActorConnDisposed, type ActorError, describe } from "../errors.js";
import { toActorError } from "../protocol/error-body.js";
import type { Packet } from "../protocol/format.js";
import type { ClientFrame } from "../protocol/frames.js";
import type { ConnRepeats } from "../repeats/connected.js";
import type { ConnMethods } from "../surface.js";
import { type Deferred, deferred, iterable } from "../timers.js";
import type { Transport } from "../transport.js";
import type { Call, Resync, ResyncReason } from "../types.js";
import type { Dial } from "./dial.js";
import { EventHandlers, Listeners } from "./listeners.js";
import { type ReconnectPolicy, reconnectPolicy } from "./reconnect-policy.js";
import { RequestTable } from "./request-table.js";
import type { Resumption } from "./resumption.js";
import { Session, type SessionEnd, type SessionOwner } from "./session.js";

/** `idle` before the first attempt and after dispose; `disconnected` while waiting for the next attempt. */
export type ConnStatus = "idle" | "connecting" | "connected" | "disconnected";

/** How a socket, or the event stream in its place, closed. */
export interface CloseEvent {
  /** WebSocket close code; 1006 when the connection broke without one. */
  readonly code: number;
  readonly reason: string;
}

/** Pages load what it takes to come back to events with the first actor that keeps them. */
let resuming: typeof import("./resumption.js") | null | undefined;
const resumingNeeded = needing(async () => {
  // If that is gone, the connection works all the same, and tells what it misses.
  resuming = await import("./resumption.js").catch(() => null);
});

/** A connection open this long counts as stable: the next failure starts the back-off anew. */
const STABLE_MS = 5_000;

/** What a connection needs of the handle it was made by. */
export interface ConnectionOwner {
  /** Whether calls should outlive this refusal of a connection attempt. */
  isPassing(error: ActorError): boolean;
  /** Sends a message to a queue. */
  readonly send: ConnMethods<unknown>["send"];
  /** Forgets the connection, which is being disposed. */
  release(): void;
}

type Exactly<Names extends keyof ConnMethods<unknown>> = Names;
/** The public members of {@link Connection}: nothing but what users see, as every other name is an action's. */
export type ConnectionNames = Exactly<keyof Connection>;

/**
 * A connection that lasts across sockets: it reconnects until it is disposed, keeps calls made meanwhile, and
 * subscribes anew on every socket.
 *
 * Order: on a socket, subscriptions are sent before calls, calls in the order they were made. Events and replies
 * are delivered in the order they arrive.
 */
export class Connection implements Members<ConnMethods<unknown>> {
  readonly #transport: Transport;
  readonly #runtime: ClientRuntime;
  readonly #dial: Dial;
  readonly #owner: ConnectionOwner;
  readonly send: ConnectionOwner["send"];
  readonly #requests = new RequestTable((frame) => {
    if (this.isConnected && this.#extended) this.#send(frame);
  });
  readonly #reconnect: ReconnectPolicy;
  readonly #handlers: EventHandlers;
  readonly #failed = (cause: unknown): void => {
    const error = new ActorClientError("listener_failed", `a listener threw: ${describe(cause)}`, { cause });
    if (this.#onError.size === 0) console.error(error);
    else this.#onError.emit(error);
  };
  readonly #onOpen = new Listeners<[]>(this.#failed);
  readonly #onClose = new Listeners<[event: CloseEvent]>(this.#failed);
  readonly #onStatus = new Listeners<[status: ConnStatus]>(this.#failed);
  // What an error listener throws is not given to error listeners.
  readonly #onError = new Listeners<[error: ActorError]>((error) => console.error(error));
  readonly #onResync = new Listeners<[resync: Resync]>(this.#failed);
  readonly onOpen = this.#onOpen.add;
  readonly onClose = this.#onClose.add;
  readonly onStatusChange = this.#onStatus.add;
  readonly onError = this.#onError.add;
  readonly onResync = this.#onResync.add;
  actorId: string | undefined;
  connectionId: string | undefined;
  connStatus: ConnStatus = "idle";
  readonly #sessionOwner: SessionOwner = {
    prepare({ extensions }) {
      // Behind the version there is where the client is in the events, if the actor keeps them.
      if (resuming === undefined && extensions[1]) throw resumingNeeded;
    },

    opened: ({ actorId, connectionId, extensions }) => {
      this.#extended = extensions !== "";
      this.actorId = actorId;
      this.connectionId = connectionId;
      this.#requests.repeats = this.#extended ? this.#makeRepeats() : undefined;
      this.#requests.repeats?.opened();
      this.#timer = this.#runtime.setTimeout(() => this.#reconnect.reset(), STABLE_MS);
      const names = this.#handlers.names();
      if (resuming && extensions[1]) {
        this.#resumption ??= new resuming.Resumption(
          this.#transport,
          (packet) => this.#session?.send(packet),
          (resync) => this.#onResync.emit(resync),
        );
      }
      let resync: Resync | undefined = { reason: "off" };
      if (this.#resumption) resync = this.#resumption.opened(extensions, names);
      else for (const event of names) this.#sendSubscription(event, true);
      this.#transmitUnsent();
      this.#ready.resolve();
      this.#setStatus("connected");
      this.#onOpen.emit();
      if (resync && this.#missed) this.#onResync.emit(resync);
      this.#missed = false;
    },

    frame: (frame, size) => {
      switch (frame.tag) {
        case "Mark":
          if (this.#resumption) this.#resumption.mark(frame);
          else this.#onResync.emit({ reason: frame.text as ResyncReason });
          return;
        case "Event":
          this.#resumption?.heard(frame.number);
          this.#handlers.emit(frame.name, frame.args);
          return;
        case "ActionResponse":
          this.#requests.resolve(frame.id, frame.output);
          return;
        case "Error":
          if (frame.actionId === undefined) this.#onError.emit(toActorError(frame.error));
          else this.#requests.reject(frame.actionId, toActorError(frame.error));
          return;
        case "Stream":
          this.#requests.stream(frame.id, frame.part, frame.item, size);
          return;
        case "Init":
          return;
      }
    },

    ended: (end) => {
      const wasConnected = this.isConnected;
      const passing = end.refused && this.#owner.isPassing(end.error);
      this.#session = undefined;
      this.#dial.claim = this.#resumption?.claim;
      this.#missed ||= wasConnected && this.#handlers.names().length > 0;
      this.#runtime.clearTimeout(this.#timer);
      this.#timer = this.#runtime.setTimeout(() => this.#attempt(), this.#reconnect.nextDelay());
      if (wasConnected) {
        // The server's own reason counts if it will stay one, for example that a message was too long.
        const final = end.refused && !end.error.retryable;
        const repeats = final ? undefined : this.#requests.repeats;
        this.#requests.rejectInFlight((name) => (final ? end.error : lost(name, end)), repeats);
      } else if (end.refused && !passing) {
        this.#requests.rejectUnsent(end.error);
        // Whoever awaits `ready` learns why; who asks later awaits the next attempt.
        this.#ready.reject(end.error);
        this.#ready = makeReady();
      }
      this.#setStatus("disconnected");
      const neverOpened = this.connectionId === undefined && !passing && !this.#disposed;
      if (neverOpened && this.#onError.size === 0) this.#dial.warn(end.error);
      // A lost socket is no news beside `onClose` and the status; anything else is.
      if (!end.reported && end.error.code !== "connection_lost") this.#onError.emit(end.error);
      if (wasConnected) this.#onClose.emit({ code: end.code, reason: end.reason });
    },
  };
  #ready = makeReady();
  #session: Session | undefined;
  #timer: unknown;
  #disposed = false;
  /** Whether a call waits for something to be loaded, and all later ones for that call. */
  #waiting = false;
  /** Whether the server knows our extensions of the protocol. */
  #extended: boolean | undefined;
  /** Whether events may have been missed since the last socket. */
  #missed = false;
  #resumption: Resumption | undefined;
  #repeats: ConnRepeats | undefined;
  #closed: Promise<void> = Promise.resolve();

  constructor(transport: Transport, dial: Dial, owner: ConnectionOwner) {
    this.#transport = transport;
    this.#runtime = transport.config.runtime;
    this.#dial = dial;
    this.#owner = owner;
    this.send = owner.send;
    this.#reconnect = reconnectPolicy(this.#runtime.random);
    this.#handlers = new EventHandlers((event, wanted) => {
      this.#resumption?.changed(event, wanted);
      if (this.isConnected) this.#sendSubscription(event, wanted);
    }, this.#failed);
    // Later in this turn, so that listeners attached right after `connect()` see every change.
    queueMicrotask(() => this.#attempt());
  }

  get isConnected(): boolean {
    return this.connStatus === "connected";
  }

  get connId(): string | undefined {
    return this.connectionId;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Calls an action by its dotted name. */
  readonly action = (call: Call): Promise<unknown> => {
    const { name, args = [], idempotencyKey } = call;
    try {
      if (this.#disposed) throw new ActorConnDisposed();
      const encode = (id: number) =>
        idempotencyKey === undefined
          ? this.#encode({ tag: "ActionRequest", id, name, args })
          : this.#transport.keyed({ tag: "ActionRequest", id, name, args, idempotencyKey }, this.#extended);
      const { id, promise } = this.#requests.add(call, encode, (load) => void this.#wait(load));
      if (this.isConnected && !this.#waiting) this.#transmit(id);
      return iterable(promise);
    } catch (error) {
      return iterable(Promise.reject(error));
    }
  };

  readonly on = (event: string, handler: (...args: readonly unknown[]) => void): (() => void) => {
    if (this.#disposed) return () => {};
    return this.#handlers.add(event, handler);
  };

  readonly once = (event: string, handler: (...args: readonly unknown[]) => void): (() => void) => {
    const stop = this.on(event, (...args) => {
      stop();
      handler(...args);
    });
    return stop;
  };

  readonly dispose = (): Promise<void> => {
    if (!this.#disposed) {
      this.#disposed = true;
      this.#owner.release();
      this.#closed = this.#shutDown();
    }
    return this.#closed;
  };

  /** The same for all sockets, as the calls are. */
  #makeRepeats(): ConnRepeats | undefined {
    const { repeats, config, format } = this.#transport;
    if (repeats === undefined || format === undefined || config.retryTimeout === 0) return undefined;
    this.#repeats ??= new repeats.ConnRepeats(config, format, {
      send: (packet) => this.#session?.send(packet),
      transmit: (id) => this.isConnected && this.#transmit(id),
      reject: (id, error) => this.#requests.rejectOne(id, error),
    });
    return this.#repeats;
  }

  #attempt(): void {
    if (this.#disposed) return;
    this.#setStatus("connecting");
    // Either a status listener or `getParams` may dispose the connection.
    if (this.#disposed) return;
    const session = new Session(this.#transport, this.#dial, this.#sessionOwner);
    if (this.#disposed) void session.close("Disposed");
    else this.#session = session;
  }

  /** Keeps calls until something is loaded that one of them needs, so that they stay in order. */
  async #wait(load: () => Promise<void>): Promise<void> {
    this.#waiting = true;
    // The call that needs it fails if it cannot be loaded.
    await load().catch(() => {});
    this.#waiting = false;
    if (this.isConnected) this.#transmitUnsent();
  }

  #transmitUnsent(): void {
    if (this.#waiting) return;
    for (const id of this.#requests.unsent()) this.#transmit(id);
  }

  #transmit(id: number): void {
    const packet = this.#requests.takePacket(id);
    if (packet !== undefined) this.#session?.send(packet);
  }

  #sendSubscription(eventName: string, subscribe: boolean): void {
    this.#send({ tag: "SubscriptionRequest", eventName, subscribe });
  }

  #send(frame: ClientFrame): void {
    const packet = this.#encode(frame);
    if (packet !== undefined) this.#session?.send(packet);
  }

  /** `undefined` while the format is being loaded, which is before the first socket. */
  #encode(frame: ClientFrame): Packet | undefined {
    return this.#transport.format?.encodeFrame(frame);
  }

  #setStatus(status: ConnStatus): void {
    if (this.connStatus === status) return;
    this.connStatus = status;
    this.#onStatus.emit(status);
  }

  async #shutDown(): Promise<void> {
    const wasConnected = this.isConnected;
    const session = this.#session;
    const rejectInFlight = () => this.#requests.rejectInFlight(() => new ActorConnDisposed());
    // The close of a WebSocket says that nobody will come back for these calls; that of a stream does not.
    if (this.#transport.liveTransport === "sse") rejectInFlight();
    this.#session = undefined;
    this.#runtime.clearTimeout(this.#timer);
    this.#handlers.clear();
    const closed = session?.close("Disposed");
    rejectInFlight();
    this.#requests.rejectUnsent(new ActorConnDisposed());
    this.#ready.reject(new ActorConnDisposed());
    this.#setStatus("idle");
    if (wasConnected) this.#onClose.emit({ code: 1000, reason: "Disposed" });
    await closed;
  }
}

function lost(name: string, end: SessionEnd): ActorError {
  const message = `the reply to ${name} did not arrive, so it may or may not have run: ${end.error.message}`;
  return new ActorClientError("connection_lost", message, { cause: end.error });
}

/** Nobody is obliged to handle its rejection. */
function makeReady(): Deferred<void> {
  const ready = deferred<void>();
  ready.promise.catch(() => {});
  return ready;
}
