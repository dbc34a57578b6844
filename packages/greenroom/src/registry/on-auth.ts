/** The stage before actors: who may come in from outside at all. */
import type { Register } from "./register.js";

/** What a request from outside is about to do. */
export type AuthIntent =
  /** Find an actor that exists. */
  | "get"
  /** Create an actor, at least if it does not exist. */
  | "create"
  /** Open a connection. */
  | "connect"
  /** Call an action without a connection. */
  | "action"
  /** Send an HTTP request to the actor. */
  | "request"
  /** Open a raw WebSocket to the actor. */
  | "websocket"
  /** Put a message into a queue. */
  | "publish"
  /** List actors. */
  | "list"
  /** Destroy an actor through the management API. */
  | "destroy"
  /** Put an actor to sleep through the management API. */
  | "sleep";

/** A request from outside that has not reached any actor yet. */
export interface AuthRequest {
  /** All that it is about to do: a call of a `getOrCreate` handle has `get`, `create` and `action`. */
  readonly intents: ReadonlySet<AuthIntent>;
  /**
   * The name of the actor's type. Undefined for a request that names its actor by id: finding out would take a look
   * into the store, which nobody gets who is not let in. Undefined for a listing of all types, too.
   */
  readonly name: string | undefined;
  /** The actor's key. Undefined where `name` is, and for listings. */
  readonly key: readonly string[] | undefined;
  /**
   * The actor's id, if that is how the request names it. Ids cannot be guessed: who has one was let in before, by name
   * and key, or was told by somebody.
   */
  readonly actorId: string | undefined;
  /** What the client passed as `params`, unchecked. */
  readonly params: unknown;
  /** The token that came with it: in the URL, in `x-rivet-token`, or as `Authorization: Bearer`. */
  readonly token: string | undefined;
  /** The address that it comes from, if that is known. See `trustProxy` for servers behind a proxy. */
  readonly remoteAddress: string | undefined;
  /** The HTTP request without its body, under the path that the actor would see. */
  readonly request: Request;
}

/** What `onAuth` gives, and connections have as `auth`. Unknown unless the program says so in {@link Register}. */
export type AuthData = Register extends { readonly auth: infer Auth } ? Auth : unknown;

/** See `RegistryConfig.onAuth`. */
export type OnAuth = (request: AuthRequest) => AuthData | Promise<AuthData>;
