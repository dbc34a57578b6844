import { type Concurrency, isExclusive } from "./concurrency.js";
import { type Durability, type DurabilityCode, durabilityCode } from "./durability.js";
import { type ResumeOptions, resolveResume } from "./resume.js";

/** Settings of an actor type. Times are in milliseconds. */
export interface ActorOptions {
  /** Idle time after which the actor goes to sleep. Default 30,000; `Infinity` for never. */
  readonly sleepTimeout?: number;
  /** Never sleep for being idle. Default false. */
  readonly noSleep?: boolean;
  /**
   * Time that stopping may take, for everything together: `onSleep` or `onDestroy`, `onDisconnect`, `run`, calls in
   * progress, and what `keepAwake` and `waitUntil` were given. What is not over by then is left behind. Default 15,000.
   */
  readonly sleepGracePeriod?: number;
  /** Longest time that a relaxed change waits for its commit. Default 1,000. */
  readonly stateSaveInterval?: number;
  /** Time that an asynchronous action may take (`actor.action_timed_out`). Default 60,000; `Infinity` for no limit. */
  readonly actionTimeout?: number;
  /** Time that `onMigrate` may take. Default 30,000. */
  readonly onMigrateTimeout?: number;
  /** Time that `createVars` may take. Default 5,000. */
  readonly createVarsTimeout?: number;
  /** Time that `createConnState` may take. Default 5,000. */
  readonly createConnStateTimeout?: number;
  /** Time that `onBeforeConnect` may take. Default 5,000. */
  readonly onBeforeConnectTimeout?: number;
  /** Time that `onConnect` may take. Default 5,000. */
  readonly onConnectTimeout?: number;
  /**
   * Whether the actor may sleep while a raw WebSocket is open: the client stays connected, its next message wakes the
   * actor, and `onWebSocket` gets the socket again. A function decides for each. Default false: such sockets keep it
   * awake.
   */
  readonly canHibernateWebSocket?: boolean | ((request: Request) => boolean);
  /** So many scheduled calls and jobs may wait at most (`schedule.max_schedules_exceeded`). Default 1,000. */
  readonly maxSchedules?: number;
  /**
   * Bytes that the keys and values of `c.kv` may have together (`actor.kv_storage_quota_exceeded`), up to 1 GiB: all
   * of them are in memory while the actor is awake. Default 67,108,864 (64 MiB).
   */
  readonly maxKvSize?: number;
  /**
   * Bytes that may wait for one client, or one message, up to 1 GiB. A client for which more waits does not read fast
   * enough, and is disconnected: code 1008, `actor.client_too_slow`. Default 16,777,216 (16 MiB).
   */
  readonly maxConnectionBacklog?: number;
  /** So many messages may wait in all queues together (`queue.full`). Default 1,000. */
  readonly maxQueueSize?: number;
  /** Largest message, in bytes as it is stored (`queue.message_too_large`). Default 65,536. */
  readonly maxQueueMessageSize?: number;
  /**
   * So many answers are kept, so that a call that its client makes again does not run again. Beyond that the oldest
   * goes, and to make its call again is an error (`actor.call_expired`). With 0 none is kept, and no call is run or
   * answered a second time. Default 1,000.
   */
  readonly maxCallRecords?: number;
  /** Bytes that these answers may have together. Default 1,048,576 (1 MiB). */
  readonly maxCallRecordsSize?: number;
  /** How long they are kept, in milliseconds. Default 600,000 (10 minutes). */
  readonly callRecordTimeout?: number;
  /** When changes have to be durable. Default `"strict"`. Can be set for a single action as well. */
  readonly durability?: Durability;
  /** Whether calls run at the same time. Default `"interleaved"`. Can be set for a single action as well. */
  readonly concurrency?: Concurrency;
  /**
   * What becomes of an actor that was lost while it was awake: because the process died, or its changes could not be
   * stored. `"sleep"`: it wakes when it is needed; but one whose `run` was at work is woken at once. `"restart"`: it
   * is woken at once. `"destroy"`: it is removed, without its hooks. Default `"sleep"`.
   */
  readonly crashPolicy?: CrashPolicy;
  /**
   * Whether clients that reconnect get the events that they missed: the actor keeps the newest of them, together with
   * its state, so that they outlive sleep and crashes. A turn that sends events then waits for its commit, even if it
   * changes nothing else. Default false; `true` for the defaults of {@link ResumeOptions}.
   */
  readonly resume?: boolean | ResumeOptions;
  /** A name for tools to show. */
  readonly name?: string;
  /** An icon for tools to show. */
  readonly icon?: string;
  /** @deprecated Does nothing: `sleepGracePeriod` is the limit. */
  readonly onDestroyTimeout?: number;
  /** @deprecated Does nothing: `sleepGracePeriod` is the limit. */
  readonly waitUntilTimeout?: number;
  /** @deprecated Does nothing: the server pings connections by itself. */
  readonly connectionLivenessInterval?: number;
  /** @deprecated Does nothing: the server pings connections by itself. */
  readonly connectionLivenessTimeout?: number;
  /** There is no such socket. */
  readonly enableActorRuntimeSocket?: false;
}

