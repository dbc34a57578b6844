import type { WireWriter } from "./wire-writer.js";
import type { ByteWriter } from "./writer.js";

const MAX_UINT32 = 0xffff_ffff;

/** Appends the head of a definite array of `count` items. */
export function writeArrayHead(writer: WireWriter, count: number): void {
  writeHead(writer, 0x80, count);
}

/** Appends the head of a definite map of `count` pairs. */
export function writeMapHead(writer: WireWriter, count: number): void {
  writeHead(writer, 0xa0, count);
}

/** Appends a non-negative integer below 2^32. */
export function writeUint(writer: WireWriter, value: number): void {
  writeHead(writer, 0x00, value);
}

/** Appends a byte string. */
export function writeByteString(writer: WireWriter, bytes: Uint8Array): void {
  writeHead(writer, 0x40, bytes.length);
  writer.bytes(bytes);
}

/** Appends a text string; lone surrogates become U+FFFD. */
export function writeText(writer: ByteWriter, text: string): void {
  const units = text.length;
  const headAt = writer.length;
  // The head is as long as the ASCII case needs; rarely, it turns out to be too short.
  const headSize = headLength(units);
  writer.reserve(headSize);
  const size = writer.utf8(text);
  writer.truncate(headAt);
  writeHead(writer, 0x60, size);
  if (headLength(size) === headSize) writer.reserve(size);
  else writer.utf8(text);
}

function headLength(argument: number): number {
  if (argument < 24) return 1;
  if (argument < 0x100) return 2;
  return argument < 0x1_0000 ? 3 : 5;
}

/**
 * Appends the head of an item.
 *
 * @param major the major type, in the upper three bits.
 */
export function writeHead(writer: WireWriter, major: number, argument: number): void {
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

/** Appends a number: an integer of at most 32 bits and a sign, or a 64-bit float. */
export function writeNumber(writer: WireWriter, value: number): void {
  const isNegative = value < 0;
  const argument = isNegative ? -1 - value : value;
  if (Number.isInteger(value) && argument <= MAX_UINT32 && !Object.is(value, -0)) {
    writeHead(writer, isNegative ? 0x20 : 0x00, argument);
  } else {
    writer.u8(0xfb);
    writer.f64be(value);
  }
}
