import type { ActorError } from "../errors.js";
import type { Client, ClientMethods, DefinitionNamed } from "../surface.js";
import type { EventsOf, Listen, RegistryLike, Unsubscribe, UntypedActor } from "../types.js";
import {
  type ActorNames,
  type AnyObserveOptions,
  checkObserveOptions,
  hashOptions,
  invalidOptions,
  type ObserveOptions,
  unstableOptions,
} from "./options.js";
import { SharedActor } from "./shared-actor.js";
import { type ActorSnapshot, IDLE, type UnconnectedActor } from "./snapshot.js";

/** Settings of {@link createObservers}. */
export interface ObserversOptions {
  /** Equal for options that may share a connection. Default: name, key, parameters and `noCreate`, in JSON. */
  readonly hashFunction?: (options: AnyObserveOptions) => string;
  /** Hears of failures: each kind once per connection, until it opens again. */
  readonly onError?: (failure: ObservedFailure) => void;
}

/** What went wrong with an actor that is observed. */
export interface ObservedFailure {
  readonly error: ActorError;
  /** What was asked for; absent when it cannot be used. */
  readonly options?: AnyObserveOptions;
  /** Whether there is a socket all the same. */
  readonly isConnected: boolean;
}

/** Connections in a row that were asked for ahead and that nobody came back for. */
const MOST_UNCLAIMED = 20;
/** How long asking ahead is refused then, in milliseconds. */
const REFUSAL_MS = 1_000;

/** What is there to show of an actor that was asked for ahead of a subscription. */
export type Preparation =
  | { readonly status: "pending"; readonly promise: Promise<void> }
  | { readonly status: "ready" }
  | { readonly status: "failed"; readonly error: ActorError };

/**
 * A view of one actor. Making it costs nothing and opens nothing: the connection is opened by the first subscription to
 * any observer of the same hash, and closed a moment after the last one has ended.
 */
export interface ActorObserver<Definition> {
  /** The same for observers that share a connection. */
  readonly hash: string;
  /** Whether subscriptions connect. */
  readonly enabled: boolean;
  /** What is known now. The same object until something changes. */
  readonly getSnapshot: () => ActorSnapshot<Definition>;
  /** Connects, and calls `listener` after each change of the snapshot. */
  readonly subscribe: (listener: () => void) => Unsubscribe;
  /** Connects, and subscribes to an event. */
  readonly on: Listen<EventsOf<Definition>>;
  /**
   * Connects ahead of a subscription, which should follow within seconds after the promise has resolved. The promise
   * never rejects. `ready` once there was a socket; `failed` when the first attempt failed, until another one works.
   */
  readonly prepare: () => Preparation;
}

/** Makes observers of the actors of a registry. */
export interface ActorObservers<Registry> {
  /** Never throws: what is wrong with the options is the error of the observer's snapshot. */
  observe<Name extends ActorNames<Registry>>(
    options: ObserveOptions<Registry, Name>,
  ): ActorObserver<DefinitionNamed<Registry, Name>>;
}

/** Observers of a client's actors: what user interfaces need to show them, whatever they are made with. */
export function createObservers<Registry extends RegistryLike>(
  client: Client<Registry>,
  { hashFunction = hashOptions, onError }: ObserversOptions = {},
): ActorObservers<Registry> {
  const { get, getOrCreate } = client as unknown as ClientMethods<RegistryLike>;
  const shared = new Map<string, SharedActor>();
  const unclaimed = new Map<string, number>();

  function share(hash: string, options: AnyObserveOptions): SharedActor {
    const found = shared.get(hash);
    if (found !== undefined) return found;
    const { name, key, params, createWithInput, createInRegion } = options;
    const made = new SharedActor(
      () => {
        const handle = options.noCreate
          ? get(name, key, { params })
          : getOrCreate(name, key, {
              params,
              createWithInput,
              ...(createInRegion === undefined ? {} : { createInRegion }),
            });
        return { handle, connection: handle.connect() };
      },
      {
        forget: () => void shared.delete(hash),
        report: (error, isConnected) => onError?.({ error, options, isConnected }),
      },
    );
    shared.set(hash, made);
    return made;
  }

  function observe(options: AnyObserveOptions): ActorObserver<UntypedActor> {
    let hash: string;
    try {
      checkObserveOptions(options);
      hash = hashFunction(options);
    } catch (cause) {
      const { name } = options ?? {};
      const error = invalidOptions(`the options of actor \`${String(name)}\` cannot be used`, cause);
      return failedObserver(error, () => onError?.({ error, isConnected: false }));
    }
    if (options.enabled === false) return idleObserver(hash);
    // One of its own, so that whoever compares snapshots notices another observer.
    const idle = { ...IDLE };
    return {
      hash,
      enabled: true,
      getSnapshot: () => shared.get(hash)?.snapshot ?? idle,
      subscribe(listener) {
        unclaimed.delete(options.name);
        return share(hash, options).subscribe(listener);
      },
      on: ((event: string, handler: () => void) =>
        share(hash, options).on(event, handler)) as Listen<unknown>,
      prepare() {
        const isFirst = !shared.has(hash);
        if (isFirst && isCircling(options.name))
          return { status: "failed", error: unstableOptions(options.name) };
        const actor = share(hash, options);
        const { outcome, settled: promise, snapshot } = actor;
        if (isFirst) void promise.then(() => countUnclaimed(options.name));
        else if (outcome !== "waiting") unclaimed.delete(options.name);
        actor.hold();
        if (outcome === "waiting") return { status: "pending", promise };
        if (outcome === "opened" || snapshot.error === null) return { status: "ready" };
        // Whoever asks once more begins anew.
        actor.endHold();
        return { status: "failed", error: snapshot.error };
      },
    };
  }

  function countUnclaimed(name: string): void {
    unclaimed.set(name, (unclaimed.get(name) ?? 0) + 1);
  }

  /**
   * Whether a component goes in circles: one whose options differ at each rendering asks for another connection whenever
   * it is told that one is there. After a while, whatever asks is given another chance.
   */
  function isCircling(name: string): boolean {
    const circling = (unclaimed.get(name) ?? 0) >= MOST_UNCLAIMED;
    if (circling) setTimeout(() => unclaimed.delete(name), REFUSAL_MS);
    return circling;
  }

  return { observe: observe as ActorObservers<Registry>["observe"] };
}

/** Observes an actor that nobody asks for. */
function idleObserver(hash: string): ActorObserver<UntypedActor> {
  const cause = "it is disabled; do not render what waits for it";
  return {
    ...still(hash, IDLE),
    prepare: () => ({ status: "failed", error: invalidOptions("the actor will not connect", cause) }),
  };
}

/** Observes what cannot be: its snapshot is an error. @param onSubscribe called with each subscription. */
export function failedObserver(
  error: ActorError,
  onSubscribe: () => void = () => {},
): ActorObserver<UntypedActor> {
  const snapshot: UnconnectedActor<UntypedActor> = { ...IDLE, connStatus: "disconnected", error };
  return {
    ...still(`${error.group}.${error.code}: ${error.message}`, snapshot, onSubscribe),
    prepare: () => ({ status: "failed", error }),
  };
}

function still(
  hash: string,
  snapshot: UnconnectedActor<UntypedActor>,
  onSubscribe: () => void = () => {},
): Omit<ActorObserver<UntypedActor>, "prepare"> {
  return {
    hash,
    enabled: false,
    getSnapshot: () => snapshot,
    subscribe() {
      onSubscribe();
      return () => {};
    },
    on: () => () => {},
  };
}