/** What becomes of an actor that was lost. */
export type CrashPolicy = "sleep" | "restart" | "destroy";

/** Settings with all defaults filled in. */
export interface ResolvedOptions {
  /** Absent for never. */
  readonly sleepTimeout: number | undefined;
  readonly sleepGracePeriod: number;
  readonly stateSaveInterval: number;
  /** Absent for no limit. */
  readonly actionTimeout: number | undefined;
  readonly onMigrateTimeout: number;
  readonly createVarsTimeout: number;
  readonly createConnStateTimeout: number;
  readonly onBeforeConnectTimeout: number;
  readonly onConnectTimeout: number;
  readonly maxSchedules: number;
  readonly maxQueueSize: number;
  readonly maxQueueMessageSize: number;
  readonly maxKvSize: number;
  readonly maxConnectionBacklog: number;
  readonly maxCallRecords: number;
  readonly maxCallRecordsSize: number;
  readonly callRecordTimeout: number;
  readonly durability: DurabilityCode;
  readonly isExclusive: boolean;
  readonly canHibernateWebSocket: boolean | ((request: Request) => boolean);
  readonly crashPolicy: CrashPolicy;
  /** Absent when events are not kept. */
  readonly resume: Required<ResumeOptions> | undefined;
  /** What tools show. */
  readonly display: { readonly name: string | undefined; readonly icon: string | undefined };
}

/** The options that are times and mean something. */
type TimeName =
  | "sleepTimeout"
  | "sleepGracePeriod"
  | "stateSaveInterval"
  | "actionTimeout"
  | "onMigrateTimeout"
  | "createVarsTimeout"
  | "createConnStateTimeout"
  | "onBeforeConnectTimeout"
  | "onConnectTimeout"
  | "callRecordTimeout";
type Times = { readonly [Name in TimeName]: number };

const DEFAULT_COUNTS = {
  maxSchedules: 1_000,
  maxQueueSize: 1_000,
  maxQueueMessageSize: 65_536,
  maxCallRecords: 1_000,
  maxCallRecordsSize: 1_048_576,
};

const DEFAULT_TIMES: Times = {
  sleepTimeout: 30_000,
  sleepGracePeriod: 15_000,
  stateSaveInterval: 1_000,
  actionTimeout: 60_000,
  onMigrateTimeout: 30_000,
  createVarsTimeout: 5_000,
  createConnStateTimeout: 5_000,
  onBeforeConnectTimeout: 5_000,
  onConnectTimeout: 5_000,
  callRecordTimeout: 600_000,
};

/** Those where `Infinity` means that there is no limit. */
const UNLIMITED: ReadonlySet<string> = new Set(["sleepTimeout", "actionTimeout"]);

/** Those that are checked where they are read. */
const OTHERS: ReadonlySet<string> = new Set([
  "durability",
  "concurrency",
  "maxKvSize",
  "maxConnectionBacklog",
  "resume",
  ...Object.keys(DEFAULT_COUNTS),
]);

const DEFAULT_MAX_KV_SIZE = 64 * 1024 * 1024;
/** Far below the 4 GiB that the longest list of pairs could have on its way here. */
const LARGEST_KV = 1024 * 1024 * 1024;
const DEFAULT_BACKLOG = 16 * 1024 * 1024;
const LARGEST_BACKLOG = 1024 * 1024 * 1024;

/** Answers are in memory and in every snapshot, so there is an end to them. */
const MOST_CALL_RECORDS = 1_000_000;
const LARGEST_CALL_RECORDS = 256 * 1024 * 1024;

/** The longest delay of a JavaScript timer. */
const MAX_TIME = 0x7fff_ffff;

/** Times that are checked and not used. */
const UNUSED_TIMES: ReadonlySet<string> = new Set([
  "onDestroyTimeout",
  "waitUntilTimeout",
  "connectionLivenessInterval",
  "connectionLivenessTimeout",
]);

