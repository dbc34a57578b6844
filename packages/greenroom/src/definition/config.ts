/**
 * What a user writes in `actor({ … })`, and the types that come out of it.
 *
 * Types are inferred from the definition alone. TypeScript reads functions whose context has no annotation from top
 * to bottom, so what makes values comes before what uses them: `createState`, `createVars`, then `onBeforeConnect`
 * and `createConnState` (which say what the connection parameters are), then all other hooks and the actions.
 */
import type { ActorDefinitionLike } from "@greenroom/client/types";
import type { Conn } from "../context/conn.js";
import type {
  ActorContext,
  ConnContext,
  ConnInitContext,
  CreateStateContext,
  CreateVarsContext,
  MigrateContext,
  RequestContext,
  RunContext,
  WebSocketContext,
} from "../context/contexts.js";
import type { ActionFor, ActionTree } from "./action.js";
import type { EventMap, EventSentMap } from "./event.js";
import type { ActionInputSchemas, SchemaAt } from "./input-schemas.js";
import type { MigrationSteps } from "./migration.js";
import type { ActorOptions } from "./options.js";
import type { QueueMap, QueueTypesMap } from "./queue.js";
import type { StandardSchema } from "./standard-schema.js";

/** A hook that may be asynchronous. Two types instead of one for the reason given at `Action`. */
export type Callback<Args extends readonly unknown[]> =
  | ((...args: Args) => void)
  | ((...args: Args) => Promise<void>);

/** What `run` is: a function, or one with a name and an icon for tools to show. */
export type RunHook<Context> =
  | Callback<[c: Context]>
  | { readonly name?: string; readonly icon?: string; readonly run: Callback<[c: Context]> };

/** Types of a definition, for those who rather write them down. No value of it is ever read. */
export interface TypeHints<State, Params, ConnState, Vars, Input> {
  readonly state?: State;
  readonly connParams?: Params;
  readonly connState?: ConnState;
  readonly vars?: Vars;
  readonly input?: Input;
}

/**
 * The actions of a definition.
 *
 * `ActionNames` is inferred from the keys. TypeScript knows those before it looks into the functions, so that their
 * own context can have them: `c.schedule.after(1, "noSuchAction")` is an error. What the functions take it knows only
 * after that, which is too late for their context; the contexts of helper functions (`ActionContextOf`) have it.
 */
export type NamedActions<ActionNames extends string, Context> = {
  readonly [Name in ActionNames]: ActionTree<Context>[string];
};

/** The same for actions whose arguments schemas check: these say what the functions get. */
export type CheckedActions<ActionNames extends string, Context, Schemas> = {
  readonly [Name in ActionNames]: ActionFor<
    Context,
    SchemaAt<Schemas, Schemas, "", Name>,
    Schemas,
    `${Name}.`
  >;
};

/** A definition as the user writes it, apart from its actions. */
export interface BaseActorConfig<
  State,
  Params,
  ConnState,
  Vars,
  Input,
  Events extends EventMap | undefined,
  ActionNames extends string = string,
  ClientParams = Params,
  ClientInput = Input,
  Version extends number = number,
  Steps extends number | string = number,
  Queues extends QueueMap | undefined = undefined,
