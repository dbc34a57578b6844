import type { ConnStatus } from "../connection/connection.js";
import type { ActorError } from "../errors.js";
import type { ActorConn, ActorHandle } from "../surface.js";

/** What is known about an actor at one moment. A new object after each change, and the same one until then. */
export type ActorSnapshot<Definition> = ConnectedActor<Definition> | UnconnectedActor<Definition>;

/** There is a socket. */
export interface ConnectedActor<Definition> {
  readonly handle: ActorHandle<Definition>;
  readonly connection: ActorConn<Definition>;
  readonly connStatus: "connected";
  readonly isConnected: true;
  /** What went wrong since the socket opened without ending it: a refused subscription, say. */
  readonly error: ActorError | null;
  /** How often events were missed for good (`onResync`): what was read of the actor before should be read anew. */
  readonly resyncs: number;
}

/** There is no socket: not yet, not at present, or not at all. */
export interface UnconnectedActor<Definition> {
  /** For calls without a socket. `null` while nothing is asked for, and when the options cannot be used. */
  readonly handle: ActorHandle<Definition> | null;
  /** Takes calls, and sends them once there is a socket. `null` when there is no handle. */
  readonly connection: ActorConn<Definition> | null;
  /** `idle` while nothing is asked for, `disconnected` between two attempts. */
  readonly connStatus: Exclude<ConnStatus, "connected">;
  readonly isConnected: false;
  /** Why there is no socket, until there is one; `null` while nothing went wrong. */
  readonly error: ActorError | null;
  /** As while there is a socket. */
  readonly resyncs: number;
}

/** Nothing is asked for. */
export const IDLE: UnconnectedActor<never> = Object.freeze({
  handle: null,
  connection: null,
  connStatus: "idle",
  isConnected: false,
  error: null,
  resyncs: 0,
});
