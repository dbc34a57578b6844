const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A place in a message, from which fields are read in order. Every method throws when the bytes end early. */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Whether all bytes have been read. */
  get atEnd(): boolean {
    return this.#at >= this.bytes.length;
  }

  /** Moves over `count` bytes and returns where they start. */
  skip(count: number): number {
    const start = this.#at;
    if (count > this.bytes.length - start) throw new RangeError("the message is truncated");
    this.#at = start + count;
    return start;
  }

  /** One byte. */
  u8(): number {
    return this.view.getUint8(this.skip(1));
  }

  /** `size` bytes of UTF-8. */
  text(size: number): string {
    const start = this.skip(size);
    return utf8.decode(this.bytes.subarray(start, start + size));
  }
}