> {
  /**
   * Checks the connection parameters, before any hook: what does not match is refused with `actor.validation_error`.
   * Hooks get what the schema makes of them. Any library that speaks Standard Schema will do.
   */
  readonly connParamsSchema?: StandardSchema<ClientParams, Params>;
  /** Checks the creation input, before `createState`, in the same way. An actor whose input is refused cannot start. */
  readonly inputSchema?: StandardSchema<ClientInput, Input>;
  /**
   * Says what the types are where they cannot be inferred, and is ignored at run time: `types: {} as { state: State }`.
   */
  readonly types?: TypeHints<State, Params, ConnState, Vars, Input>;
  /** The state that a new actor begins with; every actor gets a copy of its own. */
  readonly state?: State;
  /** Makes the state of a new actor. Runs once in the actor's life, before everything else. */
  readonly createState?: (c: CreateStateContext, input: Input) => State | Promise<State>;
  /**
   * The version of the state, a whole number; stored with it. Default 1. An actor whose stored state has a newer version
   * does not start (`actor.state_version_unsupported`), and keeps all it has.
   */
  readonly stateVersion?: Version;
  /**
   * Makes the state of this version from older ones, when such an actor wakes and before its other hooks: one function
   * for each version to lead to, `{ 2: (c, state) => …, 3: (c, state) => … }`. They run one after the other, and what
   * comes of the last is stored together with the version. If one throws, the actor does not start, and nothing changes.
   */
  readonly migrateState?: MigrationSteps<NoInfer<State>, Version, Steps>;
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
  /** The durable queues that the actor consumes. */
  readonly queues?: Queues;
  /** Runs first at every start, before there are state and variables. @param isNew Whether it is the first start. */
  readonly onMigrate?: Callback<[c: MigrateContext, isNew: boolean]>;
  /** Runs once in the actor's life, after the state was made. */
  readonly onCreate?: Callback<
    [
      c: ActorContext<
        State,
        Vars,
        Params,
        ConnState,
        EventSentMap<Events>,
        ActionNames,
        QueueTypesMap<Queues>
      >,
      input: Input,
    ]
  >;
  /** Runs at every start, before anybody can call or connect. */
  readonly onWake?: Callback<
    [
      c: ActorContext<
        State,
        Vars,
        Params,
        ConnState,
        EventSentMap<Events>,
        ActionNames,
        QueueTypesMap<Queues>
      >,
    ]
  >;
  /** Runs before the actor goes to sleep; not when the process crashes. */
  readonly onSleep?: Callback<
    [
      c: ActorContext<
        State,
        Vars,
        Params,
        ConnState,
        EventSentMap<Events>,
        ActionNames,
        QueueTypesMap<Queues>
      >,
    ]
  >;
  /** Runs before the actor is removed for good. */
  readonly onDestroy?: Callback<
    [
      c: ActorContext<
        State,
        Vars,
        Params,
        ConnState,
        EventSentMap<Events>,
        ActionNames,
        QueueTypesMap<Queues>
      >,
    ]
  >;
  /**
   * Runs in the background from every start on, and is not waited for. While it runs, the actor does not sleep for
   * being idle, and if it is lost it is woken again. When it returns or throws, the actor goes on without it. When
   * the actor stops, `c.abortSignal` fires and it has `sleepGracePeriod` to end.
   */
  readonly run?: RunHook<
    RunContext<State, Vars, Params, ConnState, EventSentMap<Events>, ActionNames, QueueTypesMap<Queues>>
  >;
  /**
   * Runs after every turn that changed the state: once, synchronously, and not for reads. Writing to the state in
   * here is refused with `actor.state_mutation_reentrant`.
   */
  readonly onStateChange?: (
    c: ActorContext<State, Vars, Params, ConnState, EventSentMap<Events>, ActionNames, QueueTypesMap<Queues>>,
    state: State,
  ) => void;
  /** Decides whether to let a client in; a throw refuses it. Runs for stateless calls, too. */
  readonly onBeforeConnect?: Callback<[c: ConnInitContext<State, Vars>, params: Params]>;
  /** Runs once a connection is listed in `c.conns`. A throw closes it. */
  readonly onConnect?: Callback<
    [
      c: ConnContext<
        State,
        Vars,
        Params,
        ConnState,
        EventSentMap<Events>,
        ActionNames,
        QueueTypesMap<Queues>
      >,
      conn: Conn<Params, ConnState, EventSentMap<Events>>,
    ]
  >;
  /** Runs after a connection has ended; not for refused ones. */
  readonly onDisconnect?: Callback<
    [
      c: ConnContext<
        State,
        Vars,
        Params,
        ConnState,
        EventSentMap<Events>,
        ActionNames,
        QueueTypesMap<Queues>
      >,
      conn: Conn<Params, ConnState, EventSentMap<Events>>,
    ]
  >;
  /**
   * Last chance to change what an action gives its caller, or with a throw to give an error instead. Runs when the
   * action is through, within its time; for a stream, for each item. Not for calls that `c.schedule` and `c.cron` make.
   */
  readonly onBeforeActionResponse?: (
    c: ConnContext<State, Vars, Params, ConnState, EventSentMap<Events>, ActionNames, QueueTypesMap<Queues>>,
    name: string,
    args: readonly unknown[],
    output: unknown,
  ) => unknown;
  /**
   * Answers HTTP requests to the actor: what `handle.fetch` and plain `fetch` send to it. Runs the connect hooks
   * before it, like a stateless call. Without it, requests get 404.
   */
  readonly onRequest?: (
    c: RequestContext<
      State,
      Vars,
      Params,
      ConnState,
      EventSentMap<Events>,
      ActionNames,
      QueueTypesMap<Queues>
    >,
    request: Request,
  ) => Response | Promise<Response>;
  /**
   * Takes a raw WebSocket: what `handle.webSocket` and plain `WebSocket` open to the actor. Runs after the connect hooks;
   * for a socket that outlived the actor's sleep, again after each wake, and then without `open`. A throw closes it.
   * Without it, raw WebSockets are refused.
   */
  readonly onWebSocket?: Callback<
    [
      c: WebSocketContext<
        State,
        Vars,
        Params,
        ConnState,
        EventSentMap<Events>,
        ActionNames,
        QueueTypesMap<Queues>
      >,
      websocket: WebSocket,
    ]
  >;
  /** Settings. */
  readonly options?: ActorOptions;
}

