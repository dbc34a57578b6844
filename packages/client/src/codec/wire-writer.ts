const encoder = new TextEncoder();
const INITIAL_CAPACITY = 256;
/** Up to this many UTF-16 units a loop beats the call into `TextEncoder`. */
const SHORT_TEXT = 64;

/**
 * A byte buffer that grows as it is written to. Numbers are checked by nobody: callers pass values in range.
 *
 * One writer can be used for many messages: `reset()` keeps the memory.
 */
export class WireWriter {
  protected buffer: Uint8Array<ArrayBuffer>;
  protected data: DataView;
  protected end = 0;

  /** @param capacity bytes to start with; the buffer doubles when they are used up. */
  constructor(capacity = INITIAL_CAPACITY) {
    this.buffer = new Uint8Array(Math.max(capacity, 16));
    this.data = new DataView(this.buffer.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.end;
  }

  /** Appends one byte. */
  u8(value: number): void {
    if (this.end === this.buffer.length) this.grow(1);
    this.buffer[this.end++] = value;
  }

  /** Appends an unsigned 16-bit number, big endian. */
  u16be(value: number): void {
    const at = this.reserve(2);
    this.data.setUint16(at, value);
  }

  /** Appends an unsigned 32-bit number, big endian. */
  u32be(value: number): void {
    const at = this.reserve(4);
    this.data.setUint32(at, value);
  }

  /** Appends a 64-bit float, big endian. */
  f64be(value: number): void {
    const at = this.reserve(8);
    this.data.setFloat64(at, value);
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
    this.buffer.set(source, at);
  }

  /** Appends `text` as UTF-8 without a length; lone surrogates become U+FFFD. Returns the bytes appended. */
  utf8(text: string): number {
    const start = this.end;
    const units = text.length;
    if (this.buffer.length - start < units * 3) this.grow(units * 3);
    const buffer = this.buffer;
    if (units <= SHORT_TEXT) {
      let at = start;
      let index = 0;
      for (; index < units; index++) {
        const unit = text.charCodeAt(index);
        if (unit >= 0x80) break;
        buffer[at++] = unit;
      }
      if (index === units) {
        this.end = at;
        return units;
      }
    }
    const { written } = encoder.encodeInto(text, buffer.subarray(start));
    this.end = start + written;
    return written;
  }

  /** Appends `count` bytes of unspecified content and returns their offset. May replace buffer and view. */
  reserve(count: number): number {
    const at = this.end;
    if (this.buffer.length - at < count) this.grow(count);
    this.end = at + count;
    return at;
  }

  /** Overwrites the byte at `offset`. */
  patchU8(offset: number, value: number): void {
    this.buffer[offset] = value;
  }

  /** Forgets everything after the first `length` bytes. */
  truncate(length: number): void {
    if (length < this.end) this.end = length;
  }

  /** Forgets everything and keeps the memory. */
  reset(): void {
    this.end = 0;
  }

  /** A copy of the bytes from `start`. */
  finish(start = 0): Uint8Array<ArrayBuffer> {
    return this.buffer.slice(start, this.end);
  }

  protected grow(extra: number): void {
    const capacity = Math.max(this.buffer.length * 2, this.end + extra);
    const buffer = new Uint8Array(capacity);
    buffer.set(this.buffer.subarray(0, this.end));
    this.buffer = buffer;
    this.data = new DataView(buffer.buffer);
  }
}

/** A writer that grew beyond this is not kept. */
const MAX_KEPT_BYTES = 65_536;
let spare: WireWriter | undefined;

/**
 * The bytes that `write` writes. Saves making a writer per message; `write` may itself call this function, which
 * user code inside a value (`toJSON`, getters) can bring about.
 */
export function buildBytes(write: (writer: WireWriter) => void): Uint8Array<ArrayBuffer> {
  const writer = spare ?? new WireWriter();
  spare = undefined;
  writer.reset();
  write(writer);
  const bytes = writer.finish();
  if (bytes.length <= MAX_KEPT_BYTES) spare = writer;
  return bytes;
}
