/**
 * The messages of one instance, in all of its queues, and who waits for them.
 *
 * The table and what is stored are changed together: every change is an output of the open turn. A message that
 * somebody has taken stays in the table until it is finished. One that is given back is not handed to those who wait
 * before a pause, so that a consumer that always fails does not spin; until then it holds up those behind it in its
 * queue, and the order is kept.
 */
import { DurabilityCode } from "../definition/durability.js";
import { decodeMessage, type Envelope, encodeMessage, type MessageRecord } from "../queue/message.js";
import { aborted, alreadyCompleted, asError, messageInvalid, queueFull } from "./failure.js";
import type { Instance } from "./instance.js";

/** Who waits until a message is finished. */
export interface Sender {
  /** @param response In compat form, if there is any. */
  completed(response: Uint8Array | undefined): void;
  /** The instance ends, and the message is still there. */
  left(): void;
}

/** Who has received, or wants to. */
export interface Consumer {
  /** A message that it had taken is finished. */
  finished(entry: Entry): void;
  /** Whether it would take another message of this queue, to go by what it has done so far. */
  consumes(name: string): boolean;
  /** Ends all its waiting. */
  abort(error: Error): void;
}

/** One who waits for messages. */
export interface Receiver {
  readonly consumer: Consumer;
  readonly completable: boolean;
  readonly count: number;
  accepts(name: string): boolean;
  /** Takes what was waited for. */
  resolve(entries: readonly Entry[]): void;
}

/** One who wants to know that there is a message. */
interface Watcher {
  accepts(name: string): boolean;
  tell(): void;
}

/** A message in memory. */
export interface Entry extends Envelope {
  readonly id: number;
  /** Who has it at the moment. */
  taker: Consumer | undefined;
  sender: Sender | undefined;
  /** How often it was given back unfinished in this life. */
  failures: number;
  /** Runs while it is not to be handed out to those who wait. */
  pause: unknown;
}

const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 10_000;

/** See the top of the file. */
export class Inbox {
  readonly #instance: Instance;
  /** In order of their numbers. */
  readonly #entries = new Map<number, Entry>();
  readonly #paused = new Set<Entry>();
  /** In the order in which they began to wait. */
  readonly #receivers = new Set<Receiver>();
  readonly #watchers = new Set<Watcher>();
  readonly #consumers = new Set<Consumer>();
  #last = 0;
  #isOver = false;
  /** Whether `run` was at work when the end began: then it may want what is left. */
  #isWanted = false;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** Takes over what was sent in the lives before. @param last The highest number ever used. */
  restore(records: readonly MessageRecord[], last: number): void {
    const { log, definition } = this.#instance;
    this.#last = last;
    const unknown = new Set<string>();
    for (const { id, body } of records) {
      try {
        const envelope = decodeMessage(body);
        this.#entries.set(id, newEntry(id, envelope, undefined));
        if (!definition.queues.has(envelope.name)) unknown.add(envelope.name);
      } catch (error) {
        log.error({ message: id, error: asError(error) }, "a stored message cannot be read; it is kept");
      }
    }
    if (unknown.size > 0) {
      const queues = [...unknown].join(", ");
      log.warn({ queues }, "there are messages in queues that are not declared; they are kept");
    }
  }

