/** Receives what a listener threw. */
export type OnThrow = (error: unknown) => void;

/** A set of listeners. One that throws does not keep the others from being called. */
export class Listeners<Args extends readonly unknown[]> {
  readonly #entries = new Set<{ readonly listener: (...args: Args) => void }>();
  readonly #onThrow: OnThrow;

  constructor(onThrow: OnThrow) {
    this.#onThrow = onThrow;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Adds a listener, even one that is there already, and returns how to remove it. Needs no `this`. */
  readonly add = (listener: (...args: Args) => void): (() => void) => {
    const entry = { listener };
    this.#entries.add(entry);
    return () => void this.#entries.delete(entry);
  };

  /** Calls those that are registered now, in the order they were added. */
  emit(...args: Args): void {
    for (const entry of [...this.#entries]) {
      // An earlier listener may have removed this one.
      if (!this.#entries.has(entry)) continue;
      try {
        entry.listener(...args);
      } catch (error) {
        this.#onThrow(error);
      }
    }
  }
}

/** The handlers of events by event name; tells when the first handler of a name comes and the last one goes. */
export class EventHandlers {
  readonly #byName = new Map<string, Listeners<readonly unknown[]>>();
  readonly #onThrow: OnThrow;
  readonly #onChange: (event: string, wanted: boolean) => void;

  /** @param onChange `wanted` is whether events of this name should be sent. */
  constructor(onChange: (event: string, wanted: boolean) => void, onThrow: OnThrow) {
    this.#onChange = onChange;
    this.#onThrow = onThrow;
  }

  /** Adds a handler and returns how to remove it, which may be called repeatedly. */
  add(event: string, handler: (...args: readonly unknown[]) => void): () => void {
    const found = this.#byName.get(event);
    const listeners = found ?? new Listeners<readonly unknown[]>(this.#onThrow);
    const remove = listeners.add(handler);
    if (found === undefined) {
      this.#byName.set(event, listeners);
      this.#onChange(event, true);
    }
    return () => {
      remove();
      if (listeners.size > 0 || this.#byName.get(event) !== listeners) return;
      this.#byName.delete(event);
      this.#onChange(event, false);
    };
  }

  /** The names that have handlers. */
  names(): string[] {
    return [...this.#byName.keys()];
  }

  emit(event: string, args: readonly unknown[]): void {
    this.#byName.get(event)?.emit(...args);
  }

  /** Removes all handlers, without telling. */
  clear(): void {
    this.#byName.clear();
  }
}
