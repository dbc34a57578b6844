import type { AnyTypedArray } from "@greenroom/client/codec";

/** The values that give direct access to memory. */
export type Bytes = ArrayBuffer | AnyTypedArray;

/** Whether `raw`, a stored value, gives direct access to memory. */
export function isBytes(raw: object): raw is Bytes {
  return raw instanceof ArrayBuffer || ArrayBuffer.isView(raw);
}

/** A copy with memory of its own, of exactly the bytes that `source` shows. */
export function copyBytes<B extends Bytes>(source: B): B {
  const bytes = bytesOf(source).slice();
  if (source instanceof ArrayBuffer) return bytes.buffer as B;
  const name = source[Symbol.toStringTag];
  const { [name]: create } = globalThis as unknown as Record<
    string,
    new (
      buffer: ArrayBufferLike,
    ) => AnyTypedArray
  >;
  if (create === undefined) throw new TypeError(`${name} is not available here`);
  return new create(bytes.buffer) as B;
}

/** The memory that `source` shows; none if it was given away, for example to a worker. */
export function bytesOf(source: Bytes): Uint8Array {
  if (source.byteLength === 0) return new Uint8Array(0);
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
}

/** Whether both have the same content. */
export function isSameContent(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) {
    if (left[index] !== right[index]) return false;
  }
  return true;
}
