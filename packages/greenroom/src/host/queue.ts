/** What user code gets as `c.queue`, at run time: one for each context, because each is a consumer of its own. */
import { buildBytes, decodeValue, encodeValue } from "@greenroom/client/codec";
import { decodePayload } from "../queue/message.js";
import { unwrap } from "../state/index.js";
import {
  aborted,
  HostError,
  instanceGone,
  invalidCompletion,
  previousNotCompleted,
  queueNotFound,
  queueTimedOut,
  waitsForItself,
} from "./failure.js";
import type { Consumer, Entry, Receiver } from "./inbox.js";
import type { Instance } from "./instance.js";
import {
  acceptor,
  type GivenOptions,
  type Patience,
  patience,
  type Wanted,
  wanted,
} from "./queue-options.js";
import { checkPayload, prepare } from "./sending.js";
import { type Begin, Waits } from "./waits.js";

/** A message as user code gets it. */
interface Received {
  readonly id: number;
  readonly name: string;
  readonly body: unknown;
  readonly createdAt: number;
  complete?(response?: unknown): Promise<void>;
}

/** See `ActorQueue` in `context/queue.ts`. */
export class RuntimeQueue implements Consumer {
  readonly #instance: Instance;
  /** Whether it is that of `run`, whose waiting is no reason to stay awake. */
  readonly #isRun: boolean;
  /** How many receives wait, and whether that is all that `run` does. */
  #receiving = 0;
  #isIdle = false;
  /** Messages that it has taken and not completed, with the loop that did; without one for other receives. */
  readonly #held = new Map<Entry, Wanted | undefined>();
  /** The queues that it has had messages of. */
  readonly #sources = new Set<string>();
  /** Its loops, by what they accept. */
  readonly #loops = new Set<Wanted>();
  readonly #waits: Waits;

  constructor(instance: Instance, isRun: boolean) {
    this.#instance = instance;
    this.#isRun = isRun;
    this.#waits = new Waits(instance);
  }

