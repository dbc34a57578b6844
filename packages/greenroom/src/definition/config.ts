/**
 * What a user writes in `actor({ … })`, and the types that come out of it.
 *
 * Types are inferred from the definition alone. TypeScript reads functions whose context has no annotation from top
 * to bottom, so `createState` comes before `createVars`, that before `createConnState`, and all of them before the
 * hooks and actions that use them.
 */
import type { ActorDefinitionLike } from "@greenroom/client/types";
import type { Conn } from "../context/conn.js";
import type {
  ActorContext,
  ConnContext,
  ConnInitContext,
  CreateStateContext,
  CreateVarsContext,
} from "../context/contexts.js";
import type { ActionTree } from "./action.js";
import type { EventArgsMap, EventMap } from "./event.js";
import type { ActorOptions } from "./options.js";

/** A definition as the user writes it. */
export interface ActorConfig<
  State,
  Params,
  ConnState,
  Vars,
  Input,
  Events extends EventMap | undefined,
  Actions,
> {
  /** The state that a new actor begins with; every actor gets a copy of its own. */
  readonly state?: State;
  /** Makes the state of a new actor. Runs once in the actor's life, before everything else. */
  readonly createState?: (c: CreateStateContext, input: Input) => State | Promise<State>;
  /** Variables that every wake begins with, copied for each; never stored. */
  readonly vars?: Vars;
  /** Makes the variables. Runs at every wake. */
  readonly createVars?: (c: CreateVarsContext<State>) => Vars | Promise<Vars>;
  /** The state that a new connection begins with, copied for each. */
  readonly connState?: ConnState;
  /** Makes the state of a new connection. A throw refuses the connection. */
  readonly createConnState?: (
    c: ConnInitContext<State, Vars>,
    params: Params,
  ) => ConnState | Promise<ConnState>;
  /** The events that the actor sends. Once declared, names and payloads are checked. */
  readonly events?: Events;
  /** Runs once in the actor's life, after the state was made. */
  readonly onCreate?: (
    c: ActorContext<State, Vars, Params, ConnState, EventArgsMap<Events>>,
    input: Input,
  ) => void | Promise<void>;
  /** Runs at every start, before anybody can call or connect. */
  readonly onWake?: (
    c: ActorContext<State, Vars, Params, ConnState, EventArgsMap<Events>>,
  ) => void | Promise<void>;
  /** Runs before the actor goes to sleep; not when the process crashes. */
  readonly onSleep?: (
    c: ActorContext<State, Vars, Params, ConnState, EventArgsMap<Events>>,
  ) => void | Promise<void>;
  /** Runs before the actor is removed for good. */
  readonly onDestroy?: (
    c: ActorContext<State, Vars, Params, ConnState, EventArgsMap<Events>>,
  ) => void | Promise<void>;
  /**
   * Runs after every turn that changed the state: once, synchronously, and not for reads. Writing to the state in
   * here is refused with `actor.state_mutation_reentrant`.
   */
  readonly onStateChange?: (
    c: ActorContext<State, Vars, Params, ConnState, EventArgsMap<Events>>,
    state: State,
  ) => void;
  /** Decides whether to let a client in; a throw refuses it. Runs for stateless calls, too. */
  readonly onBeforeConnect?: (c: ConnInitContext<State, Vars>, params: Params) => void | Promise<void>;
  /** Runs once a connection is listed in `c.conns`. A throw closes it. */
  readonly onConnect?: (
    c: ConnContext<State, Vars, Params, ConnState, EventArgsMap<Events>>,
    conn: Conn<Params, ConnState, EventArgsMap<Events>>,
  ) => void | Promise<void>;
  /** Runs after a connection has ended; not for refused ones. */
  readonly onDisconnect?: (
    c: ConnContext<State, Vars, Params, ConnState, EventArgsMap<Events>>,
    conn: Conn<Params, ConnState, EventArgsMap<Events>>,
  ) => void | Promise<void>;
  /** Settings. */
  readonly options?: ActorOptions;
  /** What clients can call. */
  readonly actions?: Actions & ActionTree<ConnContext<State, Vars, Params, ConnState, EventArgsMap<Events>>>;
}

/** The types of a definition, for the client and for the context helper types. */
export interface DefinitionTypes<State, Params, ConnState, Vars, Input, Events, Actions> {
  readonly actions: Actions;
  readonly events: Events;
  readonly queues: undefined;
  readonly params: Params;
  readonly input: Input;
  readonly state: State;
  readonly connState: ConnState;
  readonly vars: Vars;
}

/** An actor type, made by `actor(...)` and given to `setup({ use })`. Opaque: what matters are its types. */
export interface ActorDefinition<
  State = unknown,
  Params = unknown,
  ConnState = unknown,
  Vars = unknown,
  Input = unknown,
  Events = unknown,
  Actions = unknown,
> extends ActorDefinitionLike<DefinitionTypes<State, Params, ConnState, Vars, Input, Events, Actions>> {}
