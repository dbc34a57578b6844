/**
 * What user code gets as `c`: one interface for each kind of hook, without index signatures, so that a typo is an
 * error.
 */
import type { Client } from "@greenroom/client";
import type { RegistryLike } from "@greenroom/client/types";
import type { Logger } from "../log.js";
import type { AuthData } from "../registry/on-auth.js";
import type { Conn, SendEvent } from "./conn.js";
import type { Kv } from "./kv.js";
import type { ActorQueue } from "./queue.js";
import type { Cron, Schedule } from "./schedule.js";

/** When and how `c.saveState` stores. */
export interface SaveStateOptions {
  /** Store now; the promise resolves once everything so far is durable. */
  readonly immediate?: boolean;
  /** Store within this many milliseconds. */
  readonly maxWait?: number;
}

/** A timer of `c.setTimeout` or `c.setInterval`. */
export interface ActorTimer {
  /** Ends it. Nothing happens if it has ended. */
  clear(): void;
}

/** How a timer is set: with what its callback is called with, if there is anything. */
export interface StartTimer {
  (callback: (nothing?: undefined) => unknown, ms?: number): ActorTimer;
  <Args extends readonly [unknown, ...unknown[]]>(
    callback: (...args: Args) => unknown,
    ms: number,
    ...args: Args
  ): ActorTimer;
}

/** What every hook and action has: who the actor is, and the way to others. */
export interface BaseContext {
  /** The actor's opaque id, unique for ever. */
  readonly actorId: string;
  /** The name of its type, as in `setup({ use })`. */
  readonly name: string;
  /** Its key. */
  readonly key: string[];
  /** The region of the server that it runs on: setup option `region`. */
  readonly region: string;
  /** The actor's key-value pairs. */
  readonly kv: Kv;
  /** Writes to the log, with the actor's fields. */
  readonly log: Logger;
  /**
   * Fires when the actor stops; during an action also when its caller gives up or it takes longer than
   * `actionTimeout`.
   */
  readonly abortSignal: AbortSignal;
  /** Whether `abortSignal` has fired. */
  readonly aborted: boolean;
  /** Calls other actors: `c.client<typeof registry>()`. */
  client<Registry extends RegistryLike>(): Client<Registry>;
}

/** What `onMigrate` has. */
export interface MigrateContext extends BaseContext {}

/** What `createState` has: no state yet, nor anything after it. */
export interface CreateStateContext extends BaseContext {}

/** What `createVars` has. */
export interface CreateVarsContext<State> extends BaseContext {
  /** The actor's durable state. */
  state: State;
}

/** What `onBeforeConnect` and `createConnState` have. */
export interface ConnInitContext<State, Vars> extends BaseContext {
  /** The actor's durable state. */
  state: State;
  /** The actor's variables of this wake. */
  vars: Vars;
  /** The HTTP request that asks: for an action, for an event stream, or for the upgrade to a WebSocket. Its body is not in it. */
  readonly request: Request | undefined;
  /** What `onAuth` of the registry gave, as the connection will have it. */
  readonly auth: AuthData | undefined;
}

/** What is there once the actor is ready. */
export interface ActorContext<
  State,
  Vars,
  Params,
  ConnState,
  Events,
  ActionNames extends string = string,
  Queues = undefined,
  Actions = unknown,