/** How the others are checked. */
const CHECKS: { readonly [name: string]: (name: string, value: unknown) => void } = {
  noSleep: checkBoolean,
  crashPolicy: checkCrashPolicy,
  canHibernateWebSocket: checkHibernation,
  name: checkText,
  icon: checkText,
  enableActorRuntimeSocket: checkOff,
};

/** @throws Error naming the option that is unknown or has a wrong value. */
export function resolveOptions(options: ActorOptions): ResolvedOptions {
  const times: { -readonly [Name in keyof Times]: number } = { ...DEFAULT_TIMES };
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (name in DEFAULT_TIMES) times[name as keyof Times] = checkTime(name, value);
    else if (UNUSED_TIMES.has(name)) checkTime(name, value);
    else if (Object.hasOwn(CHECKS, name)) CHECKS[name]?.(name, value);
    else if (!OTHERS.has(name)) throw new Error(`unknown actor option '${name}'`);
  }
  return {
    ...times,
    sleepTimeout: options.noSleep === true ? undefined : finite(times.sleepTimeout),
    actionTimeout: finite(times.actionTimeout),
    maxSchedules: checkCount("maxSchedules", options.maxSchedules ?? DEFAULT_COUNTS.maxSchedules),
    maxQueueSize: checkCount("maxQueueSize", options.maxQueueSize ?? DEFAULT_COUNTS.maxQueueSize),
    maxQueueMessageSize: checkCount(
      "maxQueueMessageSize",
      options.maxQueueMessageSize ?? DEFAULT_COUNTS.maxQueueMessageSize,
    ),
    maxKvSize: checkCount("maxKvSize", options.maxKvSize ?? DEFAULT_MAX_KV_SIZE, LARGEST_KV),
    maxConnectionBacklog: checkCount(
      "maxConnectionBacklog",
      options.maxConnectionBacklog ?? DEFAULT_BACKLOG,
      LARGEST_BACKLOG,
    ),
    maxCallRecords: checkCount(
      "maxCallRecords",
      options.maxCallRecords ?? DEFAULT_COUNTS.maxCallRecords,
      MOST_CALL_RECORDS,
    ),
    maxCallRecordsSize: checkCount(
      "maxCallRecordsSize",
      options.maxCallRecordsSize ?? DEFAULT_COUNTS.maxCallRecordsSize,
      LARGEST_CALL_RECORDS,
    ),
    durability: durabilityCode(options.durability ?? "strict", "actor option 'durability'"),
    isExclusive: isExclusive(options.concurrency ?? "interleaved", "actor option 'concurrency'"),
    canHibernateWebSocket: options.canHibernateWebSocket ?? false,
    crashPolicy: options.crashPolicy ?? "sleep",
    resume: options.resume === undefined ? undefined : resolveResume(options.resume),
    display: { name: options.name, icon: options.icon },
  };
}

function checkHibernation(name: string, value: unknown): void {
  if (typeof value === "boolean" || typeof value === "function") return;
  throw new Error(`actor option '${name}' has to be a boolean, or a function of the request`);
}

function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== "boolean") throw new Error(`actor option '${name}' has to be a boolean`);
}

function checkText(name: string, value: unknown): void {
  if (typeof value !== "string") throw new Error(`actor option '${name}' has to be a string`);
}

function checkOff(name: string, value: unknown): void {
  if (value !== false) throw new Error(`actor option '${name}' can only be false: there is no such thing`);
}

function checkCrashPolicy(name: string, value: unknown): void {
  if (value === "sleep" || value === "restart" || value === "destroy") return;
  throw new Error(`actor option '${name}' has to be "sleep", "restart" or "destroy"`);
}

function checkTime(name: string, value: unknown): number {
  if (value === Number.POSITIVE_INFINITY && UNLIMITED.has(name)) return value;
  if (typeof value === "number" && value >= 0 && value <= MAX_TIME) return Math.round(value);
  const range = `a number of milliseconds from 0 to ${MAX_TIME}${UNLIMITED.has(name) ? ", or Infinity" : ""}`;
  throw new Error(`actor option '${name}' has to be ${range}`);
}

function checkCount(name: string, value: unknown, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? "0 or more" : `from 0 to ${max}`;
  throw new Error(`actor option '${name}' has to be a whole number, ${range}`);
}

function finite(time: number): number | undefined {
  return Number.isFinite(time) ? time : undefined;
}
