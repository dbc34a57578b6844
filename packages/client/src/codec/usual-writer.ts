import { toBase64 } from "./base64.js";
import { EPOCH_TAG, MAP_TAG, MAX_DEPTH } from "./form.js";
import { writeHead, writeNumber } from "./heads.js";
import type { WireWriter } from "./wire-writer.js";

const utf8 = new TextEncoder();

/**
 * Appends what nearly all messages consist of, in the bytes that `encodeValue` has for it in compat form.
 *
 * @throws whatever it is, for everything else, and leaves bytes behind.
 */
export function writeUsual(writer: WireWriter, value: unknown, depth = 0): void {
  switch (typeof value) {
    case "string":
      writeText(writer, value);
      return;
    case "number":
      writeNumber(writer, value);
      return;
    case "boolean":
      writer.u8(value ? 0xf5 : 0xf4);
      return;
    case "undefined":
      writeItems(writer, ["$Undefined", 0], depth);
      return;
    case "bigint":
      writeItems(writer, ["$BigInt", String(value)], depth);
      return;
  }
  if (value === null) writer.u8(0xf6);
  else if (typeof value === "object" && depth < MAX_DEPTH) writeObject(writer, value, depth);
  else throw new TypeError();
}

function writeObject(writer: WireWriter, value: object, depth: number): void {
  if (Array.isArray(value)) {
    const [first, second] = value as unknown[];
    const isEscape = value.length === 2 && typeof first === "string" && first.startsWith("$");
    writeItems(writer, isEscape ? [`$${first}`, second] : value, depth);
  } else if (isRecord(value)) {
    const entries = Object.entries(value);
    writeHead(writer, 0xa0, entries.length);
    for (const entry of entries) writeEach(writer, entry, depth);
  } else if (value instanceof Uint8Array) {
    writeItems(writer, ["$Uint8Array", toBase64(value)], depth);
  } else if (value instanceof Set) {
    writer.u8(0x82);
    writeText(writer, "$Set");
    // Never itself an escape, whatever the first of two members is.
    writeItems(writer, [...value], depth);
  } else if (value instanceof Map) {
    writeHead(writer, 0xc0, MAP_TAG);
    writeHead(writer, 0xa0, value.size);
    for (const entry of value) writeEach(writer, entry, depth);
  } else if (value instanceof Date) {
    const seconds = value.getTime() / 1000;
    if (!(seconds >= 0)) throw new TypeError();
    writeHead(writer, 0xc0, EPOCH_TAG);
    writeNumber(writer, seconds);
  } else {
    throw new TypeError();
  }
}

/** Whether `value` is certainly sent as its own properties, like an object literal. */
function isRecord(value: object): boolean {
  return Object.prototype.toString.call(value) === "[object Object]" && !("toJSON" in value);
}

function writeText(writer: WireWriter, text: string): void {
  const bytes = utf8.encode(text);
  writeHead(writer, 0x60, bytes.length);
  writer.bytes(bytes);
}

function writeItems(writer: WireWriter, items: readonly unknown[], depth: number): void {
  writeHead(writer, 0x80, items.length);
  writeEach(writer, items, depth);
}

function writeEach(writer: WireWriter, items: readonly unknown[], depth: number): void {
  for (const item of items) writeUsual(writer, item, depth + 1);
}
