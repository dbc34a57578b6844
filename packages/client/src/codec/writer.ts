import { bytesBuilder, WireWriter } from "./wire-writer.js";

const encoder = new TextEncoder();
/** Up to this many UTF-16 units a loop beats the call into `TextEncoder`. */
const SHORT_TEXT = 64;

/** A {@link WireWriter} that writes text fast, more kinds of numbers, and into what it wrote before. */
export class ByteWriter extends WireWriter {
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

  /** Forgets everything and keeps the memory. */
  reset(): void {
    this.end = 0;
  }

  /** Appends an unsigned 16-bit number, little endian. */
  u16le(value: number): void {
    const at = this.reserve(2);
    this.data.setUint16(at, value, true);
  }

  /** Appends an unsigned 32-bit number, little endian. */
  u32le(value: number): void {
    const at = this.reserve(4);
    this.data.setUint32(at, value, true);
  }

  /** Appends an unsigned 64-bit number, little endian. */
  u64le(value: bigint): void {
    const at = this.reserve(8);
    this.data.setBigUint64(at, value, true);
  }

  /** Appends an unsigned 64-bit number, big endian. */
  u64be(value: bigint): void {
    const at = this.reserve(8);
    this.data.setBigUint64(at, value);
  }

  /** Appends a 64-bit float, little endian. */
  f64le(value: number): void {
    const at = this.reserve(8);
    this.data.setFloat64(at, value, true);
  }

  /** Overwrites four bytes at `offset` with an unsigned number, little endian. */
  patchU32le(offset: number, value: number): void {
    this.data.setUint32(offset, value, true);
  }

  /** Overwrites four bytes at `offset` with an unsigned number, big endian. */
  patchU32be(offset: number, value: number): void {
    this.data.setUint32(offset, value);
  }

  /** Moves the bytes from `from` to the end down to the earlier offset `to`, and shortens by the difference. */
  closeGap(to: number, from: number): void {
    this.buffer.copyWithin(to, from, this.end);
    this.end -= from - to;
  }

  /** The bytes from `start`, without a copy: valid until the next write, `truncate` or `reset`. */
  view(start = 0): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(start, this.end);
  }
}

/** Gives the bytes that `write` writes to a {@link ByteWriter}. */
export const buildBytes = /* @__PURE__ */ bytesBuilder(() => new ByteWriter());
