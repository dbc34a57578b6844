import { encodeAs, encodeCompat, type PlainForm } from "./encode.js";
import { Tag, type ValueForm } from "./form.js";
import { writeHead } from "./heads.js";
import type { ByteWriter } from "./writer.js";

const MAX_INT64 = 0xffff_ffff_ffff_ffffn;

const native: PlainForm = { lossless: false, bigint, isIllFormed, illFormed };
const state: PlainForm = { ...native, lossless: true };

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
  if (form === "compat") encodeCompat(writer, value, at);
  else encodeAs(form === "state" ? state : native, writer, value, at);
}

function bigint(writer: ByteWriter, value: bigint): void {
  // Always eight bytes, even for small ones: that length is what says "bigint" to the reader.
  const negative = value < 0n;
  const magnitude = negative ? -1n - value : value;
  if (magnitude <= MAX_INT64) {
    writer.u8(negative ? 0x3b : 0x1b);
    writer.u32be(Number(magnitude >> 32n));
    writer.u32be(Number(magnitude & 0xffff_ffffn));
    return;
  }
  writeHead(writer, 0xc0, negative ? Tag.negativeBignum : Tag.bignum);
  const hex = magnitude.toString(16);
  const padded = hex.length % 2 === 0 ? hex : `0${hex}`;
  writeHead(writer, 0x40, padded.length / 2);
  for (let index = 0; index < padded.length; index += 2) {
    writer.u8(Number.parseInt(padded.slice(index, index + 2), 16));
  }
}

function isIllFormed(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const next = text.charCodeAt(index + 1);
    if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return true;
    index++;
  }
  return false;
}

function illFormed(writer: ByteWriter, text: string): void {
  writeHead(writer, 0xc0, Tag.utf16);
  writeHead(writer, 0x40, text.length * 2);
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    writer.u8(unit & 0xff);
    writer.u8(unit >> 8);
  }
}
