import { WireWriter } from "./wire-writer.js";

/** A {@link WireWriter} that writes more kinds of numbers, and into what it wrote before. */
export class ByteWriter extends WireWriter {
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
