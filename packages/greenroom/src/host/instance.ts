/** One life of an actor in memory, and what user code asks of it. */
import type { SaveStateOptions } from "../context/contexts.js";
import type { CompiledActor } from "../definition/actor.js";
import type { DurabilityCode } from "../definition/durability.js";
import { hookLabel } from "../definition/labels.js";
import { checkSchema } from "../definition/standard-schema.js";
import { Peers } from "../in-process/peers.js";
import type { Logger } from "../log.js";
import { Alarms } from "./alarms.js";
import { isThenable } from "./async.js";
import { type CallChain, linkOf } from "./call-chain.js";
import { Calls } from "./calls.js";
import type { RuntimeConn } from "./conn.js";
import { Connections } from "./connections.js";
import { HookContext } from "./context.js";
import { Exchanges } from "./exchanges.js";
import {
  asError,
  type Failure,
  failureOf,
  instanceGone,
  reentrantMutation,
  stateNotEnabled,
  varsNotEnabled,
} from "./failure.js";
import type { Host, HostServices } from "./host.js";
import { Inbox } from "./inbox.js";
import { type KvAnswer, RuntimeKv } from "./kv.js";
import { Lifecycle, type StartRecord } from "./lifecycle.js";
import type { OutputWriter } from "./output-writer.js";
import { Publishing } from "./publish.js";
import { Saves } from "./saves.js";
import { Sockets } from "./sockets.js";
import type { Owner } from "./strays.js";
import { Timers } from "./timers.js";
import { TurnLog, type TurnOwner } from "./turn.js";

/** The longest time that fits a record. */
const MAX_WAIT = 0x7fff_ffff;

const ON_STATE_CHANGE = hookLabel("onStateChange");

/** What an error is about. */
type Where = { readonly action: string } | { readonly hook: string } | { readonly queue: string };

/** See the top of the file. */
export class Instance implements TurnOwner {
  readonly id: number;
  readonly host: Host;
  readonly definition: CompiledActor;
  readonly actorId: string;
  readonly name: string;
  readonly key: string[];
  readonly connections: Connections;
  readonly calls: Calls;
  readonly turn: TurnLog;
  readonly life: Lifecycle;
  readonly alarms: Alarms;
  /** Whose code is run here. */
  readonly owner: Owner;
  #peers: Peers | undefined;
  #client: unknown;
  /** Whether the host has this on its list of instances to flush. */
  isListed = false;
  /** Nothing is handed over any more. */
  isDropped = false;
  #exchanges: Exchanges | undefined;
  #sockets: Sockets | undefined;
  #timers: Timers | undefined;
  #saves: Saves | undefined;
  #inbox: Inbox | undefined;
  #publishing: Publishing | undefined;
  #vars: { value: unknown } | undefined;
  #log: Logger | undefined;
  #kv: RuntimeKv | undefined;
  readonly #kvSize: number;
  #asked: "sleep" | "destroy" | undefined;
  #mustFlush = false;
  /** Whether the turn that the start was is closed: what it did to the state is no change to anybody. */
  #hasBegun = false;

  constructor(host: Host, id: number, definition: CompiledActor, record: StartRecord) {
    this.host = host;
    this.id = id;
    this.definition = definition;
    this.actorId = record.actorId;
    this.name = record.name;
    this.key = record.key;
    this.#kvSize = record.kvSize;
    this.owner = new ActorOwner(host.services, record);
    this.connections = new Connections(this);
    this.calls = new Calls(this);
    this.turn = new TurnLog(this);
    this.life = new Lifecycle(this);
    this.alarms = new Alarms(this);
  }

  // What contexts read and write.

  get services(): HostServices {
    return this.host.services;
  }

  get log(): Logger {
    this.#log ??= this.owner.log();
    return this.#log;
  }

  get state(): unknown {
    const { state } = this.turn;
    if (state === undefined) throw this.#noState();
    return state.root;
  }

  set state(value: unknown) {
    const { state } = this.turn;
    if (state === undefined) throw this.#noState();
    state.root = value;
  }

  get kv(): RuntimeKv {
    this.#kv ??= new RuntimeKv(this, this.#kvSize);
    return this.#kv;
  }

  // What most actors never have is made with the first use.

  get exchanges(): Exchanges {
    this.#exchanges ??= new Exchanges(this);
    return this.#exchanges;
  }

  get sockets(): Sockets {
    this.#sockets ??= new Sockets(this);
    return this.#sockets;
  }

  /** The timers of user code. */
  get timers(): Timers {
    this.#timers ??= new Timers(this);
    return this.#timers;
  }

