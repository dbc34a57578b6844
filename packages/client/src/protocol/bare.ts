import { Cursor } from "../codec/cursor.js";
import { decodeCompat, encodeCompat } from "../codec/usual.js";
import type { WireWriter } from "../codec/wire-writer.js";

/** The protocol version we write, little endian, in front of every BARE message. */
export const VERSION = 4;
const OLDEST_VERSION = 1;

/** Appends the version that starts every message. */
export function writeVersion(writer: WireWriter): void {
  writer.u8(VERSION);
  writer.u8(0);
}

/** Appends BARE `str`. */
export function writeStr(writer: WireWriter, text: string): void {
  writeSized(writer, () => writer.utf8(text));
}

/** Appends BARE `bool`. */
export function writeBool(writer: WireWriter, value: boolean): void {
  writer.u8(value ? 1 : 0);
}

/** Appends BARE `data` that holds a value in compat form. */
export function writeData(writer: WireWriter, value: unknown, at: string): void {
  writeSized(writer, () => encodeCompat(writer, value, at));
}

/** Appends what `write` appends, with its length as `uint` in front. */
function writeSized(writer: WireWriter, write: () => void): void {
  const start = writer.reserve(1);
  try {
    write();
  } catch (error) {
    writer.truncate(start);
    throw error;
  }
  const size = writer.length - start - 1;
  if (size < 0x80) {
    writer.patchU8(start, size);
    return;
  }
  const content = writer.finish(start + 1);
  writer.truncate(start);
  writer.uvarint(size);
  writer.bytes(content);
}

/** Reads BARE fields in order; every method throws when the bytes end early. */
export class BareReader extends Cursor {
  /** The version that the message started with, 1 to 4. */
  readonly version: number;

  constructor(bytes: Uint8Array) {
    super(bytes);
    this.version = this.view.getUint16(this.skip(2), true);
    if (this.version < OLDEST_VERSION || this.version > VERSION) {
      throw new RangeError(`protocol version ${this.version}, known are ${OLDEST_VERSION} to ${VERSION}`);
    }
  }

  /** A `uint` up to 2^53 - 1. */
  uint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError("a number beyond 2^53");
      if (byte < 0x80) return value;
    }
  }

  str(): string {
    return this.text(this.uint());
  }

  bool(): boolean {
    return this.u8() !== 0;
  }

  /** A `data` field that holds a value in compat form. */
  value(): unknown {
    const size = this.uint();
    const at = this.skip(size);
    return decodeCompat(this.bytes.subarray(at, at + size));
  }

  optional<T>(read: () => T): T | undefined {
    return this.bool() ? read() : undefined;
  }
}
