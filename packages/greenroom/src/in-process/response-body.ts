/** The body of an answer that the core sends part by part, as fast as somebody reads it. */

/** How it is to go on when nothing waits to be read. */
type Ending = { readonly kind: "end" } | { readonly kind: "failure"; readonly error: unknown };

/** See the top of the file. */
export class ResponseBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #taken: (bytes: number) => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Parts that nobody has asked for. How much that is the core limits. */
  readonly #parts: Uint8Array[] = [];
  #ending: Ending | undefined;
  /** Somebody waits for the next part. */
  #wake: (() => void) | undefined;

  /**
   * @param taken Lets the core send as many bytes more.
   * @param cancelled Nobody reads the rest.
   */
  constructor(taken: (bytes: number) => void, cancelled: () => void) {
    this.#taken = taken;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => {
          this.#controller = undefined;
          this.#parts.length = 0;
          cancelled();
          this.#wake?.();
        },
      },
      // What fails after a part must not take that part along, as it would if the stream kept it.
      { highWaterMark: 0 },
    );
  }

  /** @param bytes Owned by the body from here on. */
  part(bytes: Uint8Array): void {
    if (this.#controller === undefined) return;
    this.#parts.push(bytes);
    this.#wake?.();
  }

  end(): void {
    this.#end({ kind: "end" });
  }

  fail(error: unknown): void {
    this.#end({ kind: "failure", error });
  }

  #end(ending: Ending): void {
    this.#ending ??= ending;
    // Whoever has read everything need not read again to learn of it.
    if (this.#parts.length === 0) this.#finish(this.#ending);
    this.#wake?.();
  }

  async #pull(): Promise<void> {
    if (this.#parts.length === 0 && this.#ending === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const part = this.#parts.shift();
    if (part !== undefined) {
      this.#controller?.enqueue(part);
      this.#taken(part.length);
    }
    if (this.#parts.length === 0 && this.#ending?.kind === "end") this.#finish(this.#ending);
    else if (part === undefined && this.#ending !== undefined) this.#finish(this.#ending);
  }

  #finish(ending: Ending): void {
    const controller = this.#controller;
    this.#controller = undefined;
    if (ending.kind === "end") controller?.close();
    else controller?.error(ending.error);
  }
}
