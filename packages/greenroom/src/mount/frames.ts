/**
 * WebSocket frames (RFC 6455) between the core and a server that has its own: what the core sends is never masked
 * and never in pieces, and what is sent to it has a mask of zeros, which changes nothing.
 */

/** Kinds of frames. */
export const Opcode = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame from the core. */
export interface Frame {
  readonly opcode: number;
  /** A view: good until more is pushed. */
  readonly payload: Uint8Array;
}

const FIN = 0x80;
const MASKED = 0x80;
const MASK = 4;
const SHORTEST = 2;

/** A frame for the core. */
export function frame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = SHORTEST + extra + MASK;
  const bytes = new Uint8Array(start + length);
  const view = new DataView(bytes.buffer);
  bytes[0] = FIN | opcode;
  bytes[1] = MASKED | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) view.setUint16(SHORTEST, length);
  if (extra === 8) view.setBigUint64(SHORTEST, BigInt(length));
  bytes.set(payload, start);
  return bytes;
}

/** Takes frames out of the bytes that the core sends. */
export class FrameReader {
  #chunks: Uint8Array[] = [];
  #size = 0;
  /** Bytes below which there is no use in looking. */
  #needed = SHORTEST;

  /** @param bytes Owned by the reader from here on. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#size += bytes.length;
  }

  /** The next frame that is complete. */
  next(): Frame | undefined {
    while (this.#size >= this.#needed) {
      const bytes = this.#joined();
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const short = view.getUint8(1) & 0x7f;
      const start = SHORTEST + (short < 126 ? 0 : short === 126 ? 2 : 8);
      if (this.#lacks(start)) continue;
      const length = short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
      if (this.#lacks(start + length)) continue;
      this.#chunks = [bytes.subarray(start + length)];
      this.#size -= start + length;
      this.#needed = SHORTEST;
      return { opcode: view.getUint8(0) & 0x0f, payload: bytes.subarray(start, start + length) };
    }
    return undefined;
  }

  #lacks(needed: number): boolean {
    this.#needed = needed;
    return this.#size < needed;
  }

  #joined(): Uint8Array {
    const [first] = this.#chunks;
    if (this.#chunks.length === 1 && first !== undefined) return first;
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [bytes];
    return bytes;
  }
}
