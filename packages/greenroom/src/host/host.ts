/**
 * Runs the actors of one registry for the native core.
 *
 * The core calls `wake` when events wait. The host then takes and handles all of them in one go, and hands back what
 * they produced. If promises are under way, the hand-over waits until the current microtasks are done, so that the
 * changes of an action and its reply stay in one turn; what is produced outside of a wake is handed over in the same
 * way.
 *
 * What events set off happens before anything that may be a consequence of their outputs: an event that comes when
 * outputs have been handed over is handled once all microtasks are done. A client that has the reply to a call would
 * otherwise overtake the promises that the call has resolved.
 */
import { ByteWriter } from "@greenroom/client/codec";
import type { CompiledActor } from "../definition/actor.js";
import { Requests } from "../in-process/requests.js";
import type { Logger } from "../log.js";
import type { MessageRecord } from "../queue/message.js";
import type { OnAuth } from "../registry/on-auth.js";
import type { AlarmRecord } from "../schedule/alarm.js";
import { BatchReader } from "./batch-reader.js";
import { type Clock, systemClock } from "./clock.js";
import type { RestoredConn } from "./connections.js";
import { Desk } from "./desk.js";
import { Doorman } from "./doorman.js";
import { Instance } from "./instance.js";
import type { KvAnswer } from "./kv.js";
import type { StartRecord } from "./lifecycle.js";
import { OutputWriter } from "./output-writer.js";
import type { PendingCall } from "./pending-call.js";
import { EventKind, KvResult, REGISTRY, type StopReason } from "./records.js";
import { type Owner, runAs, type StraySource } from "./strays.js";

/** The part of the addon's registry that the host talks to. */
export interface Exchange {
  /** Hands over turns, and takes the events that wait. */
  exchange(outgoing: Uint8Array | null): Uint8Array | null;
  /** Memory in which this thread says what it is at. */
  desk?(labels: string[]): Uint32Array;
  /** Whether the registry is about to end, for threads that are not told. */
  isEnding?(): boolean;
}

/** What the host needs from its registry. */
export interface HostServices {
  readonly actors: ReadonlyMap<string, CompiledActor>;
  /** A log whose entries all have the fields of `bound`. */
  logger(bound: object): Logger;
  readonly log: Logger;
  /** Show the messages of masked errors. */
  readonly exposeErrors: boolean;
  /** The namespace that the server answers to. */
  readonly namespace: string;
  /** The region that the server is in. */
  readonly region: string;
  /** Default: the time of the machine. */
  readonly clock?: Clock;
  /** Decides about requests from outside. */
  readonly onAuth?: OnAuth | undefined;
  /** The longest time that it may take, in milliseconds. */
  readonly onAuthTimeout: number;
}

/** A batch buffer that grew beyond this many bytes is not kept. */
const KEPT_BYTES = 1024 * 1024;
const INITIAL_BYTES = 16 * 1024;

/** Looked up once: tests that put fake timers in its place mean those of the program. */
const immediately = globalThis.setImmediate;

/** See the top of the file. */
export class Host implements StraySource {
  readonly services: HostServices;
  /** What the timers of actors go by. */
  readonly clock: Clock;
  /** Where this thread says what it is at. */
  readonly desk: Desk;
  /** Requests of this process to the server in it. */
  readonly requests = new Requests(this);
  readonly #registryOutputs = new OutputWriter();
  readonly #doorman: Doorman;
  readonly #native: Exchange;
  readonly #instances = new Map<number, Instance>();
  #batch = new ByteWriter(INITIAL_BYTES);
  /** Instances that may have something to hand over. */
  #listed: Instance[] = [];
  /** Events that came when outputs were handed over. */
  #held: Uint8Array | null = null;
  /** Calls whose clock starts at the next flush, if they are not over by then. */
  #unarmed: PendingCall[] = [];
  #isDraining = false;
  #isDeferred = false;
  #isScheduled = false;
  #isClosed = false;
  #crossings = 0;

  constructor(native: Exchange, services: HostServices) {
    this.#native = native;
    this.services = services;
    this.desk = new Desk(native);
    this.clock = services.clock ?? systemClock;
    this.#doorman = new Doorman(services, this.clock, () => this.registryOutputs());
  }

