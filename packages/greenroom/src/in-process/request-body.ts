/** Sends the body of a request to the core, part by part, as fast as the core takes it. */

/** Most bytes that are on their way. The core does the same in the other direction. */
export const WINDOW = 256 * 1024;
/** Larger parts are sent in pieces. */
const PIECE = 64 * 1024;

/** Where the parts go. */
export interface BodySink {
  part(bytes: Uint8Array): void;
  end(): void;
  /** The body cannot be read to its end. */
  broken(error: unknown): void;
}

/** See the top of the file. */
export class RequestBody {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #sink: BodySink;
  #room = WINDOW;
  #whenRoom: (() => void) | undefined;
  #isOver = false;

  constructor(body: ReadableStream<Uint8Array>, sink: BodySink) {
    this.#reader = body.getReader();
    this.#sink = sink;
    void this.#send();
  }

  /** The core has taken some of it. */
  taken(bytes: number): void {
    this.#room += bytes;
    this.#whenRoom?.();
  }

  /** Nobody wants the rest. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#whenRoom?.();
    this.#reader.cancel().catch(() => {});
  }

  async #send(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done || this.#isOver) break;
        for (let at = 0; at < value.length; at += PIECE) {
          const piece = value.subarray(at, at + PIECE);
          while (this.#room < piece.length && !this.#isOver) await this.#moreRoom();
          if (this.#isOver) return;
          this.#room -= piece.length;
          this.#sink.part(piece);
        }
      }
      if (!this.#isOver) this.#sink.end();
    } catch (error) {
      if (!this.#isOver) this.#sink.broken(error);
    }
    this.#isOver = true;
  }

  #moreRoom(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenRoom = resolve;
    });
  }
}
