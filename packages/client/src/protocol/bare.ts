import { Cursor } from "../codec/cursor.js";
import { decodeCompat, encodeCompat } from "../codec/usual.js";
import type { WireWriter } from "../codec/wire-writer.js";

/** The protocol version we write, little endian, in front of every BARE message. */
export const VERSION = 4;
const OLDEST_VERSION = 1;
const utf8 = new TextEncoder();

/** Appends the version that starts every message. */
export function writeVersion(writer: WireWriter): void {
  writer.u8(VERSION);
  writer.u8(0);
}

/** Appends BARE `str`. */
export function writeStr(writer: WireWriter, text: string): void {
  writeBytes(writer, utf8.encode(text));
}

/** Appends BARE `bool`. */
export function writeBool(writer: WireWriter, value: boolean): void {
  writer.u8(value ? 1 : 0);
}

/** Appends BARE `data` that holds a value in compat form. If it throws, the message is not to be used. */
export function writeData(writer: WireWriter, value: unknown, at: string): void {
  const start = writer.length;
  encodeCompat(writer, value, at);
  const content = writer.finish(start);
  writer.truncate(start);
  writeBytes(writer, content);
}

function writeBytes(writer: WireWriter, bytes: Uint8Array): void {
  writer.uvarint(bytes.length);
  writer.bytes(bytes);
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