  dropTimers(): void {
    this.#timers?.drop();
  }

  #noState(): Error {
    return this.isDropped ? instanceGone("the actor has stopped") : stateNotEnabled();
  }

  get vars(): unknown {
    if (this.#vars === undefined) throw varsNotEnabled();
    return this.#vars.value;
  }

  set vars(value: unknown) {
    if (this.#vars === undefined) throw varsNotEnabled();
    this.#vars.value = value;
  }

  /** Gives the actor its variables of this wake. */
  ownVars(value: unknown): void {
    this.#vars = { value };
  }

  /** The client of hooks, for calls of other actors. */
  get client(): unknown {
    this.#client ??= this.clientFor([linkOf(this, 0, "hook")]);
    return this.#client;
  }

  /** A client for calls of other actors. @param chain The calls that wait for them, outermost first. */
  clientFor(chain: CallChain): unknown {
    this.#peers ??= new Peers(this);
    return this.#peers.client(chain);
  }

  // Queues. Most actors have none.

  get inbox(): Inbox {
    this.#inbox ??= new Inbox(this);
    return this.#inbox;
  }

  get publishing(): Publishing {
    this.#publishing ??= new Publishing(this);
    return this.#publishing;
  }

  /** Whoever waits for this call has gone away. */
  cancelPublish(call: number): void {
    this.#publishing?.cancel(call);
  }

  /** The end begins. */
  stopQueues(): void {
    this.#inbox?.stop();
  }

  /** The end is there. */
  endQueues(): void {
    this.#inbox?.end();
  }

  // Durability and turns.

  get durability(): DurabilityCode {
    return this.definition.options.durability;
  }

  get isMixed(): boolean {
    return this.definition.hasMixedDurability;
  }

  get isUnstored(): boolean {
    return this.definition.isUnstored;
  }

  strictestInProgress(): DurabilityCode | undefined {
    const ofCalls = this.calls.strictest();
    if (this.#exchanges === undefined || this.#exchanges.size === 0) return ofCalls;
    return ofCalls === undefined || this.durability < ofCalls ? this.durability : ofCalls;
  }

  beginTurn(durability: DurabilityCode): void {
    if (this.life.phase !== "starting") this.turn.begin(durability, this.host.batch);
  }

  endTurn(durability: DurabilityCode): void {
    if (this.life.phase !== "starting") this.turn.end(durability, this.host.batch);
  }

  /** Runs user code that belongs to no action, up to its first `await`. @param label What it is. */
  run(label: number, work: () => unknown): unknown {
    const { durability } = this;
    this.beginTurn(durability);
    try {
      return this.host.desk.during(this.id, label, work);
    } finally {
      this.endTurn(durability);
    }
  }

  /** A start is one turn, so that a crash in the middle of it starts over; only a save asked for tears it apart. */
  get mayFlush(): boolean {
    return this.life.phase !== "starting" || this.#mustFlush;
  }

  /** Closes the open turn. */
  flush(): void {
    this.#mustFlush = false;
    this.life.wakefulness.tell();
    this.turn.close(this.host.batch);
    if (this.life.phase !== "starting") this.#hasBegun = true;
  }

  stateChanged(): void {
    const { onStateChange } = this.definition;
    const { state } = this.turn;
    if (onStateChange === undefined || state === undefined || !this.#hasBegun) return;
    const failed = (error: unknown): void => this.logHookError("onStateChange", error);
    try {
      const result = state.whileFrozen(reentrantMutation, () =>
        this.host.desk.during(this.id, ON_STATE_CHANGE, () =>
          onStateChange(new HookContext(this), state.root),
        ),
      );
      if (isThenable(result)) Promise.resolve(result).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  // Outputs.

  /** The open turn's outputs. The host will flush them. */
  outputs(): OutputWriter {
    if (this.isDropped) this.turn.outputs.clear();
    else this.host.touch(this);
    return this.turn.outputs;
  }

  /** Promises are under way: whatever waits to be flushed waits until they have had their turn. */
  defer(): void {
    this.host.defer();
  }

  reply(call: number, value: unknown, action: string): void {
    try {
      this.outputs().reply(call, value);
    } catch (error) {
      this.replyError(call, error, action);
    }
  }

  replyError(call: number, error: unknown, action: string): void {
    this.outputs().replyError(call, this.failure(error, { action }));
  }

  /** Answers the sender of a message that was not taken, or not completed. */
  refusePublish(call: number, error: unknown, queue: string): void {
    this.outputs().replyError(call, this.failure(error, { queue }));
  }

  /** An event's arguments as its schema wants them, if it has one. @throws TypeError */
  checkEvent(name: string, args: readonly unknown[]): readonly unknown[] {
    const schema = this.definition.events?.get(name)?.schema;
    if (schema === undefined) return args;
    if (args.length === 1) return [checkSchema(schema, args[0], `event '${name}'`)];
    return checkSchema(schema, args, `event '${name}'`) as readonly unknown[];
  }

  /** @param conn Absent for all subscribers. @throws TypeError if an argument cannot be sent. */
  sendEvent(conn: number | undefined, name: string, args: readonly unknown[]): void {
    if (typeof name !== "string") throw new TypeError("the name of an event has to be a string");
    const definition = this.definition.events?.get(name);
    const about = definition?.coalesceBy;
    this.outputs().event(conn, name, args, about && aboutWhat(name, about(...args)), definition?.mayDrop);
  }

  disconnect(conn: number, reason: string): void {
    this.outputs().disconnect(conn, String(reason));
  }

  connChanged(conn: RuntimeConn): void {
    this.turn.connChanged(conn);
    this.host.touch(this);
  }

  requestSleep(): void {
    if (this.#asked !== undefined) return;
    this.#asked = "sleep";
    this.outputs().sleep();
  }

  requestDestroy(): void {
    if (this.#asked === "destroy") return;
    this.#asked = "destroy";
    this.outputs().destroy();
  }

  async saveState(options: SaveStateOptions = {}): Promise<void> {
    const { immediate, maxWait } = options;
    if (maxWait !== undefined && !(typeof maxWait === "number" && maxWait >= 0)) {
      throw new TypeError("saveState option 'maxWait' has to be a number of milliseconds");
    }
    if (this.life.phase === "over") throw instanceGone("the actor has stopped before the state was stored");
    this.turn.storeWhole();
    if (immediate !== true) {
      const wait = maxWait ?? this.definition.options.stateSaveInterval;
      this.outputs().saveWithin(Math.min(Math.round(wait), MAX_WAIT));
      return;
    }
    this.#saves ??= new Saves();
    const { token, saved } = this.#saves.begin();
    this.flushSoon();
    this.outputs().save(token);
    await saved;
  }

  /** The addon reports a save as durable. */
  saved(token: number): void {
    this.defer();
    this.#saves?.done(token);
  }

  /** The core has answered a request of key-value pairs. */
  kvAnswered(token: number, answer: KvAnswer): void {
    this.defer();
    if (this.#kv !== undefined) RuntimeKv.answered(this.#kv, token, answer);
  }

  /** Something waits for an answer of the core, so even a start cannot wait for its end to be flushed. */
  flushSoon(): void {
    this.#mustFlush = true;
  }

  // Errors.

  /** What a caller gets to see of an error; the rest goes to the log. */
  failure(error: unknown, where: Where): Failure {
    return failureOf(error, { exposeErrors: this.services.exposeErrors, log: this.log, where });
  }

  logHookError(hook: string, error: unknown): void {
    this.log.error({ hook, error: asError(error) }, "a hook failed");
  }

  // The end.

  /** Frees what could keep the process or user code waiting. Nothing is handed over any more. */
  drop(): void {
    this.isDropped = true;
    this.#peers?.drop();
    this.life.drop();
    this.dropTimers();
    this.calls.drop();
    this.#exchanges?.drop();
    this.#sockets?.drop();
    this.#publishing?.drop();
    this.#inbox?.drop();
    this.#saves?.drop();
    if (this.#kv !== undefined) RuntimeKv.drop(this.#kv);
    this.turn.abandon();
  }
}

/** Whose code runs: what this begins may keep it for long, and with it no more than this. */
class ActorOwner implements Owner {
  readonly #services: HostServices;
  readonly #name: string;
  readonly #key: readonly string[];
  readonly #id: string;

  constructor(services: HostServices, { name, key, actorId }: StartRecord) {
    this.#services = services;
    this.#name = name;
    this.#key = key;
    this.#id = actorId;
  }

  get place(): string {
    return `${this.#name}/${this.#key.join("/")}`;
  }

  log(): Logger {
    return this.#services.logger({ actor: this.#name, key: this.#key.join("/"), actorId: this.#id });
  }
}

/** What an event is about, as text. @throws TypeError for what is neither a text nor a number. */
function aboutWhat(event: string, about: unknown): string {
  if (typeof about === "string") return about;
  if (typeof about === "number") return String(about);
  throw new TypeError(`coalesceBy of event '${event}' has to give a string or a number, not ${typeof about}`);
}
