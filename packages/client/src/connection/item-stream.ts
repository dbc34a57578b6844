import { deferred } from "../timers.js";

/** Items or bytes of them that are taken before the server is told. It lets a few times more be under way. */
const CREDIT_ITEMS = 16;
const CREDIT_BYTES = 32 * 1024;

/** The items of a call over a connection, as they arrive. */
export class ItemStream implements AsyncIterableIterator<unknown> {
  readonly #items: { readonly value: unknown; readonly size: number }[] = [];
  readonly #credit: (items: number) => void;
  readonly #giveUp: () => void;
  #news = deferred<void>();
  #end: { error?: unknown } | undefined;
  #taken = 0;
  #takenBytes = 0;

  /** @param giveUp called when nobody wants the rest. */
  constructor(credit: (items: number) => void, giveUp: () => void) {
    this.#credit = credit;
    this.#giveUp = giveUp;
  }

  /** An item came, in a message of so many characters or bytes. */
  push(value: unknown, size: number): void {
    this.#items.push({ value, size });
    this.#tell();
  }

  /** Nothing more comes. The items that are here still count. */
  finish(end: { error?: unknown }): void {
    this.#end ??= end;
    this.#tell();
  }

  async next(): Promise<IteratorResult<unknown>> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#took(item.size);
        return { done: false, value: item.value };
      }
      if (this.#end !== undefined) break;
      await this.#news.promise;
    }
    const end = this.#end;
    this.#end = {};
    if ("error" in end) throw end.error;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<unknown>> {
    if (this.#end === undefined) this.#giveUp();
    this.#items.length = 0;
    this.finish({});
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #took(size: number): void {
    this.#takenBytes += size;
    if (++this.#taken < CREDIT_ITEMS && this.#takenBytes < CREDIT_BYTES) return;
    if (this.#end === undefined) this.#credit(this.#taken);
    this.#taken = this.#takenBytes = 0;
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = deferred();
  }
}