/** A definition as the user writes it. */
export interface ActorConfig<
  State,
  Params,
  ConnState,
  Vars,
  Input,
  Events extends EventMap | undefined,
  Actions,
  ActionNames extends string = string,
  ClientParams = Params,
  ClientInput = Input,
  Version extends number = number,
  Steps extends number | string = number,
  Queues extends QueueMap | undefined = undefined,
> extends BaseActorConfig<
    State,
    Params,
    ConnState,
    Vars,
    Input,
    Events,
    ActionNames,
    ClientParams,
    ClientInput,
    Version,
    Steps,
    Queues
  > {
  /** See {@link CheckedActorConfig}. */
  readonly actionInputSchemas?: undefined;
  /** What clients can call. */
  readonly actions?: Actions &
    NamedActions<
      ActionNames,
      ConnContext<State, Vars, Params, ConnState, EventSentMap<Events>, ActionNames, QueueTypesMap<Queues>>
    >;
}

/** A definition whose actions have schemas. */
export interface CheckedActorConfig<
  State,
  Params,
  ConnState,
  Vars,
  Input,
  Events extends EventMap | undefined,
  Actions,
  ActionNames extends string,
  ClientParams,
  ClientInput,
  Schemas,
  Version extends number,
  Steps extends number | string,
  Queues extends QueueMap | undefined = undefined,
> extends BaseActorConfig<
    State,
    Params,
    ConnState,
    Vars,
    Input,
    Events,
    ActionNames,
    ClientParams,
    ClientInput,
    Version,
    Steps,
    Queues
  > {
  /**
   * Checks the arguments of actions, each as a list (`z.tuple([…])`), before the action and before any hook that the
   * call runs. Nested as the actions are, or under dotted names. Actions get what the schemas make of them.
   */
  readonly actionInputSchemas: Schemas & ActionInputSchemas;
  /** What clients can call. */
  readonly actions?: Actions &
    CheckedActions<
      ActionNames,
      ConnContext<State, Vars, Params, ConnState, EventSentMap<Events>, ActionNames, QueueTypesMap<Queues>>,
      Schemas
    >;
}

/** The types of a definition, for the client and for the context helper types. */
export interface DefinitionTypes<
  State,
  Params,
  ConnState,
  Vars,
  Input,
  Events,
  Actions,
  ClientParams = Params,
  ClientInput = Input,
  Queues = undefined,
  SentEvents = Events,
> {
  readonly actions: Actions;
  readonly events: Events;
  /** The events as the actor sends them: the same, unless a schema makes something else of them. */
  readonly sentEvents: SentEvents;
  readonly queues: Queues;
  /** What clients pass. */
  readonly params: ClientParams;
  readonly input: ClientInput;
  /** What hooks get: the same, unless a schema makes something else of it. */
  readonly checkedParams: Params;
  readonly checkedInput: Input;
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
  ClientParams = Params,
  ClientInput = Input,
  Queues = unknown,
  SentEvents = Events,
> extends ActorDefinitionLike<
    DefinitionTypes<
      State,
      Params,
      ConnState,
      Vars,
      Input,
      Events,
      Actions,
      ClientParams,
      ClientInput,
      Queues,
      SentEvents
    >
  > {}
