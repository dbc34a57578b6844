/** The connections of one instance: how they are admitted, and what happens when they end. */
import { randomUUID } from "node:crypto";
import type { Source } from "../definition/actor.js";
import { hookLabel } from "../definition/labels.js";
import { isThenable, withDeadline } from "./async.js";
import { Client, type ClientRecord } from "./client.js";
import { RuntimeConn } from "./conn.js";
import { ConnContext, ConnInitContext } from "./context.js";
import { notConnected, websocketNotSupported } from "./failure.js";
import { askGuard } from "./guard.js";
import type { Instance } from "./instance.js";
import { validated } from "./validation.js";

const ON_BEFORE_CONNECT = hookLabel("onBeforeConnect");
const ON_CONNECT = hookLabel("onConnect");
const ON_DISCONNECT = hookLabel("onDisconnect");
const CREATE_CONN_STATE = hookLabel("createConnState");

/** A connection that outlived the previous instance. The byte fields are views into the batch. */
export interface RestoredConn {
  readonly key: number;
  readonly id: string;
  readonly isSocket: boolean;
  readonly client: ClientRecord;
  readonly state: Uint8Array | undefined;
}

/** The connections of one instance. Its tables are made with the first use: many actors never have a connection. */
export class Connections {
  /** Those that user code sees, by id. */
  #open: Map<string, RuntimeConn> | undefined;
  readonly #instance: Instance;
  #byKey: Map<number, RuntimeConn> | undefined;
  /** `onConnect` hooks under way. A connection's `onDisconnect` waits for its own. */
  #connecting: Map<RuntimeConn, Promise<void>> | undefined;
  /** Those whose parameters are being checked. */
  #checking: Set<number> | undefined;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** Those that user code sees, by id. */
  get open(): Map<string, RuntimeConn> {
    this.#open ??= new Map();
    return this.#open;
  }

  /** The connection with the addon's handle `key`, admitted or not. */
  get(key: number): RuntimeConn | undefined {
    return this.#byKey?.get(key);
  }

  /**
   * A client with the parameters that the schema makes of its own.
   *
   * @throws (or rejects with) HostError `actor.validation_error`
   */
  checked(client: Client): Client | PromiseLike<Client> {
    const { connParamsSchema, options } = this.#instance.definition;
    if (connParamsSchema === undefined) return client;
    const params = validated(connParamsSchema, client.params, "the connection parameters");
    if (!isThenable(params)) return client.withParams(params);
    this.#instance.defer();
    return withDeadline(
      this.#instance.host.clock,
      params,
      options.onBeforeConnectTimeout,
      "the check of the connection parameters",
    ).then((checked) => client.withParams(checked));
  }

