import { Listeners } from "../connection/listeners.js";
import { ActorConnDisposed, ActorError } from "../errors.js";
import type { ActorConn, ActorHandle } from "../surface.js";
import { deferred } from "../timers.js";
import type { Unsubscribe, UntypedActor } from "../types.js";
import { invalidOptions } from "./options.js";
import type { ActorSnapshot } from "./snapshot.js";

/**
 * How long a connection that nobody uses is kept, in milliseconds: whoever asks for it again meanwhile, as React does
 * under StrictMode and after edits, or the page that comes after this one, finds it open.
 */
const RELEASE_AFTER_MS = 250;
/** How long a connection is kept for somebody who asked for it ahead and did not come back yet, in milliseconds. */
const HOLD_MS = 5_000;

/** How often in a row a server may say that an actor will be there in a moment. That takes about half a minute. */
const MOST_DELAYS = 8;

/** What makes a connection. */
export interface Connected {
  readonly handle: ActorHandle<UntypedActor>;
  readonly connection: ActorConn<UntypedActor>;
}

/** What a shared actor tells its owner. */
export interface SharedActorOwner {
  /** Nobody uses it any more: it is not to be handed out again. */
  forget(): void;
  /** A failure, each kind once until the connection opens again. */
  report(error: ActorError, isConnected: boolean): void;
}

/** One connection, for everybody who observes the same actor in the same way. Closes when they have all left. */
export class SharedActor {
  readonly #owner: SharedActorOwner;
  readonly #changed = new Listeners<[]>((error) => console.error(error));
  readonly #settled = deferred<void>();
  readonly #reported = new Set<string>();
  #snapshot: ActorSnapshot<UntypedActor>;
  #users = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #endHold: Unsubscribe | undefined;
  #outcome: "waiting" | "opened" | "failed" = "waiting";
  #delays = 0;
  #over = false;

  /** @param connect makes the connection; what it throws is the error of the snapshot. */
  constructor(connect: () => Connected, owner: SharedActorOwner) {
    this.#owner = owner;
    const nothing = { handle: null, connection: null, isConnected: false, error: null, resyncs: 0 } as const;
    // The attempt begins within this turn.
    this.#snapshot = { ...nothing, connStatus: "connecting" };
    try {
      const { handle, connection } = connect();
      this.#snapshot = { ...nothing, connStatus: "connecting", handle, connection };
      this.#follow(connection);
    } catch (cause) {
      this.#snapshot = { ...nothing, connStatus: "disconnected" };
      this.#fail(cause instanceof ActorError ? cause : invalidOptions("the options cannot be used", cause));
    }
  }

  get snapshot(): ActorSnapshot<UntypedActor> {
    return this.#snapshot;
  }

  /** `opened` once there was a socket; `failed` when an attempt failed before that, for a reason that may stay. */
  get outcome(): "waiting" | "opened" | "failed" {
    return this.#outcome;
  }

  /** Resolves when there is an outcome. Never rejects. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Keeps the connection open until what it returns is called. */
  use(): Unsubscribe {
    this.#users++;
    clearTimeout(this.#timer);
    let used = true;
    return () => {
      if (!used) return;
      used = false;
      if (--this.#users === 0) this.#timer = setTimeout(() => this.#end(), RELEASE_AFTER_MS);
    };
  }

  /** Keeps the connection open until some time after its outcome, for somebody who will subscribe then. */
  hold(): void {
    if (this.#changed.size > 0) return;
    const release = this.use();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = (): void => {
      clearTimeout(timer);
      release();
    };
    this.endHold();
    this.#endHold = end;
    void this.settled.then(() => {
      timer = setTimeout(end, HOLD_MS);
    });
  }

  /** Ends what {@link hold} began. */
  endHold(): void {
    this.#endHold?.();
    this.#endHold = undefined;
  }

  /** Calls `listener` after each change of the snapshot. */
  subscribe(listener: () => void): Unsubscribe {
    const end = this.#while(this.#changed.add(listener));
    this.endHold();
    return end;
  }

  /** Calls `handler` for each event of this name. */
  on(event: string, handler: (...args: readonly unknown[]) => void): Unsubscribe {
    return this.#while(this.#snapshot.connection?.on(event, handler) ?? (() => {}));
  }

  #while(stop: Unsubscribe): Unsubscribe {
    const release = this.use();
    return () => {
      stop();
      release();
    };
  }

  #follow(connection: ActorConn<UntypedActor>): void {
    connection.onStatusChange((connStatus) => {
      if (this.#over) return;
      if (connStatus === "connected") {
        this.#reported.clear();
        this.#settle("opened");
        this.#update({ connStatus, error: null });
      } else {
        this.#update({ connStatus });
        // Somebody disposed the connection, or the client with all of them.
        if (connStatus === "idle") this.#fail(new ActorConnDisposed());
      }
    });
    connection.onResync(() => this.#update({ resyncs: this.#snapshot.resyncs + 1 }));
    connection.onError((error) => {
      // A mistake of whoever listens, which is no news for the others.
      if (error.code === "listener_failed") console.error(error);
      else this.#fail(error);
    });
  }

  #fail(error: ActorError): void {
    if (this.#over) return;
    this.#update({ error });
    const isDelay = error.retryable && error.group !== "client" && ++this.#delays <= MOST_DELAYS;
    if (!isDelay && this.#outcome === "waiting") this.#settle("failed");
    const kind = `${error.group}.${error.code}`;
    if (this.#reported.has(kind)) return;
    this.#reported.add(kind);
    this.#owner.report(error, this.#snapshot.isConnected);
  }

  #settle(outcome: "opened" | "failed"): void {
    this.#outcome = outcome;
    this.#settled.resolve();
  }

  #update(change: Partial<Pick<ActorSnapshot<UntypedActor>, "connStatus" | "error" | "resyncs">>): void {
    const before = this.#snapshot;
    const { connStatus = before.connStatus, error = before.error, resyncs = before.resyncs } = change;
    if (connStatus === before.connStatus && error === before.error && resyncs === before.resyncs) return;
    const next = { ...before, connStatus, error, resyncs, isConnected: connStatus === "connected" };
    this.#snapshot = next as ActorSnapshot<UntypedActor>;
    this.#changed.emit();
  }

  #end(): void {
    this.#over = true;
    this.#owner.forget();
    void this.#snapshot.connection?.dispose();
  }
}
