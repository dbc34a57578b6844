import type { ClientRecord } from "./client.js";
import { NONE } from "./records.js";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
/**
 * Up to this many bytes a loop beats a native call. Longer texts it would make of many pieces, each with memory of its
 * own, for as long as the text lives.
 */
const SHORT_TEXT = 12;

/** A caller of whom nothing is known. */
const NOBODY: ClientRecord = { params: undefined, auth: undefined, request: undefined, chain: undefined };

/**
 * Reads a batch of events field by field. Byte fields are views: they must not outlive the batch. Every method throws a
 * RangeError when the bytes end early.
 */
export class BatchReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  u8(): number {
    return this.#view.getUint8(this.#position++);
  }

  u16(): number {
    const at = this.#position;
    this.#position = at + 2;
    return this.#view.getUint16(at, true);
  }

  u32(): number {
    const at = this.#position;
    this.#position = at + 4;
    return this.#view.getUint32(at, true);
  }

  f64(): number {
    const at = this.#position;
    this.#position = at + 8;
    return this.#view.getFloat64(at, true);
  }

  str(): string {
    const size = this.u32();
    const start = this.#skip(size);
    const end = start + size;
    if (size <= SHORT_TEXT) {
      let text = "";
      let at = start;
      for (; at < end; at++) {
        const byte = this.#bytes[at] as number;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (at === end) return text;
    }
    return utf8.decode(this.#bytes.subarray(start, end));
  }

  bytes(): Uint8Array {
    return this.#take(this.u32());
  }

  /** Bytes that may be absent. */
  opt(): Uint8Array | undefined {
    const size = this.u32();
    return size === NONE ? undefined : this.#take(size);
  }

  /** What is known of a client. */
  client(): ClientRecord {
    const known = this.u8();
    if (known === 0) return NOBODY;
    return {
      params: (known & 1) === 0 ? undefined : this.bytes(),
      auth: (known & 2) === 0 ? undefined : this.bytes(),
      request: (known & 4) === 0 ? undefined : this.bytes(),
      chain: (known & 8) === 0 ? undefined : this.bytes(),
    };
  }

  /** A text that may be absent. */
  optStr(): string | undefined {
    const bytes = this.opt();
    return bytes === undefined ? undefined : utf8.decode(bytes);
  }

  #take(size: number): Uint8Array {
    const at = this.#skip(size);
    return this.#bytes.subarray(at, at + size);
  }

  /** Moves over `size` bytes and returns where they start. A view would give what is there of them. */
  #skip(size: number): number {
    const at = this.#position;
    if (size > this.#bytes.length - at) throw new RangeError("a batch of events ends early");
    this.#position = at + size;
    return at;
  }
}
