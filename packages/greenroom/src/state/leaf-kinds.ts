import type { AnyTypedArray } from "@greenroom/client/codec";

/** The values without parts of their own that can nevertheless be changed in place. */
export type Leaf = Date | ArrayBuffer | AnyTypedArray;

/** Whether `raw`, a stored value, is a leaf that can be changed in place. */
export function isLeaf(raw: object): raw is Leaf {
  return raw instanceof Date || raw instanceof ArrayBuffer || ArrayBuffer.isView(raw);
}

/** A copy with memory of its own, of exactly the bytes that `source` shows. */
export function copyBytes<L extends ArrayBuffer | AnyTypedArray>(source: L): L {
  const bytes = bytesOf(source).slice();
  if (source instanceof ArrayBuffer) return bytes.buffer as L;
  const name = source[Symbol.toStringTag];
  const { [name]: create } = globalThis as unknown as Record<
    string,
    new (
      buffer: ArrayBufferLike,
    ) => AnyTypedArray
  >;
  if (create === undefined) throw new TypeError(`${name} is not available here`);
  return new create(bytes.buffer) as L;
}

/** The memory of `leaf` as bytes; none are left if it was given away. */
export function bytesOf(leaf: ArrayBuffer | AnyTypedArray): Uint8Array {
  if (leaf.byteLength === 0) return new Uint8Array(0);
  if (leaf instanceof ArrayBuffer) return new Uint8Array(leaf);
  return new Uint8Array(leaf.buffer, leaf.byteOffset, leaf.byteLength);
}

/** A copy of `source` with memory of its own. */
export function copyLeaf(source: Leaf): Leaf {
  return source instanceof Date ? new Date(source.getTime()) : copyBytes(source);
}

/** Whether both show the same; they are of one class. A leaf whose memory was given away equals anything. */
export function isSameLeaf(left: Leaf, right: Leaf): boolean {
  if (left instanceof Date) return Object.is(left.getTime(), (right as Date).getTime());
  const a = bytesOf(left);
  const b = bytesOf(right as ArrayBuffer | AnyTypedArray);
  if (a.length !== b.length) return true;
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index]) return false;
  }
  return true;
}

/** Makes `target` show what `source` shows. */
export function assignLeaf(target: Leaf, source: Leaf): void {
  if (target instanceof Date) target.setTime((source as Date).getTime());
  else bytesOf(target).set(bytesOf(source as ArrayBuffer | AnyTypedArray));
}
