const encoder = new TextEncoder();
const INITIAL_CAPACITY = 256;
/** Up to this many UTF-16 units a loop beats the call into `TextEncoder`. */
const SHORT_TEXT = 64;

/**
 * A byte buffer that grows as it is written to. Numbers are checked by nobody: callers pass values in range.
 *
 * One writer can be used for many messages: `reset()` keeps the memory.
 */
export class ByteWriter {
  #buffer: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  /** @param capacity bytes to start with; the buffer doubles when they are used up. */
  constructor(capacity = INITIAL_CAPACITY) {
    this.#buffer = new Uint8Array(Math.max(capacity, 16));
    this.#view = new DataView(this.#buffer.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Appends one byte. */
  u8(value: number): void {
    if (this.#length === this.#buffer.length) this.#grow(1);
    this.#buffer[this.#length++] = value;
  }

  /** Appends an unsigned 16-bit number, little endian. */
  u16le(value: number): void {
    const at = this.reserve(2);
    this.#view.setUint16(at, value, true);
  }

  /** Appends an unsigned 16-bit number, big endian. */
  u16be(value: number): void {
    const at = this.reserve(2);
    this.#view.setUint16(at, value);
  }

  /** Appends an unsigned 32-bit number, little endian. */
  u32le(value: number): void {
    const at = this.reserve(4);
    this.#view.setUint32(at, value, true);
  }

  /** Appends an unsigned 32-bit number, big endian. */
  u32be(value: number): void {
    const at = this.reserve(4);
    this.#view.setUint32(at, value);
  }

  /** Appends an unsigned 64-bit number, little endian. */
  u64le(value: bigint): void {
    const at = this.reserve(8);
    this.#view.setBigUint64(at, value, true);
  }

  /** Appends an unsigned 64-bit number, big endian. */
  u64be(value: bigint): void {
    const at = this.reserve(8);
    this.#view.setBigUint64(at, value);
  }

  /** Appends a 64-bit float, little endian. */
  f64le(value: number): void {
    const at = this.reserve(8);
    this.#view.setFloat64(at, value, true);
  }

  /** Appends a 64-bit float, big endian. */
  f64be(value: number): void {
    const at = this.reserve(8);
    this.#view.setFloat64(at, value);
  }

  /** Appends a non-negative integer up to 2^53 - 1 in base 128, lowest group first (BARE `uint`). */
  uvarint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.u8(rest);
  }

  /** Appends a copy of `source`. */
  bytes(source: Uint8Array): void {
    const at = this.reserve(source.length);
    this.#buffer.set(source, at);
  }

  /** Appends `text` as UTF-8 without a length; lone surrogates become U+FFFD. Returns the bytes appended. */
  utf8(text: string): number {
    const start = this.#length;
    const units = text.length;
    if (this.#buffer.length - start < units * 3) this.#grow(units * 3);
    const buffer = this.#buffer;
    if (units <= SHORT_TEXT) {
      let at = start;
      let index = 0;
      for (; index < units; index++) {
        const unit = text.charCodeAt(index);
        if (unit >= 0x80) break;
        buffer[at++] = unit;
      }
      if (index === units) {
        this.#length = at;
        return units;
      }
    }
    const { written } = encoder.encodeInto(text, buffer.subarray(start));
    this.#length = start + written;
    return written;
  }

  /** Appends `count` bytes of unspecified content and returns their offset. May replace buffer and view. */
  reserve(count: number): number {
    const at = this.#length;
    if (this.#buffer.length - at < count) this.#grow(count);
    this.#length = at + count;
    return at;
  }

  /** Overwrites the byte at `offset`. */
  patchU8(offset: number, value: number): void {
    this.#buffer[offset] = value;
  }

  /** Overwrites four bytes at `offset` with an unsigned number, little endian. */
  patchU32le(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  /** Overwrites four bytes at `offset` with an unsigned number, big endian. */
  patchU32be(offset: number, value: number): void {
    this.#view.setUint32(offset, value);
  }

  /** Moves the bytes from `from` to the end down to the earlier offset `to`, and shortens by the difference. */
  closeGap(to: number, from: number): void {
    this.#buffer.copyWithin(to, from, this.#length);
    this.#length -= from - to;
  }

  /** Forgets everything after the first `length` bytes. */
  truncate(length: number): void {
    if (length < this.#length) this.#length = length;
  }

  /** Forgets everything and keeps the memory. */
  reset(): void {
    this.#length = 0;
  }

  /** The bytes from `start`, without a copy: valid until the next write, `truncate` or `reset`. */
  view(start = 0): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(start, this.#length);
  }

  /** A copy of the bytes from `start`. */
  finish(start = 0): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(start, this.#length);
  }

  #grow(extra: number): void {
    const capacity = Math.max(this.#buffer.length * 2, this.#length + extra);
    const buffer = new Uint8Array(capacity);
    buffer.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer);
  }
}

/** A writer that grew beyond this is not kept. */
const MAX_KEPT_BYTES = 65_536;
let spare: ByteWriter | undefined;

/**
 * The bytes that `write` writes. Saves making a writer per message; `write` may itself call this function, which
 * user code inside a value (`toJSON`, getters) can bring about.
 */
export function buildBytes(write: (writer: ByteWriter) => void): Uint8Array<ArrayBuffer> {
  const writer = spare ?? new ByteWriter();
  spare = undefined;
  writer.reset();
  write(writer);
  const bytes = writer.finish();
  if (bytes.length <= MAX_KEPT_BYTES) spare = writer;
  return bytes;
}
