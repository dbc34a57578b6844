/**
 * What users hold: the client, handles and connections, as types over a definition.
 */
import type { CloseEvent, ConnStatus } from "./connection/connection.js";
import type { ActorError } from "./errors.js";
import type {
  ActionAt,
  ActionCallOf,
  ActionMethods,
  ActionName,
  ActionResult,
  ActionsOf,
  ActorKey,
  ActorListing,
  ActorsOf,
  ConnectOptions,
  CreateArgs,
  EventsOf,
  GetOptions,
  GetOrCreateOptions,
  Listen,
  ListOptions,
  ParamsOf,
  QueueMessageOf,
  QueueName,
  QueueOutcome,
  QueueReplyOf,
  QueueSendOptions,
  QueuesOf,
  Resync,
  UntypedActor,
} from "./types.js";

/** What every handle can do, whatever its actor's actions are. */
export interface HandleMethods<Definition> {
  /** Calls an action by its dotted name. */
  action<Name extends ActionName<ActionsOf<Definition>>>(
    call: ActionCallOf<ActionsOf<Definition>, Name>,
  ): ActionResult<ActionAt<ActionsOf<Definition>, Name>>;
  /**
   * Opens a connection, in the background.
   *
   * @param params connection parameters, instead of those of the handle.
   */
  connect(params?: ParamsOf<Definition>, options?: ConnectOptions): ActorConn<Definition>;
  /** Puts a message into a queue of the actor. With `wait`, resolves when it was completed or the time is up. */
  send<Name extends QueueName<QueuesOf<Definition>>>(
    queue: Name,
    body: QueueMessageOf<QueuesOf<Definition>, Name>,
    options: QueueSendOptions & { readonly wait: true },
  ): Promise<QueueOutcome<QueueReplyOf<QueuesOf<Definition>, Name>>>;
  send<Name extends QueueName<QueuesOf<Definition>>>(
    queue: Name,
    body: QueueMessageOf<QueuesOf<Definition>, Name>,
    options?: QueueSendOptions,
  ): Promise<void>;
  /** The actor's id. Creates the actor if the handle may; otherwise rejects with `actor.not_found`. */
  resolve(): Promise<string>;
  /**
   * Ends the actor's present instance as if it went to sleep; the next message starts it afresh. Rejects with
   * `actor.not_found` if there is none. Needs what the lookup API needs of callers.
   */
  reload(): Promise<void>;
  /** The URL under which the server reaches this actor; append `/request/...` after its path for raw HTTP. */
  getGatewayUrl(): Promise<string>;
  /**
   * Sends a request to the actor's `onRequest`. Answers come back as they are, whatever their status.
   *
   * @param input a path in the actor; of a URL or `Request`, path and query count.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /**
   * Opens a WebSocket to the actor's `onWebSocket`; resolves when it is open.
   *
   * @param path in the actor, default `/`
   * @param protocols subprotocols that the actor sees in the headers of its request
   */
  webSocket(path?: string, protocols?: string | readonly string[]): Promise<WebSocket>;
}

/** Calls an actor by single requests. Holds no resources; never look up anything until it is used. */
export type ActorHandle<Definition> = HandleMethods<Definition> &
  ActionMethods<ActionsOf<Definition>, keyof HandleMethods<Definition>>;

/** What every connection can do, whatever its actor's actions are. */
export interface ConnMethods<Definition> {
  /** Calls an action by its dotted name. */
  action<Name extends ActionName<ActionsOf<Definition>>>(
    call: ActionCallOf<ActionsOf<Definition>, Name>,
  ): ActionResult<ActionAt<ActionsOf<Definition>, Name>>;
  /** As {@link HandleMethods.send}. Messages travel by HTTP, not on this connection. */
  readonly send: HandleMethods<Definition>["send"];
  /** Subscribes to an event. */
  readonly on: Listen<EventsOf<Definition>>;
  /** Subscribes to the next event of a name. */
  readonly once: Listen<EventsOf<Definition>>;
  /** Called each time a socket is ready. */
  onOpen(listener: () => void): () => void;
  /** Called each time a socket that was ready closes. */
  onClose(listener: (event: CloseEvent) => void): () => void;
  /** Called for refusals, failed attempts, and errors that belong to no call. */
  onError(listener: (error: ActorError) => void): () => void;
  /**
   * Called when events were missed that nobody can tell any more, once the connection is open again and before the
   * events that follow: read anew what they told of. An actor with `options.resume` tells most of them instead.
   */
  onResync(listener: (resync: Resync) => void): () => void;
  /** Called after each change of `connStatus`. */
  onStatusChange(listener: (status: ConnStatus) => void): () => void;
  readonly connStatus: ConnStatus;
  /** Whether `connStatus` is `connected`. */
  readonly isConnected: boolean;
  /** Resolves when a socket is ready; rejects when the server refuses, and when the connection is disposed. */
  readonly ready: Promise<void>;
  /** Known once the first socket is ready. */
  readonly actorId: string | undefined;
  /** The id of the present or last socket's connection. */
  readonly connectionId: string | undefined;
  /** The same as `connectionId`. */
  readonly connId: string | undefined;
  /** Closes for good. Calls without outcome reject with `ActorConnDisposed`. Resolves when the socket is closed. */
  dispose(): Promise<void>;
}

