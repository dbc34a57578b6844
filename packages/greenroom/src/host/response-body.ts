/** Responses on their way to the core: head, and body piece by piece as credit allows. */
import type { Instance } from "./instance.js";
import { STREAM_PIECE, STREAM_WINDOW } from "./records.js";

/** How a response begins. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Header lines; values have one character for each byte. */
  readonly headers: readonly (readonly [string, string])[];
}

const utf8 = new TextEncoder();

/** Whether a handler gave a response, of whatever make. */
export function isResponse(value: unknown): value is Response {
  if (typeof value !== "object" || value === null) return false;
  const { status, headers, body } = value as Partial<Record<keyof Response, unknown>>;
  return (
    typeof status === "number" &&
    typeof (headers as { forEach?: unknown } | undefined)?.forEach === "function" &&
    (body === null || typeof (body as { getReader?: unknown } | undefined)?.getReader === "function")
  );
}

/** @throws TypeError if the response, of another make than the platform's, has what no response can have. */
export function headOf({ status, statusText, headers }: Response): ResponseHead {
  const isPossible = Number.isInteger(status) && status >= 200 && status <= 599;
  // `Response.error()` has the status 0.
  if (!isPossible && status !== 0) throw new TypeError(`a response cannot have the status ${status}`);
  const lines = [...headers].map(([name, value]) => [String(name), String(value)] as const);
  return { status: status === 0 ? 500 : status, reason: String(statusText ?? ""), headers: lines };
}

/** A body that is being read. */
export class ResponseBody {
  readonly #instance: Instance;
  readonly #call: number;
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  #credit = STREAM_WINDOW;
  #granted: (() => void) | undefined;
  #isCancelled = false;

  /** @throws TypeError if somebody else reads it already. */
  constructor(instance: Instance, call: number, body: ReadableStream<unknown>) {
    this.#instance = instance;
    this.#call = call;
    this.#reader = body.getReader();
  }

  /** Puts out all of it, or that it breaks off. Never rejects. */
  async run(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (this.#isCancelled) return;
        if (done) break;
        await this.#put(bytesOf(value));
        if (this.#isCancelled) return;
      }
      this.#instance.outputs().responseEnd(this.#call);
    } catch (error) {
      if (this.#isCancelled) return;
      this.#instance.logHookError("onRequest", error);
      this.#instance.outputs().responseAbort(this.#call);
      void this.#reader.cancel(error).catch(() => {});
    }
  }

  /** So many bytes more are wanted. */
  grant(bytes: number): void {
    this.#credit += bytes;
    this.#granted?.();
  }

  /** Nobody reads it any more. */
  cancel(reason: unknown): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    void this.#reader.cancel(reason).catch(() => {});
    this.#granted?.();
    if (!this.#instance.isDropped) this.#instance.outputs().responseAbort(this.#call);
  }

  async #put(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += STREAM_PIECE) {
      while (this.#credit <= 0 && !this.#isCancelled) {
        await new Promise<void>((resolve) => {
          this.#granted = resolve;
        });
      }
      if (this.#isCancelled) return;
      const piece = bytes.subarray(at, at + STREAM_PIECE);
      this.#credit -= piece.length;
      this.#instance.outputs().responseData(this.#call, piece);
    }
  }
}

/** @throws TypeError for what is no piece of a body. */
function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return utf8.encode(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError("the body of a Response has to consist of bytes or text");
}
