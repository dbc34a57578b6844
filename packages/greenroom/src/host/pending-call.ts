import type { ActionEntry } from "../definition/action.js";
import { isThenable } from "./async.js";
import { ConnContext } from "./context.js";
import { actionTimedOut, streamNotSupported } from "./failure.js";
import type { Firing } from "./firing.js";
import type { Instance } from "./instance.js";
import { isStream, ResultStream, refuseStream, type StreamSink } from "./stream.js";

/** An action that has begun and not come to its end yet. */
export class PendingCall implements StreamSink {
  readonly id: number;
  readonly entry: ActionEntry;
  readonly context: ConnContext;
  /** Runs when the action is over. */
  readonly after: (() => void) | undefined;
  readonly #instance: Instance;
  readonly #firing: Firing | undefined;
  #stream: ResultStream | undefined;
  #isCancelled = false;
  #timer: unknown;
  #isAnswered = false;
  #isOver = false;

  constructor(
    instance: Instance,
    id: number,
    entry: ActionEntry,
    context: ConnContext,
    after: (() => void) | undefined,
    firing: Firing | undefined,
  ) {
    this.#instance = instance;
    this.id = id;
    this.entry = entry;
    this.context = context;
    this.after = after;
    this.#firing = firing;
  }

  /** Whether the end of the caller's connection is not yet the end of the caller: the core says when it is. */
  get mayBeAskedAgain(): boolean {
    return this.#stream === undefined && ConnContext.isOnce(this.context);
  }

  /** Starts the clock, unless the action is over already. */
  arm(): void {
    const { actionTimeout } = this.#instance.definition.options;
    if (this.#isOver || actionTimeout === undefined) return;
    this.#timer = this.#instance.host.clock.setTimeout(() => {
      const error = actionTimedOut(this.entry.name, actionTimeout);
      this.#answer(() => this.#instance.calls.failed(this.id, error, this.entry, this.#firing));
      this.cancel(error);
      this.#instance.calls.gaveUp(this.id);
    }, actionTimeout);
  }

  readonly resolve = (value: unknown): void => {
    if (isStream(value)) {
      this.flow(value);
      return;
    }
    this.#end();
    this.#answer(() => this.#instance.calls.completed(this.id, value, this.entry, this.#firing));
    this.#instance.calls.ended(this);
  };

  readonly reject = (error: unknown): void => {
    this.#end();
    this.#answer(() => this.#instance.calls.failed(this.id, error, this.entry, this.#firing));
    this.#instance.calls.ended(this);
  };

  /** The result streams. Its time begins anew with every item. */
  flow(items: AsyncIterable<unknown>): void {
    const isTaken = this.#firing !== undefined || ConnContext.takesStreams(this.context);
    if (!isTaken || this.#isCancelled) {
      refuseStream(items);
      if (isTaken) this.ended();
      else this.reject(streamNotSupported(this.entry.name));
      return;
    }
    this.#stream = new ResultStream(items, this);
    // Nobody looks at what comes of an alarm.
    if (this.#firing === undefined) this.#instance.outputs().streamStart(this.id);
    void this.#stream.run();
  }

  item(value: unknown): void | Promise<void> {
    if (this.#timer !== undefined) {
      this.#instance.host.clock.clearTimeout(this.#timer);
      this.arm();
    }
    if (this.#firing !== undefined) return;
    const rewritten = this.#instance.calls.rewrite(this.context, this.entry, value);
    if (isThenable(rewritten)) return Promise.resolve(rewritten).then((item) => this.#passOn(item));
    this.#passOn(rewritten);
  }

  ended(): void {
    this.#end();
    this.#answer(() => {
      if (this.#firing === undefined) this.#instance.outputs().streamEnd(this.id);
      else this.#firing.completed();
    });
    this.#instance.calls.ended(this);
  }

  failed(error: unknown): void {
    this.reject(error);
  }

  /** The caller has taken so many items. */
  credit(items: number): void {
    this.#stream?.credit(items);
  }

  /** Nobody waits for the result any more. */
  cancel(reason: Error): void {
    this.#isCancelled = true;
    ConnContext.abort(this.context, reason);
    this.#stream?.giveUp();
  }

  /** The instance is gone: nobody waits for anything. */
  drop(): void {
    this.#instance.host.clock.clearTimeout(this.#timer);
    this.#isAnswered = true;
    this.#isOver = true;
    this.#stream?.giveUp();
  }

  #passOn(item: unknown): void {
    if (this.#isAnswered) return;
    this.#instance.turn.atLeast(this.entry.durability);
    this.#stream?.sent(this.#instance.outputs().streamItem(this.id, item));
  }

  #end(): void {
    this.#instance.host.clock.clearTimeout(this.#timer);
    this.#instance.host.desk.ended(this.#instance.id, this.entry.label);
    this.#isOver = true;
    ConnContext.end(this.context);
    this.#instance.calls.ending(this.id);
  }

  #answer(write: () => void): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#instance.turn.atLeast(this.entry.durability);
    write();
  }
}