/** A lasting connection to an actor: calls and events over one socket, renewed as needed. */
export type ActorConn<Definition> = ConnMethods<Definition> &
  ActionMethods<ActionsOf<Definition>, keyof ConnMethods<Definition>>;

/** Makes handles for the actors of one name. */
export interface ActorAccessor<Definition> {
  /** A handle to an existing actor. Its use fails with `actor.not_found` while there is none. */
  get(key?: ActorKey, options?: GetOptions<Definition>): ActorHandle<Definition>;
  /** A handle whose use creates the actor if there is none. */
  getOrCreate(key?: ActorKey, options?: GetOrCreateOptions<Definition>): ActorHandle<Definition>;
  /** Creates the actor; rejects with `actor.duplicate_key` if there is one. The handle means this actor only. */
  create(...args: CreateArgs<Definition>): Promise<ActorHandle<Definition>>;
  /** A handle to the actor with this id, and to no later one with the same key. */
  getForId(actorId: string, options?: GetOptions<Definition>): ActorHandle<Definition>;
  /** One page of the actors, in the order of their keys. A server that has tokens lists for those who have one. */
  list(options?: ListOptions): Promise<ActorListing>;
}

/** The definition that a registry has under a name; an untyped one for other names. */
export type DefinitionNamed<Registry, Name extends string> = Name extends keyof ActorsOf<Registry>
  ? ActorsOf<Registry>[Name]
  : UntypedActor;

/** What the client itself can do. An actor of such a name is reached by these methods only. */
export interface ClientMethods<Registry> {
  /** As {@link ActorAccessor.get}, with the actor's name as a value. */
  get<Name extends string>(
    name: Name,
    key?: ActorKey,
    options?: GetOptions<DefinitionNamed<Registry, Name>>,
  ): ActorHandle<DefinitionNamed<Registry, Name>>;
  /** As {@link ActorAccessor.getOrCreate}, with the actor's name as a value. */
  getOrCreate<Name extends string>(
    name: Name,
    key?: ActorKey,
    options?: GetOrCreateOptions<DefinitionNamed<Registry, Name>>,
  ): ActorHandle<DefinitionNamed<Registry, Name>>;
  /** As {@link ActorAccessor.create}, with the actor's name as a value. */
  create<Name extends string>(
    name: Name,
    ...args: CreateArgs<DefinitionNamed<Registry, Name>>
  ): Promise<ActorHandle<DefinitionNamed<Registry, Name>>>;
  /** As {@link ActorAccessor.getForId}, with the actor's name as a value. */
  getForId<Name extends string>(
    name: Name,
    actorId: string,
    options?: GetOptions<DefinitionNamed<Registry, Name>>,
  ): ActorHandle<DefinitionNamed<Registry, Name>>;
  /** As {@link ActorAccessor.list}, with the actors' name as a value. */
  list(name: string, options?: ListOptions): Promise<ActorListing>;
  /** Disposes every connection made through this client. Later calls and connections are refused. */
  dispose(): Promise<void>;
}

/** A client for the actors of a registry. `list` is a method and may be an actor as well. */
export type Client<Registry> = ClientMethods<Registry> & {
  readonly [Name in keyof ActorsOf<Registry> & string as Name extends Exclude<
    keyof ClientMethods<Registry>,
    "list"
  >
    ? never
    : Name]: ActorAccessor<ActorsOf<Registry>[Name]>;
};
