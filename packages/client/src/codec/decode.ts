import { reviveEscape } from "./escape.js";
import { MAX_DEPTH, Tag, type ValueForm } from "./form.js";
import { isTypedArrayTag, typedArrayFromTag } from "./typed-arrays.js";

/** Up to this many bytes a loop beats the call into `TextDecoder`. */
const SHORT_TEXT = 32;
/** Bytes that a bigint on the wire may have: more than that and nobody could read it in decimal. */
const MAX_BIGINT_BYTES = 4151;
const INDEFINITE = -1;
const BREAK = 0xff;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Error classes that come back as themselves; any other error name becomes an `Error` with that `name`. */
const STANDARD_ERRORS: ReadonlyMap<string, ErrorConstructor> = new Map(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((found) => [
    found.name,
    found as ErrorConstructor,
  ]),
);

/** The bytes are not a value of the expected form. */
export class ValueFormatError extends Error {
  override readonly name = "ValueFormatError";
  /** Offset of the offending byte or item. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} (at byte ${offset})`);
    this.offset = offset;
  }
}

/** How `decodeValue` treats its input. */
export interface DecodeOptions {
  /** Ignore bytes after the value instead of refusing them. Default `false`. */
  readonly allowTrailing?: boolean;
}

/**
 * The value of one CBOR item that fills `bytes`. Nothing in the result shares memory with `bytes`.
 *
 * @throws ValueFormatError when the bytes are truncated, malformed, nested too deeply, or go on after the item.
 */
export function decodeValue(bytes: Uint8Array, form: ValueForm, options?: DecodeOptions): unknown {
  const reader = new ValueReader(bytes, form);
  const value = reader.read();
  if (!reader.atEnd && options?.allowTrailing !== true) {
    throw new ValueFormatError("unexpected bytes after the value", reader.position);
  }
  return value;
}

/** Reads a sequence of CBOR items. */
export class ValueReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #compat: boolean;
  readonly #isOwn: boolean;
  #position: number;

  constructor(bytes: Uint8Array, form: ValueForm, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#compat = form === "compat";
    // What was stored was in memory before, however large.
    this.#isOwn = form === "state";
    this.#position = offset;
  }

  /** Offset of the next item. */
  get position(): number {
    return this.#position;
  }

  /** Whether all bytes have been read. */
  get atEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  /**
   * Reads the next item.
   *
   * @throws ValueFormatError
   */
  read(): unknown {
    return this.#item(0);
  }

  #item(depth: number): unknown {
    const start = this.#position;
    const head = this.#byte();
    const major = head >> 5;
    const info = head & 0x1f;
    switch (major) {
      case 0:
        return this.#integer(info, start, false);
      case 1:
        return this.#integer(info, start, true);
      case 2:
        return this.#byteString(info, start).buffer;
      case 3:
        return this.#text(info, start);
      case 4:
        return this.#array(info, start, depth);
      case 5:
        return this.#record(info, start, depth);
      case 6:
        return this.#tagged(this.#count(info, start), start, depth);
      default:
        return this.#simple(info, start);
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw new ValueFormatError("the value is truncated", this.#position);
    this.#position++;
    return byte;
  }

  /** Moves over `count` bytes and returns where they start. */
  #skip(count: number): number {
    const at = this.#position;
    if (count > this.#bytes.length - at) throw new ValueFormatError("the value is truncated", at);
    this.#position = at + count;
    return at;
  }

  /** The argument of a head: a length, a count or a tag. */
  #count(info: number, start: number): number {
    if (info < 24) return info;
    switch (info) {
      case 24:
        return this.#byte();
      case 25:
        return this.#view.getUint16(this.#skip(2));
      case 26:
        return this.#view.getUint32(this.#skip(4));
      case 27: {
        const wide = this.#view.getBigUint64(this.#skip(8));
        if (wide > 0xffff_ffffn) throw new ValueFormatError("a length beyond 32 bits", start);
        return Number(wide);
      }
      default:
        throw new ValueFormatError("a reserved head", start);
    }
  }