  async send(name: string, body: unknown): Promise<Received> {
    this.#assertAlive();
    const payload = prepare(this.#instance, name, body);
    const { id, createdAt } = this.#instance.inbox.send({
      name,
      createdAt: this.#instance.host.clock.now(),
      payload,
    });
    return { id, name, body, createdAt };
  }

  enqueueAndWait(name: string, body: unknown, options?: GivenOptions): Promise<unknown> {
    return quiet(this.#enqueueAndWait(name, body, options));
  }

  next(options?: GivenOptions): Promise<Received | undefined> {
    return quiet(this.#receive({ ...options, count: 1 }).then(first));
  }

  nextBatch(options?: GivenOptions): Promise<readonly Received[]> {
    return quiet(this.#receive(options));
  }

  async tryNext(options?: GivenOptions): Promise<Received | undefined> {
    return first(this.#take({ ...options, count: 1 }));
  }

  async tryNextBatch(options?: GivenOptions): Promise<readonly Received[]> {
    return this.#take(options);
  }

  iter(options?: GivenOptions): AsyncIterableIterator<Received> {
    return this.#loop(
      wanted(this.#instance, { ...options, count: 1 }),
      patience({ signal: options?.signal }),
    );
  }

  waitForNames(names: readonly string[], options?: GivenOptions): Promise<Received> {
    return quiet(this.#waitForNames(names, options));
  }

  waitForAvailable(names?: readonly string[], options?: GivenOptions): Promise<void> {
    return quiet(this.#waitForAvailable(names, options));
  }

  async complete(message: { readonly id: number; readonly name: string }, response?: unknown): Promise<void> {
    this.#complete(message.id, message.name, response);
  }

  // What the inbox asks and tells.

  finished(entry: Entry): void {
    this.#held.delete(entry);
    this.#settle();
  }

  consumes(name: string): boolean {
    if (this.#sources.has(name)) return true;
    for (const loop of this.#loops) if (loop.accepts(name)) return true;
    return false;
  }

  // What the context says.

  /** Ends all waiting, for a reason. What was taken can still be completed. */
  abort(error: Error): void {
    this.#waits.abort(error);
  }

  /** The code behind the context has come to its end: what it has not completed goes back. */
  end(): void {
    this.abort(aborted("the action is over"));
    const { inbox } = this.#instance;
    for (const entry of this.#held.keys()) inbox.release(entry);
    this.#held.clear();
    this.#settle();
    inbox.departed(this);
  }

  // How.

  async #receive(options: GivenOptions | undefined): Promise<readonly Received[]> {
    const wish = wanted(this.#instance, options);
    const howLong = patience(options);
    this.#assertCompleted();
    return this.#shown(await this.#wait(wish, howLong), wish);
  }

  #take(options: GivenOptions | undefined): readonly Received[] {
    const wish = wanted(this.#instance, options);
    this.#assertCompleted();
    this.#assertAlive();
    const { inbox } = this.#instance;
    inbox.joined(this);
    const entries = inbox.take({ ...wish, consumer: this });
    for (const entry of entries) this.#note(entry, wish);
    return this.#shown(entries, wish);
  }

  async #waitForNames(names: readonly string[], options: GivenOptions | undefined): Promise<Received> {
    const wish = wanted(this.#instance, { names, completable: options?.completable });
    const howLong = patience(options);
    if (wish.completable) this.#assertCompleted();
    const message = first(this.#shown(await this.#wait(wish, howLong), wish));
    if (message === undefined) throw queueTimedOut("no message came");
    return message;
  }

  async #waitForAvailable(names: unknown, options: GivenOptions | undefined): Promise<void> {
    const accepts = acceptor(this.#instance, names);
    const { inbox } = this.#instance;
    const { timeout, signal } = patience(options);
    const isThere = await this.#receiver<boolean>({ timeout, signal }, false, (resolve) =>
      inbox.whenAvailable(accepts, () => resolve(true)),
    );
    if (!isThere) throw queueTimedOut("no message came");
  }

  /** A loop ends quietly when the waiting does. */
  async *#loop(wish: Wanted, howLong: Patience): AsyncIterableIterator<Received> {
    let entry: Entry | undefined;
    this.#loops.add(wish);
    try {
      for (;;) {
        this.#assertCompleted(wish);
        try {
          [entry] = await this.#wait(wish, howLong);
        } catch (error) {
          if (error instanceof HostError && error.code === "aborted") return;
          throw error;
        }
        const message = first(this.#shown(entry === undefined ? [] : [entry], wish));
        if (message !== undefined) yield message;
      }
    } finally {
      this.#loops.delete(wish);
      if (entry !== undefined && this.#held.delete(entry)) this.#instance.inbox.release(entry);
      this.#settle();
    }
  }

  /** None when the time is up. */
  #wait(wish: Wanted, howLong: Patience): Promise<readonly Entry[]> {
    const { inbox } = this.#instance;
    return this.#receiver<readonly Entry[]>(howLong, [], (resolve) => {
      const receiver: Receiver = {
        ...wish,
        consumer: this,
        resolve: (entries) => {
          for (const entry of entries) this.#note(entry, wish);
          resolve(entries);
        },
      };
      inbox.wait(receiver);
      return () => inbox.forget(receiver);
    });
  }

  #waiting<T>(patience: Patience, late: T, begin: Begin<T>): Promise<T> {
    return this.#waits.until(patience, late, (resolve, reject) => {
      this.#instance.inbox.joined(this);
      return begin(resolve, reject);
    });
  }

  /** As {@link #waiting}, for messages. */
  #receiver<T>(patience: Patience, late: T, begin: (resolve: (value: T) => void) => () => void): Promise<T> {
    return this.#waiting<T>(patience, late, (resolve) => {
      const stop = begin(resolve);
      this.#receiving++;
      this.#settle();
      return () => {
        stop();
        this.#receiving--;
        this.#settle();
      };
    });
  }

  /** `run` is idle while it waits for messages and has none to complete. */
  #settle(): void {
    const isIdle = this.#isRun && this.#receiving > 0 && this.#held.size === 0;
    if (isIdle === this.#isIdle) return;
    this.#isIdle = isIdle;
    const { life } = this.#instance;
    if (isIdle) life.pauseRun();
    else life.resumeRun();
  }

  async #enqueueAndWait(name: string, body: unknown, options: GivenOptions | undefined): Promise<unknown> {
    const instance = this.#instance;
    this.#assertAlive();
    const payload = prepare(instance, name, body);
    const { timeout = instance.definition.options.actionTimeout, signal } = patience(options);
    if (instance.inbox.dependsOn(this, name) && this.#loopsOver(name) < 2) throw waitsForItself(name);
    const LATE = { isLate: true };
    const response = await this.#waiting<unknown>({ timeout, signal }, LATE, (resolve, reject) => {
      const sender = {
        completed: (bytes: Uint8Array | undefined): void => {
          resolve(bytes === undefined ? undefined : decodeValue(bytes, "compat"));
          instance.defer();
        },
        left: (): void => reject(aborted("the actor stops")),
      };
      const entry = instance.inbox.send(
        { name, createdAt: this.#instance.host.clock.now(), payload },
        sender,
      );
      return () => {
        entry.sender = undefined;
      };
    });
    if (response === LATE) throw queueTimedOut("the message is stored, but was not completed");
    return response;
  }

  #loopsOver(name: string): number {
    let count = 0;
    for (const loop of this.#loops) if (loop.accepts(name)) count++;
    return count;
  }

  #note(entry: Entry, wish: Wanted): void {
    this.#sources.add(entry.name);
    if (wish.completable) this.#held.set(entry, this.#loops.has(wish) ? wish : undefined);
    this.#settle();
  }

  #shown(entries: readonly Entry[], { completable }: Wanted): readonly Received[] {
    return entries.map(({ id, name, createdAt, payload }) => {
      const message = { id, name, body: decodePayload(payload), createdAt };
      if (!completable) return message;
      return { ...message, complete: async (response?: unknown) => this.#complete(id, name, response) };
    });
  }

  #complete(id: number, name: string, response: unknown): void {
    this.#assertAlive();
    const queue = this.#instance.definition.queues.get(name);
    if (queue === undefined) throw queueNotFound(name);
    const checked =
      queue.complete === undefined
        ? response
        : checkPayload(queue.complete, response, name, invalidCompletion);
    const bytes =
      checked === undefined
        ? undefined
        : buildBytes((writer) => encodeValue(writer, unwrap(checked), "compat", "response"));
    this.#instance.inbox.complete(id, name, bytes);
  }

  /** What one loop has to complete is no business of another. */
  #assertCompleted(loop?: Wanted): void {
    for (const [{ id, name }, taker] of this.#held) {
      if (taker === loop) throw previousNotCompleted(id, name);
    }
  }

  #assertAlive(): void {
    const { life, isDropped } = this.#instance;
    if (isDropped || life.phase === "over") throw instanceGone();
  }
}

function first<T>(list: readonly T[]): T | undefined {
  return list[0];
}

/** Nobody may be waiting for it any more: then its failure is no reason to end the process. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
