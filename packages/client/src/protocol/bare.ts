import { decodeValue } from "../codec/decode.js";
import { encodeCompat } from "../codec/encode.js";
import type { WireWriter } from "../codec/wire-writer.js";

/** The protocol version we write, little endian, in front of every BARE message. */
export const VERSION = 4;
const OLDEST_VERSION = 1;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

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

/** Reads BARE fields in order; every method throws a `RangeError` when the bytes end early. */
export class BareReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;
  /** The version that the message started with, 1 to 4. */
  readonly version: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.version = this.#view.getUint16(this.#skip(2), true);
    if (this.version < OLDEST_VERSION || this.version > VERSION) {
      throw new RangeError(`protocol version ${this.version}, known are ${OLDEST_VERSION} to ${VERSION}`);
    }
  }

  /** Whether all bytes have been read. */
  get atEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  /** A `uint` up to 2^53 - 1. */
  uint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#view.getUint8(this.#skip(1));
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError("a number beyond 2^53");
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  str(): string {
    return utf8.decode(this.#sized());
  }

  bool(): boolean {
    return this.#view.getUint8(this.#skip(1)) !== 0;
  }

  /** A `data` field that holds a value in compat form. */
  value(): unknown {
    return decodeValue(this.#sized(), "compat");
  }

  optional<T>(read: () => T): T | undefined {
    return this.bool() ? read() : undefined;
  }

  #sized(): Uint8Array {
    const size = this.uint();
    const at = this.#skip(size);
    return this.#bytes.subarray(at, at + size);
  }

  #skip(count: number): number {
    const at = this.#position;
    if (count > this.#bytes.length - at) throw new RangeError("the message is truncated");
    this.#position = at + count;
    return at;
  }
}
