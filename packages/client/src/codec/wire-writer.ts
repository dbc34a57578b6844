const INITIAL_CAPACITY = 256;

/**
 * A byte buffer that grows as it is written to. Numbers are checked by nobody: callers pass values in range.
 *
 * One writer can be used for many messages: `truncate(0)` keeps the memory.
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

  /** Bytes that it holds without growing. */
  get capacity(): number {
    return this.buffer.length;
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

  /** Appends `count` bytes of unspecified content and returns their offset. May replace buffer and view. */
  reserve(count: number): number {
    const at = this.end;
    if (this.buffer.length - at < count) this.grow(count);
    this.end = at + count;
    return at;
  }

  /** Forgets everything after the first `length` bytes. */
  truncate(length: number): void {
    if (length < this.end) this.end = length;
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

/** Builds bytes with a writer that is kept for the next time. */
export type BuildBytes<Writer> = (write: (writer: Writer) => void) => Uint8Array<ArrayBuffer>;

/**
 * Makes a function that gives the bytes that `write` writes. It saves making a writer per message; `write` may itself
 * call this function, which user code inside a value (`toJSON`, getters) can bring about.
 */
export function bytesBuilder<Writer extends WireWriter>(make: () => Writer): BuildBytes<Writer> {
  let spare: Writer | undefined;
  return (write) => {
    const writer = spare ?? make();
    spare = undefined;
    writer.truncate(0);
    write(writer);
    const bytes = writer.finish();
    if (writer.capacity <= MAX_KEPT_BYTES) spare = writer;
    return bytes;
  };
}

/** Gives the bytes that `write` writes to a {@link WireWriter}. */
export const buildMessage = /* @__PURE__ */ bytesBuilder(() => new WireWriter());
