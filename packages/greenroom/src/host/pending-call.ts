import type { ActionEntry } from "../definition/action.js";
import { ConnContext } from "./context.js";
import { actionTimedOut } from "./failure.js";
import type { Firing } from "./firing.js";
import type { Instance } from "./instance.js";

/** An action that has begun and not come to its end yet. */
export class PendingCall {
  readonly id: number;
  readonly entry: ActionEntry;
  readonly context: ConnContext;
  /** Runs when the action is over. */
  readonly after: (() => void) | undefined;
  readonly #instance: Instance;
  readonly #firing: Firing | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
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

  /** Starts the clock, unless the action is over already. */
  arm(): void {
    const { actionTimeout } = this.#instance.definition.options;
    if (this.#isOver || actionTimeout === undefined) return;
    this.#timer = setTimeout(() => {
      const error = actionTimedOut(this.entry.name, actionTimeout);
      this.#answer(() => this.#instance.calls.failed(this.id, error, this.entry, this.#firing));
      ConnContext.abort(this.context, error);
      this.#instance.calls.gaveUp(this.id);
    }, actionTimeout);
  }

  readonly resolve = (value: unknown): void => {
    this.#end();
    this.#answer(() => this.#instance.calls.completed(this.id, value, this.entry, this.#firing));
    this.#instance.calls.ended(this);
  };

  readonly reject = (error: unknown): void => {
    this.#end();
    this.#answer(() => this.#instance.calls.failed(this.id, error, this.entry, this.#firing));
    this.#instance.calls.ended(this);
  };

  /** The instance is gone: nobody waits for anything. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#isAnswered = true;
    this.#isOver = true;
  }

  #end(): void {
    clearTimeout(this.#timer);
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
