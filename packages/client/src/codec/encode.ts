import { toBase64 } from "./base64.js";
import { MAX_DEPTH, Tag, type ValueForm } from "./form.js";
import { typedArrayTag } from "./typed-arrays.js";
import type { ByteWriter } from "./writer.js";

/** The integers that are written as CBOR integers; all other numbers are 64-bit floats. */
const MAX_INT = 0xffff_ffff;
const MIN_INT = -0x1_0000_0000;
const MAX_INT64 = 0xffff_ffff_ffff_ffffn;

type PathStep = string | number;

/**
 * Appends `value` to `writer` as one CBOR item. If it throws, the writer is as it was before.
 *
 * On the wire (`"compat"`, `"native"`) an instance of a class is sent as its own enumerable properties, or as
 * what its `toJSON` gives; `"state"` refuses it.
 *
 * @param at how error messages name the value itself, for example `state` or `args[0]`.
 * @throws TypeError naming the path, for functions, symbols, cycles, and what else has no form.
 */
export function encodeValue(writer: ByteWriter, value: unknown, form: ValueForm, at = "value"): void {
  const start = writer.length;
  try {
    new ValueEncoder(writer, form, at).item(value, 0);
  } catch (error) {
    writer.truncate(start);
    throw error;
  }
}

/** Appends the head of a definite array of `count` items. */
export function writeArrayHead(writer: ByteWriter, count: number): void {
  writeHead(writer, 0x80, count);
}

/** Appends the head of a definite map of `count` pairs. */
export function writeMapHead(writer: ByteWriter, count: number): void {
  writeHead(writer, 0xa0, count);
}

/** Appends a non-negative integer below 2^32. */
export function writeUint(writer: ByteWriter, value: number): void {
  writeHead(writer, 0x00, value);
}

/** Appends a byte string. */
export function writeByteString(writer: ByteWriter, bytes: Uint8Array): void {
  writeHead(writer, 0x40, bytes.length);
  writer.bytes(bytes);
}

/** Appends a text string; lone surrogates become U+FFFD. */
export function writeText(writer: ByteWriter, text: string): void {
  const units = text.length;
  const headAt = writer.length;
  if (units < 8) {
    // At most 21 bytes of UTF-8, so the head is one byte whatever the text holds.
    writer.u8(0x60);
    writer.patchU8(headAt, 0x60 | writer.utf8(text));
    return;
  }
  // The head is as long as the ASCII case needs; rarely, it turns out to be too short.
  const headSize = headLength(units);
  writer.reserve(headSize);
  const size = writer.utf8(text);
  if (headLength(size) === headSize) {
    patchTextHead(writer, headAt, headSize, size);
    return;
  }
  writer.truncate(headAt);
  writeHead(writer, 0x60, size);
  writer.utf8(text);
}

function patchTextHead(writer: ByteWriter, at: number, headSize: number, size: number): void {
  if (headSize === 1) {
    writer.patchU8(at, 0x60 | size);
  } else if (headSize === 2) {
    writer.patchU8(at, 0x78);
    writer.patchU8(at + 1, size);
  } else if (headSize === 3) {
    writer.patchU8(at, 0x79);
    writer.patchU8(at + 1, size >> 8);
    writer.patchU8(at + 2, size & 0xff);
  } else {
    writer.patchU8(at, 0x7a);
    writer.patchU32be(at + 1, size);
  }
}

function headLength(argument: number): number {
  if (argument < 24) return 1;
  if (argument < 0x100) return 2;
  return argument < 0x1_0000 ? 3 : 5;
}

function writeHead(writer: ByteWriter, major: number, argument: number): void {
  if (argument < 24) {
    writer.u8(major | argument);
  } else if (argument < 0x100) {
    writer.u8(major | 24);
    writer.u8(argument);
  } else if (argument < 0x1_0000) {
    writer.u8(major | 25);
    writer.u16be(argument);
  } else {
    writer.u8(major | 26);
    writer.u32be(argument);
  }
}

class ValueEncoder {
  readonly #writer: ByteWriter;
  readonly #form: ValueForm;
  readonly #at: string;
  /** The containers around the current value, outermost first, and the step taken inside each. */
  readonly #ancestors: object[] = [];
  readonly #path: PathStep[] = [];

  constructor(writer: ByteWriter, form: ValueForm, at: string) {
    this.#writer = writer;
    this.#form = form;
    this.#at = at;
  }

