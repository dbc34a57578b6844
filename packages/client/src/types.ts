/**
 * The types that flow from a user's registry to the client, by `typeof registry` alone.
 *
 * This file is the contract between the two: whoever makes actor definitions and registries gives them the
 * phantom properties below. They exist in types only; at run time they are absent. The contract is structural,
 * so the server package and the client never import each other's values.
 *
 * What `actor(...)` must return: an object type with `readonly "~types"?: T`, where `T` has exactly these members:
 *
 * | member | type |
 * |---|---|
 * | `actions` | the `actions` object as the user wrote it: a tree whose leaves are `(c: Context, ...args) => result`. `{}` if none |
 * | `events` | `{ name: [arg, ...] }`: per declared event its handler arguments as a tuple; `undefined` if the definition has no `events` |
 * | `queues` | `{ name: { message: M; reply: R } }`: per declared queue; `undefined` if the definition has no `queues` |
 * | `params` | what `onBeforeConnect`, `createConnState` (or the schema) take as connection parameters; `unknown` if none of them says |
 * | `input` | what `createState`, `onCreate` take as creation input; `unknown` if none of them says |
 * | `state`, `connState` | the state types; not used by the client |
 *
 * What `setup({ use })` must return: an object type with `readonly "~actors"?: Use`, where `Use` is the type of
 * the object given as `use` (names to definitions).
 *
 * The context of an action may have any type: it is dropped here, and never compared.
 */

/** The type information of one actor definition. See the table at the top of the file. */
export interface ActorTypes {
  readonly actions: unknown;
  readonly events: unknown;
  readonly queues: unknown;
  readonly params: unknown;
  readonly input: unknown;
  readonly state: unknown;
  readonly connState: unknown;
}

/** Anything that `actor(...)` may return. */
export interface ActorDefinitionLike<Types extends ActorTypes = ActorTypes> {
  /** Phantom: never present at run time. */
  readonly "~types"?: Types;
}

/** Anything that `setup(...)` may return. */
export interface RegistryLike<Actors extends object = object> {
  /** Phantom: never present at run time. */
  readonly "~actors"?: Actors;
}

/** An actor of which nothing is known: every name and value is accepted and `unknown` comes back. */
export interface UntypedActor extends ActorDefinitionLike<ActorTypes> {}

/** The definitions of a registry, by name. */
export type ActorsOf<Registry> = Registry extends { readonly "~actors"?: infer Actors }
  ? NonNullable<Actors>
  : never;

/** The phantom types of a definition. */
export type TypesOf<Definition> = Definition extends { readonly "~types"?: infer Types }
  ? NonNullable<Types>
  : never;

type Member<Definition, Name extends keyof ActorTypes> =
  TypesOf<Definition> extends { readonly [N in Name]: infer Found } ? Found : unknown;

/** The action tree of a definition, with contexts. */
export type ActionsOf<Definition> = Member<Definition, "actions">;
/** The declared events of a definition as argument tuples, `undefined` when it declares none. */
export type EventsOf<Definition> = Member<Definition, "events">;
/** The declared queues of a definition, `undefined` when it declares none. */
export type QueuesOf<Definition> = Member<Definition, "queues">;
/** The connection parameters that an actor expects. */
export type ParamsOf<Definition> = Member<Definition, "params">;
/** The creation input that an actor expects. */
export type InputOf<Definition> = Member<Definition, "input">;

/** An actor's key: its parts, or the only part. No key is the empty list. */
export type ActorKey = string | readonly string[];

/** The arguments of an action without its context. */
export type ActionArgs<Action> = Action extends (c: never, ...args: infer Args) => unknown ? Args : never;

/**
 * A call of an action that streams its result, that is, of an async generator: `for await (const item of call)`. Items
 * come as fast as they are taken; `break` cancels the call. What ends the stream early is thrown after the items before
 * it. As a promise it resolves with the stream once the action has begun. It can be iterated once.
 */
export interface StreamCall<Item> extends Promise<AsyncIterable<Item>>, AsyncIterable<Item> {}

/** What a call of an action gives: one promise layer, whatever the action returns; for those that stream, also items. */
export type ActionResult<Action> = Action extends (c: never, ...args: never) => infer Result
  ? CallOf<Awaited<Result>>
  : never;

type CallOf<Result> = unknown extends Result
  ? Promise<Result>
  : [Result] extends [never]
    ? Promise<Result>
    : [Result] extends [AsyncIterable<infer Item>]
      ? StreamCall<Item>
      : Promise<Result>;

