/**
 * What this thread is at, in memory that the core reads at any time: so it can say whose code blocks the thread, even
 * if that never comes to its end. `crates/node` documents the same layout; both sides change together.
 */
import { labelNames } from "../definition/labels.js";
import { EventKind } from "./records.js";

/** What runs for events that are no calls, by kind. */
const OF_EVENTS: readonly (readonly [kind: number, name: string])[] = [
  [EventKind.start, "start"],
  [EventKind.call, "call"],
  [EventKind.cancel, "abortSignal"],
  [EventKind.connect, "onBeforeConnect"],
  [EventKind.disconnect, "onDisconnect"],
  [EventKind.saved, "saveState"],
  [EventKind.stop, "stop"],
  [EventKind.drop, "abortSignal"],
  [EventKind.alarm, "schedule"],
  [EventKind.publish, "queue"],
  [EventKind.subscribe, "canSubscribe"],
  [EventKind.kv, "kv"],
  [EventKind.fetch, "onRequest"],
  [EventKind.bodyData, "onRequest"],
  [EventKind.bodyEnd, "onRequest"],
  [EventKind.bodyAbort, "onRequest"],
  [EventKind.bodyCredit, "onRequest"],
  [EventKind.socketConnect, "onWebSocket"],
  [EventKind.socketMessage, "onWebSocket"],
  [EventKind.socketClosed, "onWebSocket"],
  [EventKind.authorize, "onAuth"],
  [EventKind.answerHead, "answer"],
  [EventKind.answerPart, "answer"],
  [EventKind.answerEnd, "answer"],
  [EventKind.answerFailed, "answer"],
  [EventKind.requestTaken, "answer"],
  [EventKind.credit, "stream"],
];

const SEQ = 0;
const STAGE = 1;
const ALARM = 2;
const ENDED = 3;
const HEAP_WANTED = 5;
const HEAP = 6;
const RECENT = 8;
const RECENT_MASK = 7;
const LENGTH = RECENT + 2 * (RECENT_MASK + 1);

/** Where the thread is. */
const Stage = { outside: 0, within: 1, after: 2 } as const;

/** Whose memory it is. */
export interface DeskOwner {
  desk?(labels: string[]): Uint32Array;
}

/** See the top of the file. */
export class Desk {
  readonly #words: Uint32Array;
  /** How many pieces had begun when there last was nothing to do. */
  #idleSeq = 0;

  /** @param owner Without memory of its own, nobody looks. */
  constructor(owner: DeskOwner) {
    this.#words = owner.desk?.(allNames()) ?? new Uint32Array(LENGTH);
  }

  /** A piece of work begins: an event for an instance, or a hook. */
  enter(instance: number, label: number): void {
    const words = this.#words;
    const seq = ((words[SEQ] as number) + 1) >>> 0;
    const at = RECENT + ((seq & RECENT_MASK) << 1);
    words[at] = instance;
    words[at + 1] = label;
    words[STAGE] = Stage.within;
    words[SEQ] = seq;
  }

  /** The piece of work that is at hand turns out to be this. */
  relabel(instance: number, label: number): void {
    const words = this.#words;
    const at = RECENT + (((words[SEQ] as number) & RECENT_MASK) << 1);
    words[at] = instance;
    words[at + 1] = label;
  }

  /** Runs a piece of work in the midst of whatever there is. */
  during<T>(instance: number, label: number, work: () => T): T {
    const words = this.#words;
    const stage = words[STAGE] as number;
    this.enter(instance, label);
    try {
      return work();
    } finally {
      words[STAGE] = stage === Stage.outside ? Stage.after : stage;
    }
  }

  /** A batch of pieces is through: what follows was set off by them. */
  leave(): void {
    this.#words[STAGE] = Stage.after;
  }

  /** The instances whose work may be what this thread is at, or what has set it off: the latest ones. */
  suspects(): ReadonlySet<number> {
    const words = this.#words;
    const found = new Set<number>();
    const newest = words[SEQ] as number;
    const count = words[STAGE] === Stage.outside ? 0 : (newest - this.#idleSeq) >>> 0;
    for (let back = 0; back < Math.min(count, RECENT_MASK + 1); back++)
      found.add(words[RECENT + (((newest - back) & RECENT_MASK) << 1)] as number);
    return found;
  }

  /** There was nothing to do: whatever runs next was not set off by a piece of work. */
  idle(): void {
    this.#words[STAGE] = Stage.outside;
    this.#idleSeq = this.#words[SEQ] as number;
  }

  /** A call has come to its end. If the thread was found blocked meanwhile, it was probably this one's. */
  ended(instance: number, label: number): void {
    const words = this.#words;
    if (words[ALARM] === 0) return;
    words[ENDED + 1] = label;
    words[ENDED] = instance;
    words[ALARM] = 0;
  }

  /** Says how large the heap is, if that is wanted. */
  tellHeap(): void {
    const words = this.#words;
    if (words[HEAP_WANTED] === 0) return;
    words[HEAP_WANTED] = 0;
    try {
      const { heapTotal, heapUsed } = process.memoryUsage();
      words[HEAP + 1] = Math.ceil(heapUsed / 1024);
      words[HEAP] = Math.ceil(heapTotal / 1024);
    } catch {
      // It reads a file, which a process that may open no more cannot: the last figures stay until it can.
    }
  }
}

/** The names of actions and hooks, and of kinds of events, by number. */
function allNames(): string[] {
  const names = labelNames();
  for (const [kind, name] of OF_EVENTS) names[kind] = name;
  return names;
}
