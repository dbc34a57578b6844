/** The little of BARE that the protocol uses. */

/** An unsigned integer as LEB128. */
export function uint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

/** Bytes with their length. */
export function data(bytes: Iterable<number>): number[] {
  const all = [...bytes];
  return [uint(all.length), all].flat();
}

/** A text with its length. */
export function text(value: string): number[] {
  return data(Buffer.from(value, "utf8"));
}

export class BareReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  u16(): number {
    this.#at += 2;
    return this.#bytes.readUInt16LE(this.#at - 2);
  }

  uint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  data(): Buffer {
    const length = this.uint();
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError(`${length} bytes are announced, but not there`);
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return this.data().toString("utf8");
  }
}