  item(value: unknown, depth: number): void {
    switch (typeof value) {
      case "string":
        this.#string(value);
        return;
      case "number":
        this.#number(value);
        return;
      case "boolean":
        this.#writer.u8(value ? 0xf5 : 0xf4);
        return;
      case "undefined":
        this.#undefined();
        return;
      case "bigint":
        this.#bigint(value);
        return;
      case "object":
        if (value === null) this.#writer.u8(0xf6);
        else this.#object(value, depth);
        return;
      case "function":
      case "symbol":
        throw this.#refuse(depth, `a ${typeof value}`);
    }
  }

  #string(text: string): void {
    if (this.#form === "state" && !isWellFormed(text)) {
      writeHead(this.#writer, 0xc0, Tag.utf16);
      writeHead(this.#writer, 0x40, text.length * 2);
      for (let index = 0; index < text.length; index++) this.#writer.u16le(text.charCodeAt(index));
      return;
    }
    writeText(this.#writer, text);
  }

  #number(value: number): void {
    if (Number.isInteger(value) && value <= MAX_INT && value >= MIN_INT && !Object.is(value, -0)) {
      if (value >= 0) writeHead(this.#writer, 0x00, value);
      else writeHead(this.#writer, 0x20, -1 - value);
      return;
    }
    this.#writer.u8(0xfb);
    this.#writer.f64be(value);
  }

  #undefined(): void {
    if (this.#form !== "compat") {
      this.#writer.u8(0xf7);
      return;
    }
    this.#escape("$Undefined");
    this.#writer.u8(0x00);
  }

  #bigint(value: bigint): void {
    if (this.#form === "compat") {
      this.#escape("$BigInt");
      writeText(this.#writer, value.toString());
      return;
    }
    // Always eight bytes, even for small ones: that length is what says "bigint" to the reader.
    const negative = value < 0n;
    const magnitude = negative ? -1n - value : value;
    if (magnitude <= MAX_INT64) {
      this.#writer.u8(negative ? 0x3b : 0x1b);
      this.#writer.u64be(magnitude);
      return;
    }
    writeHead(this.#writer, 0xc0, negative ? Tag.negativeBignum : Tag.bignum);
    const hex = magnitude.toString(16);
    const padded = hex.length % 2 === 0 ? hex : `0${hex}`;
    writeHead(this.#writer, 0x40, padded.length / 2);
    for (let index = 0; index < padded.length; index += 2) {
      this.#writer.u8(Number.parseInt(padded.slice(index, index + 2), 16));
    }
  }

  #object(value: object, depth: number): void {
    if (Array.isArray(value)) {
      this.#array(value, depth);
      return;
    }
    if (isPlainObject(value)) this.#record(value, depth);
    else if (value instanceof Date) this.#date(value);
    else if (value instanceof Map) this.#map(value, depth);
    else if (value instanceof Set) this.#set(value, depth);
    else if (ArrayBuffer.isView(value)) this.#typedArray(value, depth);
    else if (value instanceof ArrayBuffer) this.#arrayBuffer(value);
    else if (value instanceof RegExp) this.#tagged("RegExp", value.source, value.flags);
    else if (value instanceof Error) this.#tagged(String(value.name), String(value.message));
    else this.#instance(value, depth);
  }

  #array(items: readonly unknown[], depth: number): void {
    this.#enter(items, depth);
    writeHead(this.#writer, 0x80, items.length);
    const first = items[0];
    let index = 0;
    if (items.length === 2 && this.#form === "compat" && typeof first === "string" && first.startsWith("$")) {
      writeText(this.#writer, `$${first}`);
      index = 1;
    }
    for (; index < items.length; index++) {
      this.#path[depth] = index;
      this.item(items[index], depth + 1);
    }
  }

  #record(record: object, depth: number): void {
    this.#enter(record, depth);
    const keys = Object.keys(record);
    writeHead(this.#writer, 0xa0, keys.length);
    for (const key of keys) {
      this.#path[depth] = key;
      if (this.#form === "state" && !isWellFormed(key))
        throw this.#refuse(depth + 1, "a key with a lone surrogate");
      writeText(this.#writer, key);
      this.item((record as Readonly<Record<string, unknown>>)[key], depth + 1);
    }
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    this.#enter(map, depth);
    writeHead(this.#writer, 0xc0, Tag.map);
    writeHead(this.#writer, 0xa0, map.size);
    let index = 0;
    for (const [key, value] of map) {
      this.#path[depth] = typeof key === "string" ? key : index;
      this.#member(key, depth, "a Map key");
      this.item(value, depth + 1);
      index++;
    }
  }

  #set(set: ReadonlySet<unknown>, depth: number): void {
    this.#enter(set, depth);
    if (this.#form === "compat") this.#escape("$Set");
    else writeHead(this.#writer, 0xc0, Tag.set);
    // Never itself an escape, whatever the first of two members is.
    writeHead(this.#writer, 0x80, set.size);
    let index = 0;
    for (const member of set) {
      this.#path[depth] = index++;
      this.#member(member, depth, "a Set member");
    }
  }

  #member(value: unknown, depth: number, what: string): void {
    if (this.#form === "state" && typeof value === "object" && value !== null) {
      throw this.#refuse(depth + 1, `an object as ${what}`);
    }
    this.item(value, depth + 1);
  }

  #date(date: Date): void {
    const seconds = date.getTime() / 1000;
    writeHead(this.#writer, 0xc0, Tag.epoch);
    if (this.#form !== "state" && Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_INT) {
      writeHead(this.#writer, 0x00, seconds);
      return;
    }
    this.#writer.u8(0xfb);
    this.#writer.f64be(seconds);
  }

  #typedArray(view: ArrayBufferView, depth: number): void {
    const tag = typedArrayTag(view);
    if (tag === undefined) throw this.#refuse(depth, `a ${className(view)}`);
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    if (tag === 64 && this.#form === "compat") {
      this.#escape("$Uint8Array");
      writeText(this.#writer, toBase64(bytes));
      return;
    }
    writeHead(this.#writer, 0xc0, tag);
    writeByteString(this.#writer, bytes);
  }

  #arrayBuffer(buffer: ArrayBuffer): void {
    const bytes = new Uint8Array(buffer);
    if (this.#form === "compat") {
      this.#escape("$ArrayBuffer");
      writeText(this.#writer, toBase64(bytes));
      return;
    }
    writeByteString(this.#writer, bytes);
  }

  #instance(value: object, depth: number): void {
    if (this.#form === "state" || value instanceof Promise) {
      throw this.#refuse(depth, `an instance of ${className(value)}`);
    }
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON !== "function") {
      this.#record(value, depth);
      return;
    }
    this.#enter(value, depth);
    const plain: unknown = toJSON.call(value, String(this.#path[depth - 1] ?? ""));
    this.#path[depth] = "toJSON()";
    this.item(plain, depth + 1);
  }

  /** `tag 27 [name, ...parts]`, all of them text. */
  #tagged(...parts: string[]): void {
    writeHead(this.#writer, 0xc0, Tag.object);
    writeHead(this.#writer, 0x80, parts.length);
    for (const part of parts) this.#string(part);
  }

  /** The head and first element of a compat escape; the caller writes the second element. */
  #escape(name: string): void {
    this.#writer.u8(0x82);
    writeText(this.#writer, name);
  }

  #enter(container: object, depth: number): void {
    this.#ancestors[depth] = container;
    this.#ancestors.length = depth + 1;
    if (depth < MAX_DEPTH) return;
    // Only here, where every cycle ends up: looking for one at each step would cost every message.
    const first = this.#ancestors.findIndex((each, index) => this.#ancestors.indexOf(each) < index);
    if (first >= 0) throw this.#refuse(first, "a reference to one of its own parents");
    throw this.#refuse(depth, `nested deeper than ${MAX_DEPTH} levels`);
  }

  #refuse(depth: number, what: string): TypeError {
    const path = this.#at + this.#path.slice(0, depth).map(formatStep).join("");
    return new TypeError(`${path} is ${what}, which cannot be ${this.#form === "state" ? "stored" : "sent"}`);
  }
}

function formatStep(step: PathStep): string {
  if (typeof step === "number") return `[${step}]`;
  return /^[\p{L}_$][\p{L}\p{N}_$]*(\(\))?$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}

function className(value: object): string {
  const { constructor: type } = value as { constructor?: unknown };
  return typeof type === "function" && type.name !== "" ? type.name : "an unnamed class";
}

/** Whether `value` is an object literal, of this or another realm, or an object without a prototype. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Whether every surrogate in `text` is half of a pair. */
function isWellFormed(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const next = text.charCodeAt(index + 1);
    if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return false;
    index++;
  }
  return true;
}