  #integer(info: number, start: number, negative: boolean): number | bigint {
    if (info === 27) {
      const wide = this.#view.getBigUint64(this.#skip(8));
      return negative ? -1n - wide : wide;
    }
    const value = this.#count(info, start);
    return negative ? -1 - value : value;
  }

  /** A copy, so that what users receive never aliases a network buffer. */
  #byteString(info: number, start: number): Uint8Array<ArrayBuffer> {
    if (info === 31) throw new ValueFormatError("a byte string of indefinite length", start);
    const size = this.#count(info, start);
    const at = this.#skip(size);
    const copy = new Uint8Array(size);
    copy.set(this.#bytes.subarray(at, at + size));
    return copy;
  }

  #text(info: number, start: number): string {
    if (info === 31) throw new ValueFormatError("a text of indefinite length", start);
    const size = this.#count(info, start);
    const at = this.#skip(size);
    const end = at + size;
    if (size <= SHORT_TEXT) {
      let text = "";
      let index = at;
      for (; index < end; index++) {
        const byte = this.#bytes[index] as number;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (index === end) return text;
    }
    try {
      return utf8.decode(this.#bytes.subarray(at, end));
    } catch {
      throw new ValueFormatError("text that is not UTF-8", start);
    }
  }

  #array(info: number, start: number, depth: number): unknown {
    if (!this.#compat) return this.#items(info, start, depth);
    const count = this.#enter(info, start, depth, 1);
    const mayEscape = count === 2 || count === INDEFINITE;
    const items: unknown[] = [];
    for (let index = 0; this.#hasMore(index, count); index++) {
      const members = mayEscape && index === 1 && items[0] === "$Set";
      items.push(members ? this.#members(depth + 1) : this.#item(depth + 1));
    }
    // An array of unknown length that only began like a Set: its second element is an ordinary value.
    const [name, second] = items;
    if (items.length > 2 && mayEscape && name === "$Set" && Array.isArray(second)) {
      items[1] = this.#revived(second, start);
    }
    return this.#revived(items, start);
  }

  /** The value behind an array in compat form, which may be the array itself. */
  #revived(items: unknown[], start: number): unknown {
    const [name, content] = items;
    if (items.length !== 2 || typeof name !== "string" || !name.startsWith("$")) return items;
    return reviveEscape(name, content, (message) => new ValueFormatError(message, start));
  }

  /** The array of a Set's members, which is no escape even if it looks like one. */
  #members(depth: number): unknown {
    const start = this.#position;
    const head = this.#bytes[start];
    if (head === undefined || head >> 5 !== 4) return this.#item(depth);
    this.#position++;
    return this.#items(head & 0x1f, start, depth);
  }

  #items(info: number, start: number, depth: number): unknown[] {
    const count = this.#enter(info, start, depth, 1);
    const items: unknown[] = [];
    for (let index = 0; this.#hasMore(index, count); index++) items.push(this.#item(depth + 1));
    return items;
  }

  #record(info: number, start: number, depth: number): Record<string, unknown> {
    const count = this.#enter(info, start, depth, 2);
    const record: Record<string, unknown> = {};
    for (let index = 0; this.#hasMore(index, count); index++) {
      const key = this.#key(depth + 1);
      const value = this.#item(depth + 1);
      // Plain assignment of this one key would change the prototype instead.
      if (key === "__proto__") {
        Object.defineProperty(record, key, { value, writable: true, enumerable: true, configurable: true });
      } else {
        record[key] = value;
      }
    }
    return record;
  }

  #key(depth: number): string {
    const start = this.#position;
    const key = this.#item(depth);
    if (typeof key === "string") return key;
    if (typeof key === "number" || typeof key === "bigint" || typeof key === "boolean") return String(key);
    throw new ValueFormatError("an object key that is not text", start);
  }

  /** The announced count of a container whose entries have `itemsEach` items, or `INDEFINITE`. */
  #enter(info: number, start: number, depth: number, itemsEach: number): number {
    if (depth >= MAX_DEPTH) throw new ValueFormatError(`nested deeper than ${MAX_DEPTH} levels`, start);
    if (info === 31) return INDEFINITE;
    const count = this.#count(info, start);
    // An item takes a byte at least, so a larger count is a lie that must not make us allocate.
    if (count * itemsEach > this.#bytes.length - this.#position) {
      throw new ValueFormatError("the value is truncated", start);
    }
    return count;
  }

  #hasMore(index: number, count: number): boolean {
    if (count !== INDEFINITE) return index < count;
    if (this.#bytes[this.#position] !== BREAK) return true;
    this.#position++;
    return false;
  }

  #simple(info: number, start: number): unknown {
    switch (info) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
        return null;
      case 23:
        return undefined;
      case 25:
        return halfFloat(this.#view.getUint16(this.#skip(2)));
      case 26:
        return this.#view.getFloat32(this.#skip(4));
      case 27:
        return this.#view.getFloat64(this.#skip(8));
      default:
        throw new ValueFormatError("an unknown simple value", start);
    }
  }

  #tagged(tag: number, start: number, depth: number): unknown {
    if (isTypedArrayTag(tag)) {
      const array = typedArrayFromTag(tag, this.#taggedBytes(start));
      if (array === undefined) throw new ValueFormatError("a typed array with half an element", start);
      return array;
    }
    switch (tag) {
      case Tag.epoch:
        return this.#date(start, depth);
      case Tag.bignum:
        return this.#bigint(start);
      case Tag.negativeBignum:
        return -1n - this.#bigint(start);
      case Tag.object:
        return this.#namedObject(start, depth);
      case Tag.set:
        return new Set(this.#taggedItems(start, depth));
      case Tag.map:
        return this.#map(start, depth);
      case Tag.utf16:
        return this.#utf16(start);
      default:
        throw new ValueFormatError(`the unknown tag ${tag}`, start);
    }
  }

  #taggedBytes(start: number): Uint8Array<ArrayBuffer> {
    const head = this.#byte();
    if (head >> 5 !== 2) throw new ValueFormatError("a tag that needs a byte string", start);
    return this.#byteString(head & 0x1f, start);
  }

  #bigint(start: number): bigint {
    const bytes = this.#taggedBytes(start);
    if (bytes.length > MAX_BIGINT_BYTES && !this.#isOwn) {
      throw new ValueFormatError(`a bigint of more than ${MAX_BIGINT_BYTES} bytes`, start);
    }
    return bigintFromBytes(bytes);
  }

  #taggedItems(start: number, depth: number): unknown[] {
    const head = this.#byte();
    if (head >> 5 !== 4) throw new ValueFormatError("a tag that needs an array", start);
    return this.#items(head & 0x1f, start, depth);
  }

  #date(start: number, depth: number): Date {
    // Tags around tags are no containers, and would nest without an end.
    if (depth > MAX_DEPTH) throw new ValueFormatError(`nested deeper than ${MAX_DEPTH} levels`, start);
    const seconds = this.#item(depth + 1);
    if (typeof seconds !== "number" && typeof seconds !== "bigint") {
      throw new ValueFormatError("a date that is not a number", start);
    }
    return new Date(milliseconds(Number(seconds)));
  }

  #namedObject(start: number, depth: number): RegExp | Error {
    const [name, first, second] = this.#taggedItems(start, depth);
    if (typeof name !== "string") throw new ValueFormatError("an object without a class name", start);
    if (name === "RegExp") return this.#regExp(first, second, start);
    const message = typeof first === "string" ? first : "";
    const standard = STANDARD_ERRORS.get(name);
    if (standard !== undefined) return new standard(message);
    const error = new Error(message);
    Object.defineProperty(error, "name", { value: name, writable: true, configurable: true });
    return error;
  }

  #regExp(source: unknown, flags: unknown, start: number): RegExp {
    if (typeof source === "string" && (typeof flags === "string" || flags === undefined)) {
      try {
        return new RegExp(source, flags);
      } catch {
        // Reported below, like any other content that makes no expression.
      }
    }
    throw new ValueFormatError("an invalid regular expression", start);
  }

  #map(start: number, depth: number): Map<unknown, unknown> {
    const head = this.#byte();
    if (head >> 5 !== 5) throw new ValueFormatError("a tag that needs a map", start);
    const count = this.#enter(head & 0x1f, start, depth, 2);
    const map = new Map<unknown, unknown>();
    for (let index = 0; this.#hasMore(index, count); index++) {
      const key = this.#item(depth + 1);
      map.set(key, this.#item(depth + 1));
    }
    return map;
  }

  #utf16(start: number): string {
    const bytes = this.#taggedBytes(start);
    if (bytes.length % 2 !== 0) throw new ValueFormatError("half a UTF-16 unit", start);
    let text = "";
    for (const unit of new Uint16Array(bytes.buffer)) text += String.fromCharCode(unit);
    return text;
  }
}

function bigintFromBytes(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  let hex = "0x";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return BigInt(hex);
}

function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (fraction + 0x400) * 2 ** (exponent - 25);
}

/** The whole milliseconds whose seconds were written: the product alone is off by one for distant dates. */
function milliseconds(seconds: number): number {
  const near = Math.round(seconds * 1000);
  if (near / 1000 === seconds) return near;
  return [near - 1, near + 1].find((other) => other / 1000 === seconds) ?? near;
}
