/** A connection to the core: bytes in both directions, each at the pace of whoever reads them. */
import { WINDOW } from "./request-body.js";

/** Where what is said on a connection goes. */
export interface PipeSink {
  part(bytes: Uint8Array): void;
  end(): void;
  /** So many bytes of what the core has said were taken. */
  taken(bytes: number): void;
}

/** Whoever a connection is made for. */
export interface Listener {
  /** Bytes from the core. They count as on their way until `pipe.took` is called for them. */
  onBytes(bytes: Uint8Array): void;
  /** The core has nothing more to say; it may still listen. */
  onEnd(): void;
  /** There is room again for what is said to the core. */
  onRoom(): void;
  /** The connection is over: nobody listens any more. Comes once, and nothing comes after it. */
  onOver(): void;
}

/** See the top of the file. */
export class Pipe {
  readonly #sink: PipeSink;
  readonly #listener: Listener;
  #room = WINDOW;
  #isEnded = false;
  #isOver = false;

  constructor(sink: PipeSink, listener: Listener) {
    this.#sink = sink;
    this.#listener = listener;
  }

  /** Bytes that were said to the core and are not taken yet. */
  get waiting(): number {
    return WINDOW - this.#room;
  }

  /**
   * Says something to the core. Copied before this returns.
   *
   * @returns whether there is room for more; if not, `onRoom` says when.
   */
  write(bytes: Uint8Array): boolean {
    if (this.#isEnded || this.#isOver) return true;
    if (bytes.length > 0) {
      this.#room -= bytes.length;
      this.#sink.part(bytes);
    }
    return this.#room > 0;
  }

  /** Nothing more is said to the core. */
  close(): void {
    if (this.#isEnded || this.#isOver) return;
    this.#isEnded = true;
    this.#sink.end();
  }

  /** As many bytes of what the core has said are out of the way. */
  took(bytes: number): void {
    if (!this.#isOver && bytes > 0) this.#sink.taken(bytes);
  }

  /** From the core: it says something. @param bytes owned by the pipe from here on */
  part(bytes: Uint8Array): void {
    this.#listener.onBytes(bytes);
  }

  /** From the core: it has nothing more to say. */
  end(): void {
    this.#listener.onEnd();
  }

  /** From the core: it has taken something. */
  taken(bytes: number): void {
    const wasFull = this.#room <= 0;
    this.#room += bytes;
    if (wasFull && this.#room > 0) this.#listener.onRoom();
  }

  /** From the core: it is over. */
  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.onOver();
  }
}
