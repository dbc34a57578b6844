/** A typed array other than `DataView`, as it is stored: elements in little-endian order. */
export type AnyTypedArray =
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** The CBOR tags of typed arrays in little-endian order (RFC 8746), which are the ones we write. */
export const TYPED_ARRAY_TAGS: ReadonlyMap<unknown, number> = new Map(
  Object.entries({
    Uint8Array: 64,
    Uint8ClampedArray: 68,
    Uint16Array: 69,
    Uint32Array: 70,
    BigUint64Array: 71,
    Int8Array: 72,
    Int16Array: 77,
    Int32Array: 78,
    BigInt64Array: 79,
    Float32Array: 85,
    Float64Array: 86,
  }),
);

/** The CBOR tag for a view, or `undefined` for one that has no form (`DataView`). */
export function typedArrayTag(view: ArrayBufferView): number | undefined {
  // The name of the built-in class also for its subclasses, such as `Buffer`.
  return TYPED_ARRAY_TAGS.get((view as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]);
}