type AnyAction = (c: never, ...args: never) => unknown;

/** An action tree as the caller sees it. Names in `Taken` belong to the handle itself; `then` would make it thenable. */
export type ActionMethods<Actions, Taken = never> = unknown extends Actions
  ? unknown
  : {
      readonly [Name in keyof Actions & string as Name extends Taken | "then"
        ? never
        : Name]: Actions[Name] extends AnyAction
        ? (...args: ActionArgs<Actions[Name]>) => ActionResult<Actions[Name]>
        : Actions[Name] extends object
          ? ActionMethods<Actions[Name]>
          : never;
    };

/** The dotted names of all actions in a tree. */
export type ActionName<Actions> = unknown extends Actions
  ? string
  : {
      [Name in keyof Actions & string]: Actions[Name] extends AnyAction
        ? Name
        : Actions[Name] extends object
          ? `${Name}.${ActionName<Actions[Name]>}`
          : never;
    }[keyof Actions & string];

/** The action with a dotted name. */
export type ActionAt<Actions, Name extends string> = unknown extends Actions
  ? (c: never, ...args: unknown[]) => unknown
  : Name extends keyof Actions
    ? Actions[Name]
    : Name extends `${infer Head}.${infer Rest}`
      ? Head extends keyof Actions
        ? ActionAt<Actions[Head], Rest>
        : never
      : never;

/** Options of a single connection, call or request. */
export interface ConnectOptions {
  /** As `gateway.skipReadyWait` of the client, for this one. */
  readonly skipReadyWait?: boolean;
}

/** Options of a single call. */
export interface CallOptions extends ConnectOptions {
  /** Gives up waiting and asks the server to cancel. The call may have run all the same. */
  readonly signal?: AbortSignal;
  /** As `retryTimeout` of the client, for this call. On connections of a client that has 0 there, nothing but 0 counts. */
  readonly retryTimeout?: number;
  /**
   * What this call is known by, from 1 to 256 bytes of UTF-8: as long as its actor keeps the answer, calls with the same
   * key run once, whoever makes them, for example a page that was reloaded. Whoever knows the key and the arguments can
   * read the answer, so it should be random. Rejects with `client.idempotency_unsupported` where the server has no such
   * thing.
   */
  readonly idempotencyKey?: string;
}

/** A call spelled out, whatever the definition. */
export interface Call extends CallOptions {
  readonly name: string;
  readonly args?: readonly unknown[];
}

/** A call spelled out, for `handle.action(...)` and `conn.action(...)`. */
export interface ActionCall<Name extends string, Args> extends CallOptions {
  /** The action's name; a nested one has dots: `admin.stats.get`. */
  readonly name: Name;
  /** The arguments without the context. */
  readonly args: Args;
}

/** As {@link ActionCall}, with `args` optional for actions that take none. */
export type ActionCallOf<Actions, Name extends string> =
  [] extends ActionArgs<ActionAt<Actions, Name>>
    ? Omit<ActionCall<Name, never>, "args"> & { readonly args?: ActionArgs<ActionAt<Actions, Name>> }
    : ActionCall<Name, ActionArgs<ActionAt<Actions, Name>>>;

/** How connection parameters reach the actor; `getParams` wins over `params`. */
export interface ParamsOptions<Params> {
  /** Sent with every call and connection. Serialized as JSON; the server allows 4 KiB. */
  readonly params?: Params;
  /** Called for every call and every new socket, for parameters that expire. */
  readonly getParams?: () => Params | Promise<Params>;
}

/** Options of `get` and `getForId`. */
export interface GetOptions<Definition> extends ParamsOptions<ParamsOf<Definition>>, ConnectOptions {
  /** Aborts calls made through this handle, and the waiting inside them. Connections live on. */
  readonly signal?: AbortSignal;
}

/** Options of `getOrCreate`. */
export interface GetOrCreateOptions<Definition> extends GetOptions<Definition> {
  /** Creation input, ignored if the actor exists already. At most 4 KiB as CBOR (`maxInputSize`). */
  readonly createWithInput?: InputOf<Definition>;
  /** Where to create the actor. A single server has one region and creates it there. */
  readonly createInRegion?: string;
  /** The pool to create it in; the client's `poolName` unless given. */
  readonly poolName?: string;
}

/** Options of `create`. */
export interface CreateOptions<Definition> extends GetOptions<Definition> {
  /** Creation input. */
  readonly input?: InputOf<Definition>;
  /** Where to create the actor. A single server has one region and creates it there. */
  readonly region?: string;
  /** The pool to create it in; the client's `poolName` unless given. */
  readonly poolName?: string;
}

