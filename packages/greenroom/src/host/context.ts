/** What user code gets as `c`, at run time. The interfaces in `context/` say what each hook may use of it. */
import { randomUUID } from "node:crypto";
import type { ActorTimer, SaveStateOptions } from "../context/contexts.js";
import type { Logger } from "../log.js";
import { type CallChain, type CallOrigin, linkOf } from "./call-chain.js";
import { Client } from "./client.js";
import type { RuntimeConn } from "./conn.js";
import { RuntimeCron } from "./cron.js";
import { aborted, databaseNotConfigured } from "./failure.js";
import type { Instance } from "./instance.js";
import type { RuntimeKv } from "./kv.js";
import { RuntimeQueue } from "./queue.js";
import { RuntimeSchedule } from "./schedule.js";

/** The context of hooks that are about the actor as a whole. */
export class HookContext {
  readonly #instance: Instance;
  #queue: RuntimeQueue | undefined;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  get actorId(): string {
    return this.#instance.actorId;
  }

  get name(): string {
    return this.#instance.name;
  }

  get key(): string[] {
    return this.#instance.key;
  }

  get region(): string {
    return this.#instance.services.region;
  }

  get log(): Logger {
    return this.#instance.log;
  }

  get state(): unknown {
    return this.#instance.state;
  }

  set state(value: unknown) {
    this.#instance.state = value;
  }

  get db(): never {
    throw databaseNotConfigured();
  }

  get kv(): RuntimeKv {
    return this.#instance.kv;
  }

  get vars(): unknown {
    return this.#instance.vars;
  }

  set vars(value: unknown) {
    this.#instance.vars = value;
  }

  get conns(): ReadonlyMap<string, RuntimeConn> {
    return this.#instance.connections.open;
  }

  get abortSignal(): AbortSignal {
    return this.#instance.life.signal;
  }

  get aborted(): boolean {
    return this.#instance.life.isStopping;
  }

  client(): unknown {
    return this.#instance.client;
  }

  broadcast(name: string, ...args: unknown[]): void {
    const instance = this.#instance;
    instance.sendEvent(undefined, name, instance.checkEvent(name, args));
  }

  get schedule(): RuntimeSchedule {
    return new RuntimeSchedule(this.#instance);
  }

  get cron(): RuntimeCron {
    return new RuntimeCron(this.#instance);
  }

  /** Whether what waits because of this context is no reason to stay awake. */
  protected get isRun(): boolean {
    return false;
  }

  get queue(): RuntimeQueue {
    this.#queue ??= new RuntimeQueue(this.#instance, this.isRun);
    return this.#queue;
  }

  saveState(options?: SaveStateOptions): Promise<void> {
    const saved = this.#instance.saveState(options);
    // Often nobody waits for it; then losing the instance is no reason to end the process.
    saved.catch(() => {});
    return saved;
  }

  keepAwake<T>(promise: PromiseLike<T>): Promise<T> {
    return this.#instance.life.keepAwake(promise);
  }

  waitUntil(promise: PromiseLike<unknown>): void {
    this.#instance.life.waitUntil(promise);
  }

  runInBackground(promise: PromiseLike<unknown>): void {
    this.#instance.life.waitUntil(promise);
  }

  setTimeout(callback: unknown, ms?: number, ...args: unknown[]): ActorTimer {
    return this.#instance.timers.timeout(callback, ms, args);
  }

  setInterval(callback: unknown, ms?: number, ...args: unknown[]): ActorTimer {
    return this.#instance.timers.interval(callback, ms, args);
  }

  clearTimeout(timer: ActorTimer | undefined): void {
    this.#instance.timers.clear(timer);
  }

  clearInterval(timer: ActorTimer | undefined): void {
    this.#instance.timers.clear(timer);
  }

  get preventSleep(): boolean {
    return false;
  }

  setPreventSleep(): void {
    this.#instance.log.debug(
      "`setPreventSleep` does nothing: use `keepAwake`, `run` or the option `noSleep`",
    );
  }

  sleep(): void {
    this.#instance.requestSleep();
  }

  destroy(): void {
    this.#instance.requestDestroy();
  }

  /** The queue of a context, if user code has asked for it. */
  protected static queueOf(context: HookContext): RuntimeQueue | undefined {
    return context.#queue;
  }

  /** The code that was given this context is over. */
  static end(context: HookContext): void {
    context.#queue?.end();
  }
}

/** The context of `run`. What only waits because of this one does not keep the actor awake. */
export class RunContext extends HookContext {
  protected override get isRun(): boolean {
    return true;
  }
}

