import type { AuthData } from "../registry/on-auth.js";

/** Sends an event: with declared events, its name and payload are checked; without, any name goes. */
export type SendEvent<Events> = [Events] extends [undefined]
  ? (name: string, ...args: unknown[]) => void
  : <Name extends keyof Events & string>(
      name: Name,
      ...args: Events[Name] extends readonly unknown[] ? Events[Name] : never
    ) => void;

/**
 * A connection of a client to an actor.
 *
 * A stateless call has one too, for as long as the call takes: it is not listed in `c.conns`, and there is nobody
 * at its other end, so that `send` and `disconnect` do nothing.
 */
export interface Conn<Params = unknown, ConnState = undefined, Events = undefined> {
  /** Unique among all connections of the actor, past ones included. */
  readonly id: string;
  /** What the client passed as `params`. */
  readonly params: Params;
  /**
   * What `onAuth` of the registry gave. Undefined if there is no `onAuth`, and for callers that it is not asked about:
   * other actors and the program itself.
   */
  readonly auth: AuthData | undefined;
  /**
   * The connection's own state; writes are kept for as long as the connection lives, also while the actor sleeps.
   *
   * @throws ActorError `actor.conn_state_not_enabled` if the definition has neither `connState` nor `createConnState`.
   */
  state: ConnState;
  /** Whether the connection stays open while the actor sleeps. */
  readonly isHibernatable: boolean;
  /** Sends an event to this connection alone, whether it subscribed to it or not. */
  readonly send: SendEvent<Events>;
  /** Closes the connection; the client sees `reason`. */
  disconnect(reason?: string): Promise<void>;
}
