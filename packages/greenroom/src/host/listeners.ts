/** What an event target keeps: listeners by type. Unlike the platform's own it tells what its listeners gave back. */

type Callback = (event: Event) => unknown;

interface Entry {
  readonly listener: EventListenerOrEventListenerObject;
  readonly isOnce: boolean;
}

/** See the top of the file. */
export class Listeners {
  readonly #byType = new Map<string, Entry[]>();

  add(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    if (listener === null || listener === undefined) return;
    const entries = this.#byType.get(type) ?? [];
    if (entries.some((entry) => entry.listener === listener)) return;
    const { once = false, signal } = typeof options === "object" ? options : {};
    if (signal?.aborted === true) return;
    this.#byType.set(type, [...entries, { listener, isOnce: once }]);
    signal?.addEventListener("abort", () => this.remove(type, listener), { once: true });
  }

  remove(type: string, listener: EventListenerOrEventListenerObject | null): void {
    const entries = this.#byType.get(type);
    if (entries === undefined) return;
    this.#byType.set(
      type,
      entries.filter((entry) => entry.listener !== listener),
    );
  }

  /** Those that an event of this type has to be told to, in order. Each counts as told. */
  take(type: string): Callback[] {
    const entries = this.#byType.get(type);
    if (entries === undefined) return [];
    if (entries.some(({ isOnce }) => isOnce)) {
      this.#byType.set(
        type,
        entries.filter(({ isOnce }) => !isOnce),
      );
    }
    return entries.map(({ listener }) =>
      typeof listener === "function" ? listener : (event) => listener.handleEvent(event),
    );
  }
}