  /** Takes over a connection that outlived the previous instance: later if its parameters take time to check. */
  restore(restored: RestoredConn): void | PromiseLike<void> {
    const { key, id, state, isSocket } = restored;
    const refuse = (error: unknown): void => {
      // What was good enough once is not any more: the actor has another schema.
      const { group, code } = this.#instance.failure(error, { hook: "connect" });
      this.#instance.disconnect(key, `${group}.${code}`);
    };
    try {
      // The bytes are read at once.
      const image = state?.slice();
      const client = this.checked(Client.read(restored.client));
      if (!isThenable(client)) return this.#takeOver(key, id, client, image, isSocket);
      this.#check(key);
      const takeOver = (checked: Client): void => {
        if (this.#checking?.delete(key)) this.#takeOver(key, id, checked, image, isSocket);
      };
      return client.then(takeOver).then(undefined, refuse);
    } catch (error) {
      refuse(error);
    }
  }

  #takeOver(key: number, id: string, client: Client, state: Uint8Array | undefined, isSocket: boolean): void {
    const conn = new RuntimeConn(this.#instance, key, id, client);
    const { connState } = this.#instance.definition;
    if (connState !== undefined) {
      if (state !== undefined) RuntimeConn.loadState(conn, state);
      // Its actor had no connection state when it was admitted.
      else RuntimeConn.createState(conn, "constant" in connState ? connState.constant : undefined);
    }
    this.#add(key, conn);
    this.#list(conn);
    if (!isSocket) return;
    RuntimeConn.becomeSocket(conn, true);
    this.#instance.sockets.restored(key, conn, client);
  }

  /** A connection for a stateless call whose actor decides nothing about connections. */
  short(id: string, client: Client): RuntimeConn {
    const conn = new RuntimeConn(this.#instance, undefined, id, client);
    const { connState } = this.#instance.definition;
    if (connState !== undefined && "constant" in connState) RuntimeConn.createState(conn, connState.constant);
    RuntimeConn.setPhase(conn, "open");
    return conn;
  }

  /**
   * Admits a client for as long as `work` takes, through the same hooks as a connection.
   *
   * @throws (as a rejection) what refuses it, and what `work` throws.
   */
  async visit(client: Client, work: (conn: RuntimeConn) => Promise<void>): Promise<void> {
    const instance = this.#instance;
    const conn = new RuntimeConn(instance, undefined, randomUUID(), client);
    await this.decide(conn, client);
    RuntimeConn.setPhase(conn, "open");
    try {
      await this.greet(conn);
      await work(conn);
    } finally {
      RuntimeConn.setPhase(conn, "gone");
      instance.life.track(this.farewell(conn));
    }
  }

  /** Decides about a client that wants to connect, and answers it. @param isSocket Whether with a raw WebSocket. */
  connect(key: number, id: string, record: ClientRecord, isSocket: boolean): void {
    if (isSocket && this.#instance.definition.onWebSocket === undefined) {
      this.#refuse(key, websocketNotSupported());
      return;
    }
    let client: Client | PromiseLike<Client>;
    try {
      client = this.checked(Client.read(record));
    } catch (error) {
      this.#refuse(key, error);
      return;
    }
    if (!isThenable(client)) {
      this.#introduce(key, id, client, isSocket);
      return;
    }
    this.#check(key);
    const introduced = Promise.resolve(client).then(
      (checked) => {
        // The client may have left meanwhile.
        if (this.#checking?.delete(key)) this.#introduce(key, id, checked, isSocket);
      },
      (error: unknown) => {
        if (this.#checking?.delete(key)) this.#refuse(key, error);
      },
    );
    this.#instance.life.waitFor(introduced);
  }

  #introduce(key: number, id: string, client: Client, isSocket: boolean): void {
    const instance = this.#instance;
    if (instance.isDropped) return;
    let conn: RuntimeConn;
    let decided: void | Promise<void>;
    try {
      conn = new RuntimeConn(instance, key, id, client);
      this.#add(key, conn);
      decided = this.decide(conn, client);
    } catch (error) {
      this.#refuse(key, error);
      return;
    }
    const admit = (): void => (isSocket ? this.#admitSocket(conn, key, client) : this.#admit(conn, key));
    if (decided === undefined) {
      admit();
      return;
    }
    instance.life.waitFor(decided.then(admit, (error: unknown) => this.#refuse(key, error)));
  }

  /**
   * Runs `onBeforeConnect` and `createConnState`.
   *
   * @throws (or rejects with) what the hooks throw.
   */
  decide(conn: RuntimeConn, client: Client): void | Promise<void> {
    const failed = (error: unknown): never => {
      this.#noteMissingParams(conn, error);
      throw error;
    };
    try {
      return this.#decide(conn, client)?.catch(failed);
    } catch (error) {
      return failed(error);
    }
  }

  /** A hook that reads parameters which were not sent fails in a way that says little about that. */
  #noteMissingParams(conn: RuntimeConn, error: unknown): void {
    if (conn.params !== undefined || !(error instanceof TypeError) || !/undefined/.test(error.message))
      return;
    this.#instance.log.warn(
      { error },
      "a connection failed that has no params: if the hook reads them, the client has to send them " +
        "(`client.name.getOrCreate(key, { params })`)",
    );
  }

  #decide(conn: RuntimeConn, client: Client): void | Promise<void> {
    const { definition } = this.#instance;
    if (definition.onBeforeConnect !== undefined) {
      const context = new ConnInitContext(this.#instance, client);
      const result = this.#instance.run(ON_BEFORE_CONNECT, () =>
        definition.onBeforeConnect?.(context, conn.params),
      );
      if (isThenable(result)) {
        const { onBeforeConnectTimeout } = definition.options;
        this.#instance.defer();
        return withDeadline(
          this.#instance.host.clock,
          result,
          onBeforeConnectTimeout,
          "onBeforeConnect",
        ).then(() => this.#makeState(conn, client));
      }
    }
    return this.#makeState(conn, client);
  }

  /** Runs `onConnect`. @throws (or rejects with) what it throws. */
  greet(conn: RuntimeConn): void | Promise<void> {
    const { onConnect, options } = this.#instance.definition;
    if (onConnect === undefined) return;
    const context = new ConnContext(this.#instance, conn);
    const result = this.#instance.run(ON_CONNECT, () => onConnect(context, conn));
    if (!isThenable(result)) return;
    this.#instance.defer();
    return withDeadline(this.#instance.host.clock, result, options.onConnectTimeout, "onConnect").then(
      () => {},
    );
  }

  /** Runs `onDisconnect`; errors are logged. */
  farewell(conn: RuntimeConn): void | Promise<void> {
    const { onDisconnect } = this.#instance.definition;
    if (onDisconnect === undefined || this.#instance.isDropped) return;
    const context = new ConnContext(this.#instance, conn);
    const failed = (error: unknown): void => this.#instance.logHookError("onDisconnect", error);
    try {
      const result = this.#instance.run(ON_DISCONNECT, () => onDisconnect(context, conn));
      if (!isThenable(result)) return;
      this.#instance.defer();
      return Promise.resolve(result).then(() => {}, failed);
    } catch (error) {
      failed(error);
    }
  }

  /** Decides whether a connection may hear a guarded event, and answers. */
  subscribe(key: number, ticket: number, event: string): void {
    const instance = this.#instance;
    const allow = (): void => instance.outputs().subscribe(key, ticket);
    const refuse = (error: unknown): void => {
      const failure = instance.failure(error, { hook: "canSubscribe" });
      instance.outputs().refuseSubscription(key, ticket, failure);
    };
    try {
      const decided = this.#maySubscribe(key, event);
      if (decided === undefined) allow();
      else instance.life.track(decided.then(allow, refuse));
    } catch (error) {
      refuse(error);
    }
  }

  #maySubscribe(key: number, event: string): void | Promise<void> {
    const guard = this.#instance.definition.events?.get(event)?.canSubscribe;
    if (guard === undefined) return;
    const conn = this.get(key);
    if (conn === undefined || RuntimeConn.phaseOf(conn) !== "open") throw notConnected();
    const context = new ConnContext(this.#instance, conn);
    return askGuard(this.#instance, guard, context, "canSubscribe", `subscribing to the event \`${event}\``);
  }

  /** A connection is gone. */
  disconnected(key: number): void {
    this.#checking?.delete(key);
    const conn = this.get(key);
    if (conn === undefined) return;
    this.#byKey?.delete(key);
    const wasOpen = RuntimeConn.phaseOf(conn) === "open";
    RuntimeConn.setPhase(conn, "gone");
    if (!wasOpen) return;
    this.open.delete(conn.id);
    this.#instance.calls.callerGone(conn);
    const connecting = this.#connecting?.get(conn);
    if (connecting === undefined) this.#instance.life.track(this.farewell(conn));
    else this.#instance.life.track(connecting.then(() => this.farewell(conn)));
  }

  /** The actor is no more: whoever is connected is not any longer. */
  endAll(): void {
    for (const [key, conn] of this.#byKey ?? [])
      if (RuntimeConn.phaseOf(conn) === "open") this.disconnected(key);
  }

  #makeState(conn: RuntimeConn, client: Client): void | Promise<void> {
    const { definition } = this.#instance;
    const source = definition.connState;
    if (source === undefined || this.#instance.isDropped) return;
    const state = this.#stateFrom(source, conn, client);
    if (!isThenable(state)) {
      RuntimeConn.createState(conn, state);
      return;
    }
    this.#instance.defer();
    return withDeadline(
      this.#instance.host.clock,
      state,
      definition.options.createConnStateTimeout,
      "createConnState",
    ).then((made) => RuntimeConn.createState(conn, made));
  }

  #stateFrom(source: Source, conn: RuntimeConn, client: Client): unknown {
    if ("constant" in source) return source.constant;
    const context = new ConnInitContext(this.#instance, client);
    return this.#instance.run(CREATE_CONN_STATE, () => source.create(context, conn.params));
  }

  #admitSocket(conn: RuntimeConn, key: number, client: Client): void {
    const instance = this.#instance;
    if (RuntimeConn.phaseOf(conn) === "gone" || instance.isDropped) return;
    let hibernates: boolean;
    try {
      hibernates = this.#mayHibernate(client);
    } catch (error) {
      this.#refuse(key, error);
      return;
    }
    RuntimeConn.becomeSocket(conn, hibernates);
    instance.sockets.admitted(key, conn, client);
    instance.outputs().acceptSocket(key, hibernates);
    this.#welcome(conn, key, () => instance.sockets.start(key));
  }

  #mayHibernate(client: Client): boolean {
    const { canHibernateWebSocket } = this.#instance.definition.options;
    if (typeof canHibernateWebSocket === "boolean") return canHibernateWebSocket;
    return canHibernateWebSocket(client.makeRequest({})) === true;
  }

  #admit(conn: RuntimeConn, key: number): void {
    // The client may have left while the actor was deciding, or the actor may be gone.
    if (RuntimeConn.phaseOf(conn) === "gone" || this.#instance.isDropped) return;
    this.#instance.outputs().accept(key);
    this.#welcome(conn, key);
  }

  /** Lists a connection and runs `onConnect`. @param welcomed Called once that is through. */
  #welcome(conn: RuntimeConn, key: number, welcomed: () => void = () => {}): void {
    const instance = this.#instance;
    this.#list(conn);
    if (RuntimeConn.trackerOf(conn) !== undefined) instance.connChanged(conn);
    const drop = (error: unknown): void => {
      const { group, code } = instance.failure(error, { hook: "onConnect" });
      instance.disconnect(key, `${group}.${code}`);
    };
    try {
      const greeted = this.greet(conn);
      if (greeted === undefined) {
        welcomed();
        return;
      }
      const connecting = greeted.then(welcomed, drop).then(() => {
        this.#connecting?.delete(conn);
      });
      this.#connecting ??= new Map();
      this.#connecting.set(conn, connecting);
      instance.life.track(connecting);
    } catch (error) {
      drop(error);
    }
  }

  #refuse(key: number, error: unknown): void {
    const conn = this.get(key);
    this.#byKey?.delete(key);
    if (conn !== undefined && RuntimeConn.phaseOf(conn) === "gone") return;
    if (conn !== undefined) RuntimeConn.setPhase(conn, "gone");
    this.#instance.outputs().reject(key, this.#instance.failure(error, { hook: "connect" }));
  }

  #check(key: number): void {
    this.#checking ??= new Set();
    this.#checking.add(key);
  }

  #add(key: number, conn: RuntimeConn): void {
    this.#byKey ??= new Map();
    this.#byKey.set(key, conn);
  }

  #list(conn: RuntimeConn): void {
    RuntimeConn.setPhase(conn, "open");
    this.open.set(conn.id, conn);
  }
}
