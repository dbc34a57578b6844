import { StateTracker } from "../state/index.js";
import type { Client } from "./client.js";
import { connStateNotEnabled } from "./failure.js";
import type { Instance } from "./instance.js";

/** Where a connection is in its life. */
export type ConnPhase = "deciding" | "open" | "gone";

/**
 * A connection as user code sees it. One without a key is that of a stateless call: nobody is at its other end.
 */
export class RuntimeConn {
  readonly id: string;
  readonly params: unknown;
  readonly auth: unknown;
  readonly #instance: Instance;
  readonly #key: number | undefined;
  #state: StateTracker | undefined;
  #phase: ConnPhase = "deciding";
  #isSocket = false;
  #hibernates = true;

  constructor(instance: Instance, key: number | undefined, id: string, client: Client) {
    this.#instance = instance;
    this.#key = key;
    this.id = id;
    this.params = client.params;
    this.auth = client.auth;
  }

  get state(): unknown {
    if (this.#state === undefined) throw connStateNotEnabled();
    return this.#state.root;
  }

  set state(value: unknown) {
    if (this.#state === undefined) throw connStateNotEnabled();
    this.#state.root = value;
  }

  get isHibernatable(): boolean {
    return this.#key !== undefined && this.#hibernates;
  }

  /** Sends an event to this connection alone. */
  send(name: string, ...args: unknown[]): void {
    const checked = this.#instance.checkEvent(name, args);
    if (this.#isSocket) return;
    if (this.#key !== undefined && this.#phase !== "gone") this.#instance.sendEvent(this.#key, name, checked);
  }

  /** Closes the connection. What was sent before still arrives. */
  disconnect(reason = ""): Promise<void> {
    if (this.#key !== undefined && this.#phase === "open") this.#instance.disconnect(this.#key, reason);
    return Promise.resolve();
  }

  /** It is a raw WebSocket: its client knows no events. */
  static becomeSocket(conn: RuntimeConn, hibernates: boolean): void {
    conn.#isSocket = true;
    conn.#hibernates = hibernates;
  }

  /** The addon's handle. */
  static keyOf(conn: RuntimeConn): number | undefined {
    return conn.#key;
  }

  static phaseOf(conn: RuntimeConn): ConnPhase {
    return conn.#phase;
  }

  static setPhase(conn: RuntimeConn, phase: ConnPhase): void {
    conn.#phase = phase;
  }

  /** Gives the connection its first state. @throws TypeError naming the path of what cannot be stored. */
  static createState(conn: RuntimeConn, initial: unknown): void {
    RuntimeConn.#track(conn, StateTracker.create(initial, { name: "conn.state" }));
  }

  /** Gives the connection the state that it had when the actor went to sleep. */
  static loadState(conn: RuntimeConn, image: Uint8Array): void {
    RuntimeConn.#track(conn, StateTracker.load(image, { name: "conn.state" }));
  }

  /** The connection's state, if it has any. */
  static trackerOf(conn: RuntimeConn): StateTracker | undefined {
    return conn.#state;
  }

  static #track(conn: RuntimeConn, tracker: StateTracker): void {
    conn.#state = tracker;
    if (conn.#key === undefined) return;
    tracker.onChange = () => conn.#instance.connChanged(conn);
  }
}