/** The context of hooks that decide about a client. */
export class ConnInitContext extends HookContext {
  readonly #client: Client;

  constructor(instance: Instance, client: Client) {
    super(instance);
    this.#client = client;
  }

  get request(): Request | undefined {
    return this.#client.request;
  }

  get auth(): unknown {
    return this.#client.auth;
  }
}

const NO_ARGS: readonly unknown[] = [];

/** The context of hooks and actions that are about one connection. */
export class ConnContext extends HookContext {
  readonly #instance: Instance;
  #conn: RuntimeConn | undefined;
  readonly #client: Client;
  #abort: AbortController | undefined;
  #signal: AbortSignal | undefined;
  /** Why the call was given up. */
  #aborted: Error | undefined;
  #call: number | undefined;
  #action = "";
  #args: readonly unknown[] = NO_ARGS;
  #origin: CallOrigin | undefined;
  /** What the call calls others with. */
  #peer: unknown;

  /** @param client Whose `c.conn` a stateless call has, once somebody asks for it. */
  constructor(instance: Instance, conn: RuntimeConn | undefined, client = Client.unknown) {
    super(instance);
    this.#instance = instance;
    this.#conn = conn;
    this.#client = client;
  }

  get conn(): RuntimeConn | undefined {
    this.#conn ??= this.#instance.connections.short(randomUUID(), this.#client);
    return this.#conn;
  }

  override client(): unknown {
    if (this.#call === undefined) return super.client();
    this.#peer ??= this.#instance.clientFor(ConnContext.chainOf(this));
    return this.#peer;
  }

  override get abortSignal(): AbortSignal {
    if (this.#signal === undefined) {
      this.#abort = new AbortController();
      if (this.#aborted !== undefined) this.#abort.abort(this.#aborted);
      this.#signal = AbortSignal.any([this.#instance.life.signal, this.#abort.signal]);
    }
    return this.#signal;
  }

  override get aborted(): boolean {
    return this.#aborted !== undefined || super.aborted;
  }

  /** Says which call this context is for. */
  static begin(
    context: ConnContext,
    call: number,
    action: string,
    args: readonly unknown[],
    origin: CallOrigin,
  ): void {
    context.#call = call;
    context.#action = action;
    context.#args = args;
    context.#origin = origin;
  }

  /** The calls that wait for what this context's call calls, itself included. */
  static chainOf(context: ConnContext): CallChain {
    const call = context.#call;
    if (call === undefined) return [];
    return [...(context.#origin?.chain ?? []), linkOf(context.#instance, call, context.#action)];
  }

  /** Whether the caller can take a result that streams. */
  static takesStreams(context: ConnContext): boolean {
    return context.#origin?.takesStreams === true;
  }

  /** Whether the caller may come back for the answer if its connection is lost. */
  static isOnce(context: ConnContext): boolean {
    return context.#origin?.isOnce === true;
  }

  /** What the action was called with. */
  static argsOf(context: ConnContext): readonly unknown[] {
    return context.#args;
  }

  /** The connection, if there is one without asking for it. */
  static connOf(context: ConnContext): RuntimeConn | undefined {
    return context.#conn;
  }

  /** Fires the signal of this context alone. */
  static abort(context: ConnContext, reason: Error): void {
    context.#aborted = reason;
    context.#abort?.abort(reason);
    HookContext.queueOf(context)?.abort(aborted(reason.message));
  }
}

/** The context of `onRequest`. */
export class RequestContext extends ConnContext {
  readonly request: Request;
  readonly #signal: AbortSignal;

  /** @param signal Fires when the client has gone, and when the actor is about to stop. */
  constructor(
    instance: Instance,
    conn: RuntimeConn | undefined,
    client: Client,
    request: Request,
    signal: AbortSignal,
  ) {
    super(instance, conn, client);
    this.request = request;
    this.#signal = signal;
  }

  override get abortSignal(): AbortSignal {
    return this.#signal;
  }

  override get aborted(): boolean {
    return this.#signal.aborted;
  }
}

/** The context of `onWebSocket`. Its signal fires when the socket has ended, too. */
export class WebSocketContext extends ConnContext {
  readonly request: Request | undefined;

  constructor(instance: Instance, conn: RuntimeConn, client: Client, request: Request | undefined) {
    super(instance, conn, client);
    this.request = request;
  }
}

/** The context of an action that an alarm calls: there is no caller to have a connection. */
export class FiringContext extends ConnContext {
  constructor(instance: Instance) {
    super(instance, undefined);
  }

  override get conn(): undefined {
    return undefined;
  }
}
