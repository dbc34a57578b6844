/**
 * What encoder and decoder agree on: the forms a JavaScript value can take as CBOR, and the tag numbers.
 *
 * - `"compat"`: what travels in calls, replies, events, input and parameters. bigint, `undefined`, `Set` and
 *   byte arrays are two-element arrays whose first element starts with `$`, because that is what existing
 *   clients send and read; a literal array of that look gets one more `$`.
 * - `"native"`: what clients send in the `cbor` encoding: plain CBOR tags, and no `$` escapes at all.
 * - `"state"`: the durable form. As `"native"`, and lossless: it refuses what it cannot give back unchanged.
 */
export type ValueForm = "compat" | "native" | "state";

/** How many containers may be nested inside each other, when encoding and when decoding. */
export const MAX_DEPTH = 128;

/** {@link Tag.epoch}, apart from the others because pages need it. */
export const EPOCH_TAG = 1;
/** {@link Tag.map}, as {@link EPOCH_TAG}. */
export const MAP_TAG = 259;

/** CBOR tag numbers of the value types that plain CBOR lacks. */
export const Tag = {
  /** Seconds since 1970 as unsigned integer or float64: `Date`. */
  epoch: EPOCH_TAG,
  /** Big-endian byte string: non-negative `bigint`. */
  bignum: 2,
  /** Big-endian byte string n: the `bigint` -1 - n. */
  negativeBignum: 3,
  /** `["RegExp", source, flags]` or `[errorName, message]`. */
  object: 27,
  /** Array of members: `Set`. */
  set: 258,
  /** Map with keys of any type: `Map`. */
  map: MAP_TAG,
  /** UTF-16LE bytes of a string with lone surrogates. State form only. */
  utf16: 60001,
} as const;