  /** Events wait. */
  readonly wake = (): void => this.#drain();

  /** How often something has crossed to or from the core. */
  get crossings(): number {
    return this.#crossings;
  }

  /** Turns are appended to this. */
  get batch(): ByteWriter {
    return this.#batch;
  }

  /** How many actors are awake. */
  get size(): number {
    return this.#instances.size;
  }

  /** Whether the registry is about to end. */
  isEnding(): boolean {
    return this.#native.isEnding?.() === true;
  }

  get log(): Logger {
    return this.services.log;
  }

  /** Whose code may be running, or what follows from it; empty if it is other code. */
  suspects(): readonly Owner[] {
    const found = [...this.desk.suspects()].map((id) => this.#instances.get(id)?.owner);
    return found.filter((owner) => owner !== undefined);
  }

  /** `instance` has something to hand over. */
  touch(instance: Instance): void {
    if (instance.isListed || instance.isDropped) return;
    instance.isListed = true;
    this.#listed.push(instance);
    if (!this.#isDraining) this.#schedule();
  }

  /** Outputs that belong to no actor. They leave with the next flush, after those of actors. */
  registryOutputs(): OutputWriter {
    if (!this.#isDraining) this.#schedule();
    return this.#registryOutputs;
  }

  /** Promises are under way. */
  defer(): void {
    this.#isDeferred = true;
    if (!this.#isDraining) this.#schedule();
  }

  /** Starts the clock of a call at the next flush: most are over by then. */
  armLater(call: PendingCall): void {
    this.#unarmed.push(call);
  }

  /** Forgets all instances. Nothing is exchanged any more. */
  close(): void {
    // The last answers. The core is at its end, so they do not lead to others.
    do this.#drain();
    while (this.#held !== null);
    this.abandon();
  }

  /** The same at once: what waits to be handed over is lost. */
  abandon(): void {
    this.#isClosed = true;
    for (const instance of this.#instances.values()) instance.drop();
    this.#instances.clear();
    this.requests.close();
    this.#listed = [];
    this.#held = null;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    // Runs once all microtasks are done, and leaves room for timers and sockets. Whoever has asked for it, what
    // comes then is for all.
    runAs(undefined, () => immediately(this.#onImmediate));
  }

  readonly #onImmediate = (): void => {
    this.#isScheduled = false;
    this.#drain();
  };

  /** Always begins with no microtask left of what was handled before. */
  #drain(): void {
    if (this.#isClosed || this.#isDraining) return;
    this.#isDraining = true;
    this.#isDeferred = false;
    let isDone = false;
    this.desk.tellHeap();
    try {
      const events = this.#held ?? this.#exchange();
      this.#held = null;
      if (events !== null) {
        this.#dispatch(events);
        this.desk.leave();
        // Asks for more as well: a wake that found events held has announced others.
        if (!this.#isDeferred) this.#held = this.#exchange();
      } else {
        this.desk.idle();
      }
      isDone = !this.#isDeferred && this.#held === null && !this.#hasOutputs;
    } finally {
      this.#isDraining = false;
      if (!isDone) this.#schedule();
    }
  }

  get #hasOutputs(): boolean {
    return this.#listed.length > 0 || !this.#registryOutputs.isEmpty;
  }

  #exchange(): Uint8Array | null {
    this.#flush();
    const batch = this.#batch;
    const { length } = batch;
    if (length > KEPT_BYTES) this.#batch = new ByteWriter(INITIAL_BYTES);
    try {
      const events = this.#native.exchange(length === 0 ? null : batch.view());
      if (length > 0 || events !== null) this.#crossings++;
      return events;
    } finally {
      batch.reset();
    }
  }

  #flush(): void {
    for (const call of this.#unarmed) call.arm();
    this.#unarmed.length = 0;
    this.#flushInstances();
    if (!this.#registryOutputs.isEmpty) this.#flushRegistry();
  }

  #flushInstances(): void {
    const listed = this.#listed;
    if (listed.length === 0) return;
    this.#listed = [];
    // Closing a turn runs `onStateChange`, which may list more.
    for (const instance of listed) {
      instance.isListed = false;
      if (instance.mayFlush && !instance.isDropped) instance.flush();
      if (instance.life.phase === "over") this.#forget(instance);
    }
  }

  #flushRegistry(): void {
    const batch = this.#batch;
    batch.u32le(REGISTRY);
    batch.u8(0);
    batch.u32le(0);
    this.#registryOutputs.moveTo(batch);
  }

  #forget(instance: Instance): void {
    if (this.#instances.get(instance.id) === instance) this.#instances.delete(instance.id);
    instance.drop();
  }

  #dispatch(events: Uint8Array): void {
    const { desk } = this;
    const reader = new BatchReader(events);
    while (!reader.atEnd) {
      const kind = reader.u8();
      const id = reader.u32();
      desk.enter(id, kind);
      runAs(this.#instances.get(id)?.owner, this.#handle, kind, id, reader);
    }
  }

  /** Reads one event whole, whether its instance still exists or not, and handles it. */
  readonly #handle = (kind: number, id: number, reader: BatchReader): void => {
    const instance = this.#instances.get(id);
    switch (kind) {
      case EventKind.start:
        this.#start(id, readStart(reader));
        return;
      case EventKind.call: {
        const record = {
          call: reader.u32(),
          conn: reader.u32(),
          name: reader.str(),
          flags: reader.u8(),
          client: reader.client(),
          args: reader.bytes(),
        };
        instance?.calls.begin(record);
        return;
      }
      case EventKind.cancel: {
        const call = reader.u32();
        instance?.calls.cancel(call);
        instance?.exchanges.cancel(call);
        instance?.cancelPublish(call);
        return;
      }
      case EventKind.credit: {
        const call = reader.u32();
        const items = reader.u32();
        instance?.calls.credit(call, items);
        return;
      }
      case EventKind.connect: {
        const conn = reader.u32();
        const connId = reader.str();
        const client = reader.client();
        instance?.connections.connect(conn, connId, client, false);
        return;
      }
      case EventKind.socketConnect: {
        const conn = reader.u32();
        const connId = reader.str();
        const client = reader.client();
        instance?.connections.connect(conn, connId, client, true);
        return;
      }
      case EventKind.socketMessage: {
        const conn = reader.u32();
        const isText = reader.u8() === 1;
        const data = isText ? reader.str() : reader.bytes();
        instance?.sockets.message(conn, data);
        return;
      }
      case EventKind.socketClosed: {
        const conn = reader.u32();
        const code = reader.u16();
        const reason = reader.str();
        instance?.sockets.closed(conn, code, reason);
        return;
      }
      case EventKind.disconnect: {
        const conn = reader.u32();
        instance?.connections.disconnected(conn);
        return;
      }
      case EventKind.subscribe: {
        const ticket = reader.u32();
        const conn = reader.u32();
        const event = reader.str();
        instance?.connections.subscribe(conn, ticket, event);
        return;
      }
      case EventKind.saved: {
        const token = reader.u32();
        instance?.saved(token);
        return;
      }
      case EventKind.stop: {
        const reason = reader.u8() as StopReason;
        if (instance === undefined) return;
        this.defer();
        void instance.life.stop(reason);
        return;
      }
      case EventKind.alarm: {
        const call = reader.u32();
        const { id: alarm } = readAlarm(reader);
        const now = reader.f64();
        instance?.alarms.fire(call, alarm, now);
        return;
      }
      case EventKind.kv: {
        const token = reader.u32();
        const answer = readKvAnswer(reader);
        instance?.kvAnswered(token, answer);
        return;
      }
      case EventKind.fetch: {
        const record = { call: reader.u32(), hasBody: reader.u8() === 1, client: reader.client() };
        instance?.exchanges.begin(record);
        return;
      }
      case EventKind.bodyData: {
        const call = reader.u32();
        const piece = reader.bytes();
        this.defer();
        instance?.exchanges.get(call)?.body?.data(piece);
        return;
      }
      case EventKind.bodyEnd: {
        const call = reader.u32();
        this.defer();
        instance?.exchanges.get(call)?.body?.end();
        return;
      }
      case EventKind.bodyAbort: {
        const call = reader.u32();
        this.defer();
        instance?.exchanges.get(call)?.bodyBroke();
        return;
      }
      case EventKind.bodyCredit: {
        const call = reader.u32();
        const bytes = reader.u32();
        this.defer();
        instance?.exchanges.get(call)?.grant(bytes);
        return;
      }
      case EventKind.publish: {
        const record = {
          call: reader.u32(),
          queue: reader.str(),
          compat: reader.u8() === 1,
          client: reader.client(),
          wait: reader.u8() === 1,
          timeout: reader.f64(),
          body: reader.bytes(),
        };
        instance?.publishing.begin(record);
        return;
      }
      case EventKind.authorize:
        this.#doorman.ask(reader);
        return;
      case EventKind.drop:
        if (instance !== undefined) this.#forget(instance);
        return;
      default:
        if (this.requests.handle(kind, reader)) return;
        throw new Error(
          `the native core sent an event of the unknown kind ${kind}; do the package versions match?`,
        );
    }
  };

  #start(id: number, record: StartRecord): void {
    const definition = this.services.actors.get(record.name);
    if (definition === undefined) {
      this.#failStart(id, record.name);
      return;
    }
    const instance = new Instance(this, id, definition, record);
    this.#instances.set(id, instance);
    runAs(instance.owner, () => instance.life.start(record));
  }

  /** The core knows actor types only from this registry, so this is a bug; its callers must not hang all the same. */
  #failStart(id: number, name: string): void {
    const outputs = new OutputWriter();
    outputs.startFailed({
      group: "actor",
      code: "not_registered",
      message: `no actor \`${name}\` is registered`,
    });
    this.#batch.u32le(id);
    this.#batch.u8(0);
    this.#batch.u32le(0);
    outputs.moveTo(this.#batch);
  }
}

function readStart(reader: BatchReader): StartRecord {
  const actorId = reader.str();
  const name = reader.str();
  const parts: string[] = [];
  for (let left = reader.u16(); left > 0; left--) parts.push(reader.str());
  // A list that has grown has room for more, which this one needs for as long as the actor is awake.
  const key = parts.slice();
  const input = reader.opt();
  const state = reader.opt();
  const flags = reader.u8();
  // The generation: nothing here depends on it.
  reader.f64();
  const conns: RestoredConn[] = [];
  for (let count = reader.u32(); count > 0; count--) {
    conns.push({
      key: reader.u32(),
      id: reader.str(),
      isSocket: reader.u8() === 1,
      client: reader.client(),
      state: reader.opt(),
    });
  }
  const alarms: AlarmRecord[] = [];
  for (let count = reader.u32(); count > 0; count--) alarms.push(readAlarm(reader));
  const kvSize = reader.f64();
  const stateVersion = reader.u32();
  const lastMessage = reader.f64();
  const messages: MessageRecord[] = [];
  for (let count = reader.u32(); count > 0; count--)
    messages.push({ id: reader.f64(), body: reader.bytes() });
  return {
    actorId,
    name,
    key,
    input,
    state,
    created: (flags & 1) !== 0,
    ending: (flags & 2) !== 0,
    conns,
    alarms,
    kvSize,
    stateVersion,
    messages,
    lastMessage,
  };
}

function readKvAnswer(reader: BatchReader): KvAnswer {
  const result = reader.u8();
  if (result === KvResult.put || result === KvResult.full) {
    return { kind: result === KvResult.put ? "put" : "full", size: reader.f64() };
  }
  const count = reader.u32();
  if (result === KvResult.values) {
    const values: (Uint8Array | undefined)[] = [];
    for (let left = count; left > 0; left--) values.push(reader.opt());
    return { kind: "values", values };
  }
  const pairs: [Uint8Array, Uint8Array][] = [];
  for (let left = count; left > 0; left--) pairs.push([reader.bytes(), reader.bytes()]);
  return { kind: "pairs", pairs };
}

function readAlarm(reader: BatchReader): AlarmRecord {
  return { id: reader.str(), due: reader.f64(), attempt: reader.u32(), body: reader.bytes() };
}
