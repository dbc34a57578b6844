import { toBase64 } from "./base64.js";
import { MAX_BIGINT_DIGITS } from "./escape.js";
import { MAX_DEPTH, Tag } from "./form.js";
import { writeByteString, writeHead, writeNumber, writeText } from "./heads.js";
import { typedArrayTag } from "./typed-array-tags.js";
import type { ByteWriter } from "./writer.js";

/** Dates up to this many seconds after 1970 are integers on the wire. */
const MAX_SECONDS = 0xffff_ffff;

type PathStep = string | number;

/** What makes a form without `$` escapes, `"native"` or `"state"`. */
export interface PlainForm {
  /** Whether values are to come back exactly as they are, so that what could not is refused. */
  readonly lossless: boolean;
  bigint(writer: ByteWriter, value: bigint): void;
  /** Whether `text` has surrogates that are not half of a pair. */
  isIllFormed(text: string): boolean;
  /** Writes a text that is ill-formed. */
  illFormed(writer: ByteWriter, text: string): void;
}

/**
 * Appends `value` in compat form to `writer` as one CBOR item. If it throws, the writer is as it was before.
 *
 * An instance of a class is sent as its own enumerable properties, or as what its `toJSON` gives.
 *
 * @param at how error messages name the value itself, for example `args[0]`.
 * @throws TypeError naming the path, for functions, symbols, cycles, and what else has no form.
 */
export function encodeCompat(writer: ByteWriter, value: unknown, at: string): void {
  encodeAs(undefined, writer, value, at);
}

/** As {@link encodeCompat} in a plain form, which may also refuse instances of classes. */
export function encodeAs(plain: PlainForm | undefined, writer: ByteWriter, value: unknown, at: string): void {
  const start = writer.length;
  try {
    new ValueEncoder(writer, plain, at).item(value, 0);
  } catch (error) {
    writer.truncate(start);
    throw error;
  }
}

class ValueEncoder {
  readonly #writer: ByteWriter;
  readonly #plain: PlainForm | undefined;
  readonly #lossless: boolean;
  readonly #at: string;
  /** The containers around the current value, outermost first, and the step taken inside each. */
  readonly #ancestors: object[] = [];
  readonly #path: PathStep[] = [];

  constructor(writer: ByteWriter, plain: PlainForm | undefined, at: string) {
    this.#writer = writer;
    this.#plain = plain;
    this.#lossless = plain?.lossless === true;
    this.#at = at;
  }

  item(value: unknown, depth: number): void {
    switch (typeof value) {
      case "string":
        this.#string(value);
        return;
      case "number":
        writeNumber(this.#writer, value);
        return;
      case "boolean":
        this.#writer.u8(value ? 0xf5 : 0xf4);
        return;
      case "undefined":
        this.#undefined();
        return;
      case "bigint":
        this.#bigint(value, depth);
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
    if (this.#lossless && this.#plain?.isIllFormed(text)) this.#plain.illFormed(this.#writer, text);
    else writeText(this.#writer, text);
  }

  #undefined(): void {
    if (this.#plain !== undefined) {
      this.#writer.u8(0xf7);
      return;
    }
    this.#escape("$Undefined");
    this.#writer.u8(0x00);
  }

  #bigint(value: bigint, depth: number): void {
    if (this.#plain !== undefined) {
      this.#plain.bigint(this.#writer, value);
      return;
    }
    const digits = value.toString();
    // Nobody would read it.
    if (digits.length > MAX_BIGINT_DIGITS) throw this.#refuse(depth, LONG_BIGINT);
    this.#escape("$BigInt", digits);
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
    if (
      items.length === 2 &&
      this.#plain === undefined &&
      typeof first === "string" &&
      first.startsWith("$")
    ) {
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
      if (this.#lossless && this.#plain?.isIllFormed(key)) {
        throw this.#refuse(depth + 1, "a key with a lone surrogate");
      }
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
    if (this.#plain === undefined) this.#escape("$Set");
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
    if (this.#lossless && typeof value === "object" && value !== null) {
      throw this.#refuse(depth + 1, `an object as ${what}`);
    }
    this.item(value, depth + 1);
  }

  #date(date: Date): void {
    const seconds = date.getTime() / 1000;
    writeHead(this.#writer, 0xc0, Tag.epoch);
    if (!this.#lossless && Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_SECONDS) {
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
    if (tag === 64 && this.#plain === undefined) {
      this.#escape("$Uint8Array", toBase64(bytes));
      return;
    }
    writeHead(this.#writer, 0xc0, tag);
    writeByteString(this.#writer, bytes);
  }

  #arrayBuffer(buffer: ArrayBuffer): void {
    const bytes = new Uint8Array(buffer);
    if (this.#plain === undefined) this.#escape("$ArrayBuffer", toBase64(bytes));
    else writeByteString(this.#writer, bytes);
  }

  #instance(value: object, depth: number): void {
    if (this.#lossless || value instanceof Promise) {
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

  /** A compat escape: its head, first element, and the second one, unless that is for the caller to write. */
  #escape(name: string, content?: string): void {
    this.#writer.u8(0x82);
    writeText(this.#writer, name);
    if (content !== undefined) writeText(this.#writer, content);
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
    return new TypeError(`${path} is ${what}, which cannot be ${this.#lossless ? "stored" : "sent"}`);
  }
}

const LONG_BIGINT = `a bigint of more than ${MAX_BIGINT_DIGITS} digits`;

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
