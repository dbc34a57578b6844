import { Cursor } from "./cursor.js";
import { MAX_DEPTH } from "./form.js";
import { writeUsual } from "./usual-writer.js";
import type { WireWriter } from "./wire-writer.js";

/** Thrown for what only the complete codec can read or write, or can say what is wrong with. */
const unusual = needing(loadCompleteCodec);

let decode: (bytes: Uint8Array) => unknown = decodeUsual;
let encode: (writer: WireWriter, value: unknown, at: string) => void = encodeUsual;

/**
 * The value of one CBOR item in compat form that fills `bytes`.
 *
 * Pages load a small reader for what nearly all messages consist of. The complete one, `decodeValue`, follows in the
 * background once a connection is open, or with the first answer that has more in it, and then reads everything.
 *
 * @throws what {@link needsMore} recognizes, or what `decodeValue` throws.
 */
export function decodeCompat(bytes: Uint8Array): unknown {
  return decode(bytes);
}

/**
 * Appends `value` in compat form to `writer`, with a small writer or the complete one, as {@link decodeCompat} reads.
 * If it throws, the writer is as it was before.
 *
 * @param at how error messages name the value itself, for example `args[0]`.
 * @throws what {@link needsMore} recognizes, or what `encodeValue` throws.
 */
export function encodeCompat(writer: WireWriter, value: unknown, at: string): void {
  encode(writer, value, at);
}

/** What to throw where something can go on only once `load` has loaded what it needs. */
export function needing(load: () => Promise<void>): Error & { readonly load: () => Promise<void> } {
  return Object.assign(new Error("a part of the client could not be loaded"), { load });
}

/** Whether to try once more after `error.load()`. */
export function needsMore(error: unknown): error is ReturnType<typeof needing> {
  return error instanceof Error && "load" in error;
}

/** Loads the complete codec. */
export async function loadCompleteCodec(): Promise<void> {
  const complete = await import("./complete.js");
  decode = complete.decodeCompat;
  encode = complete.encodeCompat;
}

/** What `work` gives, if need be with the complete codec. It is done at once if that is possible. */
export async function completely<T>(work: () => T): Promise<T> {
  try {
    return work();
  } catch (error) {
    if (!needsMore(error)) throw error;
    await error.load();
    return work();
  }
}

function encodeUsual(writer: WireWriter, value: unknown): void {
  const start = writer.length;
  try {
    writeUsual(writer, value);
  } catch {
    // The complete writer can write it, or says where in the value is what cannot be sent.
    writer.truncate(start);
    throw unusual;
  }
}

/** Reads what nearly all messages consist of, as `decodeValue` would. @throws {@link unusual} for everything else. */
export function decodeUsual(bytes: Uint8Array): unknown {
  const cursor = new Cursor(bytes);
  try {
    const value = readItem(cursor, 0);
    if (cursor.atEnd) return value;
  } catch {
    // Whatever it was, the complete reader finds it as well.
  }
  throw unusual;
}

function readItem(cursor: Cursor, depth: number): unknown {
  const head = cursor.u8();
  const { view } = cursor;
  switch (head) {
    case 0xf4:
    case 0xf5:
      return head === 0xf5;
    case 0xf6:
      return null;
    case 0xfb:
      return view.getFloat64(cursor.skip(8));
  }
  let count = head & 0x1f;
  if (count === 24) count = cursor.u8();
  else if (count === 25) count = view.getUint16(cursor.skip(2));
  else if (count === 26) count = view.getUint32(cursor.skip(4));
  else if (count > 26 || depth > MAX_DEPTH) throw unusual;
  switch (head >> 5) {
    case 0:
      return count;
    case 1:
      return -1 - count;
    case 3:
      return cursor.text(count);
    case 4:
      return readArray(cursor, count, depth + 1);
    case 5:
      return readRecord(cursor, count, depth + 1);
    default:
      throw unusual;
  }
}

function readArray(cursor: Cursor, count: number, depth: number): unknown {
  const items: unknown[] = [];
  while (items.length < count) items.push(readItem(cursor, depth));
  const [name] = items;
  if (count !== 2 || typeof name !== "string" || !name.startsWith("$")) return items;
  // What actions return that return nothing. Other escapes are for the complete reader.
  if (name === "$Undefined") return undefined;
  throw unusual;
}

function readRecord(cursor: Cursor, count: number, depth: number): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (let left = count; left > 0; left--) {
    const key = readItem(cursor, depth);
    if (typeof key !== "string" || key === "__proto__") throw unusual;
    record[key] = readItem(cursor, depth);
  }
  return record;
}
