/** The body of a request, as the core hands it over piece by piece. */
import { STREAM_WINDOW } from "./records.js";

/** What the handler reads from, and what the core writes to. */
export class RequestBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #grant: (bytes: number) => void;
  readonly #pieces: Uint8Array[] = [];
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Settles when there is something to read again. */
  #arrived: (() => void) | undefined;
  #isComplete = false;
  #isOver = false;
  /** Bytes that were read and for which no credit was granted yet. */
  #owed = 0;

  /** @param grant Tells the core that so many bytes were read. */
  constructor(grant: (bytes: number) => void) {
    this.#grant = grant;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.#end(),
      },
      // Nothing is taken out ahead of the handler: the credit is the buffer.
      { highWaterMark: 0 },
    );
  }

  /** A piece has arrived. @param piece A view that does not last. */
  data(piece: Uint8Array): void {
    if (this.#isOver) return;
    this.#pieces.push(piece.slice());
    this.#arrived?.();
  }

  /** Nothing follows. */
  end(): void {
    this.#isComplete = true;
    this.#arrived?.();
  }

  /** It breaks off, or nobody may read it any more. What is complete can still be read. */
  fail(reason: Error): void {
    if (this.#isOver || this.#isComplete) return;
    this.#end();
    this.#controller?.error(reason);
  }

  async #pull(): Promise<void> {
    while (this.#pieces.length === 0 && !this.#isComplete) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
      this.#arrived = undefined;
      if (this.#isOver) return;
    }
    const piece = this.#pieces.shift();
    if (piece === undefined) {
      this.#isOver = true;
      this.#controller?.close();
      return;
    }
    this.#controller?.enqueue(piece);
    this.#owed += piece.length;
    if (this.#owed < STREAM_WINDOW / 2 || this.#isComplete) return;
    this.#grant(this.#owed);
    this.#owed = 0;
  }

  #end(): void {
    this.#isOver = true;
    this.#pieces.length = 0;
    this.#arrived?.();
  }
}
