/**
 * The complete codec of values in compat form. Pages load it with the first value that is unusual, or in the
 * background once a connection is open.
 */
import { decodeValue } from "./decode.js";

export { encodeCompat } from "./encode.js";

/** As `decodeValue` in compat form. */
export function decodeCompat(bytes: Uint8Array): unknown {
  return decodeValue(bytes, "compat");
}