/** Options of `list`. */
export interface ListOptions {
  /** Only actors whose keys begin with these parts. A string is one whole part, not the beginning of one. */
  readonly keyPrefix?: ActorKey;
  /** Most actors of one page, up to 1,000. Default 100. */
  readonly limit?: number;
  /** Where the page begins: the `cursor` of the one before. */
  readonly cursor?: string | undefined;
  /** Gives up waiting. */
  readonly signal?: AbortSignal;
}

/** One actor of a listing. */
export interface ListedActor {
  readonly actorId: string;
  readonly name: string;
  readonly key: readonly string[];
  /** When it was created, in milliseconds since 1970, if the server says so. */
  readonly createdAt: number | undefined;
}

/** One page of a listing. */
export interface ActorListing {
  readonly actors: readonly ListedActor[];
  /** Asks for the next page; `undefined` on the last one. */
  readonly cursor: string | undefined;
}

/**
 * What `create` takes: the key and options, which are needed if the definition needs input to begin with.
 *
 * `getOrCreate` asks for neither input nor parameters: an actor that exists needs no input, and parameters may be
 * given to `connect` instead.
 */
export type CreateArgs<Definition> =
  unknown extends InputOf<Definition>
    ? [key?: ActorKey, options?: CreateOptions<Definition>]
    : undefined extends InputOf<Definition>
      ? [key?: ActorKey, options?: CreateOptions<Definition>]
      : [
          key: ActorKey | undefined,
          options: CreateOptions<Definition> & { readonly input: InputOf<Definition> },
        ];

/**
 * `on`/`once` of a connection. With declared events, names and payloads are checked; without, any name goes,
 * and the handler's own annotations say what it expects.
 */
export type Listen<Events, Result = Unsubscribe> = [Events] extends [undefined]
  ? UncheckedListen<Result>
  : unknown extends Events
    ? UncheckedListen<Result>
    : <Name extends keyof Events & string>(
        event: Name,
        handler: (...args: Events[Name] extends readonly unknown[] ? Events[Name] : never) => void,
      ) => Result;

type UncheckedListen<Result> = <Args extends readonly unknown[] = readonly unknown[]>(
  event: string,
  handler: (...args: Args) => void,
) => Result;

/** Ends a subscription; calling it again does nothing. */
export type Unsubscribe = () => void;

/** The names of the declared queues, or any name when nothing is known. */
export type QueueName<Queues> = [Queues] extends [undefined]
  ? never
  : unknown extends Queues
    ? string
    : keyof Queues & string;

/** What a queue takes. */
export type QueueMessageOf<Queues, Name extends string> = unknown extends Queues
  ? unknown
  : Name extends keyof Queues
    ? Queues[Name] extends { readonly sent: infer Sent }
      ? Sent
      : unknown
    : never;

/** What completing a message of a queue gives back. */
export type QueueReplyOf<Queues, Name extends string> = unknown extends Queues
  ? unknown
  : Name extends keyof Queues
    ? Queues[Name] extends { readonly reply: infer Reply }
      ? Reply
      : unknown
    : never;

/** Options of `send`. */
export interface QueueSendOptions extends ConnectOptions {
  /** Wait until the message was completed. Default `false`: until it is stored. */
  readonly wait?: boolean;
  /** Longest time to wait for completion, in milliseconds. Default: the server's action timeout. */
  readonly timeout?: number;
  /** Gives up waiting; the message stays in the queue. */
  readonly signal?: AbortSignal;
}

/** The outcome of a `send` that waited. */
export type QueueOutcome<Reply> =
  | { readonly status: "completed"; readonly response?: Reply }
  | { readonly status: "timedOut"; readonly response?: undefined };

/**
 * Why events were missed for good: `expired`, the actor does not keep them any more; `unknown`, they were those of an
 * actor that is destroyed; `off`, the actor keeps none (`options.resume`); `too_large`, one is larger than what the
 * server sends; `slow`, this client did not read fast enough, and the actor leaves them out then.
 */
export type ResyncReason = "expired" | "unknown" | "off" | "too_large" | "slow";

/** Events were missed that nobody can tell any more. */
export interface Resync {
  readonly reason: ResyncReason;
  /** The number of the last event before those that are missing; absent where the actor keeps none. */
  readonly from?: number;
  /** The number of the last event that is missing. */
  readonly to?: number;
}