> extends BaseContext {
  /**
   * The actor's durable state: a tracked object. Assignments anywhere in it are noticed and stored.
   *
   * @throws ActorError `actor.state_not_enabled` if the definition has neither `state` nor `createState`.
   */
  state: State;
  /**
   * Variables of this wake, never stored.
   *
   * @throws ActorError `actor.vars_not_enabled` if the definition has neither `vars` nor `createVars`.
   */
  vars: Vars;
  /** The open connections by id. */
  readonly conns: ReadonlyMap<string, Conn<Params, ConnState, Events>>;
  /** Sends an event to every connection that subscribed to it. */
  readonly broadcast: SendEvent<Events>;
  /** Calls of this actor's own actions at a later time, whatever happens in between. */
  readonly schedule: Schedule<ActionNames, Actions>;
  /** Calls of this actor's own actions that come again and again. */
  readonly cron: Cron<ActionNames, Actions>;
  /** The messages for this actor. */
  readonly queue: ActorQueue<Queues>;
  /**
   * Stores the state earlier than the durability setting would. Without options it only asks for it, and resolves
   * at once.
   */
  saveState(options?: SaveStateOptions): Promise<void>;
  /**
   * Keeps the actor awake until `promise` has settled, and lets its end wait for it within `sleepGracePeriod`.
   *
   * @returns what `promise` comes to. A rejection is also logged.
   * @throws TypeError if it is no promise.
   */
  keepAwake<T>(promise: PromiseLike<T>): Promise<T>;
  /**
   * Lets the actor's end wait for `promise` within `sleepGracePeriod`. It does not keep the actor awake. A rejection
   * is logged.
   *
   * @throws TypeError if it is no promise.
   */
  waitUntil(promise: PromiseLike<unknown>): void;
  /** @deprecated The name of `waitUntil` before 2.0. */
  runInBackground(promise: PromiseLike<unknown>): void;
  /**
   * Calls `callback` once, after `ms` milliseconds (0 if left out), unless the actor stops before that. It neither
   * keeps the actor awake nor survives its sleep; `c.schedule` does. What the callback throws is logged.
   *
   * @throws TypeError if `callback` is no function or `ms` no number from 0 to 2,147,483,647.
   */
  setTimeout: StartTimer;
  /** As `setTimeout`, again and again. One that takes longer than `ms` is called all the same. */
  setInterval: StartTimer;
  /** Ends a timer. Nothing happens if it has ended. */
  clearTimeout(timer: ActorTimer | undefined): void;
  /** Ends a timer. Nothing happens if it has ended. */
  clearInterval(timer: ActorTimer | undefined): void;
  /**
   * Puts the actor to sleep. Returns at once, the caller's action goes on; then `c.abortSignal` fires, and what is in
   * progress has `sleepGracePeriod` to end. A second call does nothing.
   */
  sleep(): void;
  /** Destroys the actor, for good, in the same way. Returns at once; a second call does nothing. */
  destroy(): void;
  /** @deprecated Always false. */
  readonly preventSleep: boolean;
  /** @deprecated Does nothing: use `keepAwake`, `run` or the option `noSleep`. */
  setPreventSleep(prevent: boolean): void;
}

/** What `run` has. */
export interface RunContext<
  State,
  Vars,
  Params,
  ConnState,
  Events,
  ActionNames extends string = string,
  Queues = undefined,
  Actions = unknown,
> extends ActorContext<State, Vars, Params, ConnState, Events, ActionNames, Queues, Actions> {}

/** What `onConnect`, `onDisconnect` and actions have: the connection that it is about. */
export interface ConnContext<
  State,
  Vars,
  Params,
  ConnState,
  Events,
  ActionNames extends string = string,
  Queues = undefined,
  Actions = unknown,
> extends ActorContext<State, Vars, Params, ConnState, Events, ActionNames, Queues, Actions> {
  /**
   * The caller's connection. A stateless call has a short-lived one; a call that `c.schedule` or `c.cron` makes has
   * none, and `conn` is undefined then.
   */
  readonly conn: Conn<Params, ConnState, Events>;
}

/** What `onRequest` has. */
export interface RequestContext<
  State,
  Vars,
  Params,
  ConnState,
  Events,
  ActionNames extends string = string,
  Queues = undefined,
  Actions = unknown,
> extends ConnContext<State, Vars, Params, ConnState, Events, ActionNames, Queues, Actions> {
  /** The request that is being answered, the same as the second argument. */
  readonly request: Request;
}

/** What `onWebSocket` has. `abortSignal` fires when the socket has ended, too. */
export interface WebSocketContext<
  State,
  Vars,
  Params,
  ConnState,
  Events,
  ActionNames extends string = string,
  Queues = undefined,
  Actions = unknown,
> extends ConnContext<State, Vars, Params, ConnState, Events, ActionNames, Queues, Actions> {
  /** The request that opened the socket. Its path begins with `/websocket`. */
  readonly request: Request;
}
