/** The result of an action that streams: what it yields goes to the caller, not faster than the caller takes it. */

/** So many items may be on their way to a caller, or so many bytes of them and one item. */
const WINDOW_ITEMS = 64;
const WINDOW_BYTES = 256 * 1024;

/** Whether an action's result is a stream: of an async generator, a `ReadableStream`, anything to `for await` over. */
export function isStream(value: unknown): value is AsyncIterable<unknown> {
  if (typeof value !== "object" || value === null) return false;
  try {
    return typeof (value as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === "function";
  } catch {
    // It does not even say what it is, and will say so again when it is sent.
    return false;
  }
}

/** Where the items of a stream go. */
export interface StreamSink {
  /** Passes an item on, at once or later. @throws (or rejects with) what ends the stream. */
  item(value: unknown): void | Promise<void>;
  /** All of it is out, or it was given up. */
  ended(): void;
  /** It failed. */
  failed(error: unknown): void;
}

/** See the top of the file. */
export class ResultStream {
  readonly #source: AsyncIterable<unknown>;
  #items: AsyncIterator<unknown> | undefined;
  readonly #sink: StreamSink;
  /** The sizes of the items that the caller has not taken. */
  readonly #underWay: number[] = [];
  #bytesUnderWay = 0;
  #isGivenUp = false;
  #goOn: (() => void) | undefined;

  constructor(items: AsyncIterable<unknown>, sink: StreamSink) {
    this.#source = items;
    this.#sink = sink;
  }

  /** Passes all items on. Never rejects. */
  async run(): Promise<void> {
    try {
      const items = this.#source[Symbol.asyncIterator]();
      this.#items = items;
      for (;;) {
        while (this.#isFull) await new Promise<void>((resolve) => (this.#goOn = resolve));
        if (this.#isGivenUp) break;
        const { done, value } = await items.next();
        if (done === true || this.#isGivenUp) break;
        const passedOn = this.#sink.item(value);
        if (passedOn !== undefined) await passedOn;
      }
      this.#sink.ended();
    } catch (error) {
      this.giveUp();
      this.#sink.failed(error);
    }
  }

  /** An item of so many bytes is on its way. */
  sent(bytes: number): void {
    this.#underWay.push(bytes);
    this.#bytesUnderWay += bytes;
  }

  /** The caller has taken so many items. */
  credit(items: number): void {
    for (const bytes of this.#underWay.splice(0, items)) this.#bytesUnderWay -= bytes;
    this.#wakeUp();
  }

  /** Nobody wants the rest: the generator's `finally` runs, as soon as it is done with what it waits for. */
  giveUp(): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#wakeUp();
    if (this.#items !== undefined) void close(this.#items);
  }

  get #isFull(): boolean {
    if (this.#isGivenUp) return false;
    return this.#underWay.length >= WINDOW_ITEMS || this.#bytesUnderWay >= WINDOW_BYTES;
  }

  #wakeUp(): void {
    this.#goOn?.();
    this.#goOn = undefined;
  }
}

/** Ends a stream that nobody can take before it has begun. Never throws. */
export function refuseStream(items: AsyncIterable<unknown>): void {
  try {
    void close(items[Symbol.asyncIterator]());
  } catch {
    // One that cannot begin need not end.
  }
}

/** Never rejects: what an iterator throws on its way out is nobody's business any more. */
async function close(items: AsyncIterator<unknown>): Promise<void> {
  try {
    await items.return?.();
  } catch {}
}
