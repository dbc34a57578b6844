/** The body of an answer that the core sends part by part, as fast as somebody reads it. */

/** Bytes that may wait to be read before the core is told to wait. */
const KEPT = 64 * 1024;

/** See the top of the file. */
export class ResponseBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #taken: (bytes: number) => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Bytes that were received and not yet asked for. */
  #owed = 0;

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
        pull: () => this.#settle(),
        cancel: () => {
          this.#controller = undefined;
          cancelled();
        },
      },
      { highWaterMark: KEPT, size: (part) => part?.length ?? 0 },
    );
  }

  /** @param bytes Owned by the body from here on. */
  part(bytes: Uint8Array): void {
    const controller = this.#controller;
    if (controller === undefined) return;
    controller.enqueue(bytes);
    this.#owed += bytes.length;
    if ((controller.desiredSize ?? 0) > 0) this.#settle();
  }

  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  fail(error: unknown): void {
    this.#controller?.error(error);
    this.#controller = undefined;
  }

  #settle(): void {
    const bytes = this.#owed;
    this.#owed = 0;
    if (bytes > 0) this.#taken(bytes);
  }
}
