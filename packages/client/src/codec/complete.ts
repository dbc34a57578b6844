/**
 * The complete codec of values in compat form. Pages load it with the first value that is unusual, or in the
 * background once a connection is open.
 */
import { decodeValue } from "./decode.js";
import { encodeCompat as encode } from "./encode.js";
import type { WireWriter } from "./wire-writer.js";
import { buildBytes } from "./writer.js";

/** As `decodeValue` in compat form. */
export function decodeCompat(bytes: Uint8Array): unknown {
  return decodeValue(bytes, "compat");
}

/** As `encodeValue` in compat form, to a writer that need not be a `ByteWriter`. */
export function encodeCompat(writer: WireWriter, value: unknown, at: string): void {
  writer.bytes(buildBytes((inner) => encode(inner, value, at)));
}
