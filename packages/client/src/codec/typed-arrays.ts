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

interface TypedArrayKind {
  readonly size: number;
  readonly bigEndian: boolean;
  create(buffer: ArrayBuffer): AnyTypedArray;
}

function kind(
  size: number,
  create: (buffer: ArrayBuffer) => AnyTypedArray,
  bigEndian = false,
): TypedArrayKind {
  return { size, bigEndian, create };
}

/** CBOR tags of typed arrays (RFC 8746). We write the little-endian ones and read both. */
const kinds: ReadonlyMap<number, TypedArrayKind> = new Map([
  [64, kind(1, (b) => new Uint8Array(b))],
  [65, kind(2, (b) => new Uint16Array(b), true)],
  [66, kind(4, (b) => new Uint32Array(b), true)],
  [67, kind(8, (b) => new BigUint64Array(b), true)],
  [68, kind(1, (b) => new Uint8ClampedArray(b))],
  [69, kind(2, (b) => new Uint16Array(b))],
  [70, kind(4, (b) => new Uint32Array(b))],
  [71, kind(8, (b) => new BigUint64Array(b))],
  [72, kind(1, (b) => new Int8Array(b))],
  [73, kind(2, (b) => new Int16Array(b), true)],
  [74, kind(4, (b) => new Int32Array(b), true)],
  [75, kind(8, (b) => new BigInt64Array(b), true)],
  [77, kind(2, (b) => new Int16Array(b))],
  [78, kind(4, (b) => new Int32Array(b))],
  [79, kind(8, (b) => new BigInt64Array(b))],
  [81, kind(4, (b) => new Float32Array(b), true)],
  [82, kind(8, (b) => new Float64Array(b), true)],
  [85, kind(4, (b) => new Float32Array(b))],
  [86, kind(8, (b) => new Float64Array(b))],
]);

/** The tag to write for each class, by its `Symbol.toStringTag`, which subclasses such as `Buffer` inherit. */
const tags: ReadonlyMap<string, number> = new Map([
  ["Uint8Array", 64],
  ["Uint8ClampedArray", 68],
  ["Uint16Array", 69],
  ["Uint32Array", 70],
  ["BigUint64Array", 71],
  ["Int8Array", 72],
  ["Int16Array", 77],
  ["Int32Array", 78],
  ["BigInt64Array", 79],
  ["Float32Array", 85],
  ["Float64Array", 86],
]);

/** The CBOR tag for a view, or `undefined` for one that has no form (`DataView`). */
export function typedArrayTag(view: ArrayBufferView): number | undefined {
  const { [Symbol.toStringTag]: name } = view as { [Symbol.toStringTag]?: unknown };
  return typeof name === "string" ? tags.get(name) : undefined;
}

/** Whether a CBOR tag stands for a typed array. */
export function isTypedArrayTag(tag: number): boolean {
  return kinds.has(tag);
}

/**
 * Makes the typed array of a tag out of `bytes`, which must own its whole buffer. Every platform JavaScript
 * runs on today keeps numbers in little-endian order, so only big-endian input needs its bytes turned.
 *
 * @returns `undefined` when the length is no multiple of the element size.
 */
export function typedArrayFromTag(tag: number, bytes: Uint8Array<ArrayBuffer>): AnyTypedArray | undefined {
  const found = kinds.get(tag);
  if (found === undefined || bytes.length % found.size !== 0) return undefined;
  if (found.bigEndian) {
    for (let start = 0; start < bytes.length; start += found.size) {
      bytes.subarray(start, start + found.size).reverse();
    }
  }
  return found.create(bytes.buffer);
}