  /** Puts a message into a queue. @throws HostError `queue.full` */
  send(envelope: Envelope, sender?: Sender): Entry {
    const instance = this.#instance;
    const { maxQueueSize } = instance.definition.options;
    if (this.#entries.size >= maxQueueSize) throw queueFull(maxQueueSize);
    const entry = newEntry(++this.#last, envelope, sender);
    this.#entries.set(entry.id, entry);
    instance.turn.atLeast(DurabilityCode.strict);
    const receiver = this.#receiverOf(entry.name);
    // What is finished in the turn in which it came is not stored, but its number counts as used.
    if (receiver === undefined || receiver.completable) {
      instance.outputs().putMessage(entry.id, encodeMessage(entry));
    }
    if (receiver !== undefined) this.#give(receiver, [entry]);
    else this.#tellWatchers();
    return entry;
  }

  /** Messages for somebody who does not wait, at most `count`, the oldest first. */
  take(receiver: Omit<Receiver, "resolve">): readonly Entry[] {
    const found = this.#find(receiver, false);
    for (const entry of found) this.#hand(entry, receiver);
    return found;
  }

  /** Serves `receiver` now or later. */
  wait(receiver: Receiver): void {
    const found = this.#find(receiver, true);
    if (found.length > 0) this.#give(receiver, found);
    else this.#receivers.add(receiver);
  }

  /** Ends the waiting of `receiver`, unless it is over already. */
  forget(receiver: Receiver): void {
    this.#receivers.delete(receiver);
  }

  /**
   * Calls `tell` once there is a message for `accepts` that nobody has, perhaps at once.
   *
   * @returns what ends the waiting.
   */
  whenAvailable(accepts: (name: string) => boolean, tell: () => void): () => void {
    const watcher: Watcher = { accepts, tell };
    this.#watchers.add(watcher);
    this.#tellWatchers();
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Finishes a message.
   *
   * @param response In compat form.
   * @throws HostError `queue.already_completed`, `queue.message_invalid`
   */
  complete(id: number, name: string, response: Uint8Array | undefined): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw alreadyCompleted(id);
    if (entry.name !== name) throw messageInvalid(id, entry.name, name);
    this.#finish(entry, response);
  }

  /** Gives back a message that is not finished. */
  release(entry: Entry): void {
    if (!this.#entries.has(entry.id) || entry.taker === undefined || this.#isOver) return;
    entry.taker = undefined;
    entry.failures++;
    // Those who wait for it must not be put to sleep meanwhile.
    this.#instance.life.wakefulness.hold();
    this.#paused.add(entry);
    const pause = Math.min(FIRST_PAUSE * 2 ** (entry.failures - 1), LONGEST_PAUSE);
    entry.pause = this.#instance.host.clock.setTimeout(() => {
      this.#unpause(entry);
      this.#serve();
    }, pause);
  }

  /** `consumer` has begun to receive. */
  joined(consumer: Consumer): void {
    this.#consumers.add(consumer);
  }

  /** `consumer` will not receive any more. */
  departed(consumer: Consumer): void {
    this.#consumers.delete(consumer);
  }

  /**
   * Whether `consumer` is the only one of whom it is known that it consumes `name`, and is not doing so right now: if
   * it waited for a message there, it would wait for itself.
   */
  dependsOn(consumer: Consumer, name: string): boolean {
    if (!consumer.consumes(name) || this.#receiverOf(name) !== undefined) return false;
    for (const other of this.#consumers) if (other !== consumer && other.consumes(name)) return false;
    return true;
  }

  /** The actor is about to end: nobody gets anything any more by waiting for it. */
  stop(): void {
    this.#isWanted ||= this.#instance.life.isRunBusy;
    for (const consumer of [...this.#consumers]) consumer.abort(aborted("the actor stops"));
  }

  /**
   * The actor has come to its end. What is left is delivered in its next life; if `run` was at work on it, the next
   * process begins with that.
   */
  end(): void {
    if (this.#isWanted && this.#entries.size > 0) this.#instance.life.wakefulness.tellResuming();
    this.drop();
  }

  /** Lets everybody go. */
  drop(): void {
    this.#isOver = true;
    this.stop();
    for (const entry of this.#paused) this.#instance.host.clock.clearTimeout(entry.pause);
    for (const { sender } of this.#entries.values()) sender?.left();
  }

  /** The first who waits for a message of this queue and may have one. */
  #receiverOf(name: string): Receiver | undefined {
    for (const entry of this.#paused) if (entry.name === name) return undefined;
    for (const receiver of this.#receivers) if (receiver.accepts(name)) return receiver;
    return undefined;
  }

  /** @param isPatient Whether messages that pause are left alone, and those behind them. */
  #find({ accepts, count }: Pick<Receiver, "accepts" | "count">, isPatient: boolean): Entry[] {
    const found: Entry[] = [];
    const heldUp = new Set<string>();
    for (const entry of this.#entries.values()) {
      if (entry.taker !== undefined || !accepts(entry.name)) continue;
      if (isPatient && this.#paused.size > 0) {
        if (this.#paused.has(entry)) heldUp.add(entry.name);
        if (heldUp.has(entry.name)) continue;
      }
      if (found.push(entry) >= count) break;
    }
    return found;
  }

  #serve(): void {
    for (const receiver of [...this.#receivers]) {
      const found = this.#find(receiver, true);
      if (found.length > 0) this.#give(receiver, found);
    }
    this.#tellWatchers();
  }

  #tellWatchers(): void {
    for (const watcher of [...this.#watchers]) {
      const { accepts } = watcher;
      if (this.#find({ accepts, count: 1 }, true).length === 0) continue;
      this.#watchers.delete(watcher);
      this.#instance.defer();
      watcher.tell();
    }
  }

  #give(receiver: Receiver, entries: readonly Entry[]): void {
    this.#receivers.delete(receiver);
    for (const entry of entries) this.#hand(entry, receiver);
    // What the receiver does next belongs to the turn in which it got the message.
    this.#instance.defer();
    receiver.resolve(entries);
  }

  #hand(entry: Entry, receiver: Pick<Receiver, "completable" | "consumer">): void {
    this.#unpause(entry);
    if (receiver.completable) entry.taker = receiver.consumer;
    else this.#finish(entry, undefined);
  }

  #finish(entry: Entry, response: Uint8Array | undefined): void {
    const { sender, taker } = entry;
    this.#unpause(entry);
    this.#entries.delete(entry.id);
    this.#instance.turn.atLeast(DurabilityCode.strict);
    this.#instance.outputs().removeMessage(entry.id);
    entry.taker = undefined;
    entry.sender = undefined;
    taker?.finished(entry);
    sender?.completed(response);
  }

  #unpause(entry: Entry): void {
    if (!this.#paused.delete(entry)) return;
    this.#instance.life.wakefulness.release();
    this.#instance.host.clock.clearTimeout(entry.pause);
    entry.pause = undefined;
  }
}

function newEntry(id: number, envelope: Envelope, sender: Sender | undefined): Entry {
  const { name, createdAt, payload } = envelope;
  return { id, name, createdAt, payload, sender, taker: undefined, failures: 0, pause: undefined };
}
