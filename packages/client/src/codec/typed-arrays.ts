import type { AnyTypedArray } from "./typed-array-tags.js";

interface TypedArrayClass {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): AnyTypedArray;
}

/** The CBOR tags of typed arrays in little-endian order (RFC 8746), which are the ones we write. */
const littleEndian: ReadonlyMap<number, TypedArrayClass> = new Map<number, TypedArrayClass>([
  [64, Uint8Array],
  [68, Uint8ClampedArray],
  [69, Uint16Array],
  [70, Uint32Array],
  [71, BigUint64Array],
  [72, Int8Array],
  [77, Int16Array],
  [78, Int32Array],
  [79, BigInt64Array],
  [85, Float32Array],
  [86, Float64Array],
]);

/** In a tag, the big-endian array of the same class lacks this bit. */
const LITTLE_ENDIAN_BIT = 4;

/** Whether a CBOR tag stands for a typed array. */
export function isTypedArrayTag(tag: number): boolean {
  return classOf(tag) !== undefined;
}

/**
 * Makes the typed array of a tag out of `bytes`, which must own its whole buffer. Every platform JavaScript
 * runs on today keeps numbers in little-endian order, so only big-endian input needs its bytes turned.
 *
 * @returns `undefined` when the length is no multiple of the element size.
 */
export function typedArrayFromTag(tag: number, bytes: Uint8Array<ArrayBuffer>): AnyTypedArray | undefined {
  const found = classOf(tag);
  if (found === undefined || bytes.length % found.BYTES_PER_ELEMENT !== 0) return undefined;
  if (!littleEndian.has(tag)) {
    for (let start = 0; start < bytes.length; start += found.BYTES_PER_ELEMENT) {
      bytes.subarray(start, start + found.BYTES_PER_ELEMENT).reverse();
    }
  }
  return new found(bytes.buffer);
}

/** The class of a tag, in either byte order. Arrays of single bytes have no order, and one tag each. */
function classOf(tag: number): TypedArrayClass | undefined {
  const found = littleEndian.get(tag);
  if (found !== undefined) return found;
  const turned = littleEndian.get(tag | LITTLE_ENDIAN_BIT);
  return turned !== undefined && turned.BYTES_PER_ELEMENT > 1 ? turned : undefined;
}
