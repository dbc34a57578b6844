/** Numbers that look random and are the same for each seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 up to, but without, `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }
}

/** Bytes that mean something to the readers: heads, lengths that lie, breaks, tags, what UTF-8 has not. */
const WORDS: readonly [readonly number[], ...(readonly number[])[]] = [
  [0xff],
  [0x9f],
  [0xbf],
  [0x7f],
  [0x5f],
  [0x9b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
  [0xba, 0xff, 0xff, 0xff, 0xff],
  [0x5a, 0x7f, 0xff, 0xff, 0xff],
  [0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xc1],
  [0xc2],
  [0xc3],
  [0xd8, 27],
  [0xd8, 64],
  [0xd8, 86],
  [0xd9, 1, 2],
  [0xd9, 1, 3],
  [0xd9, 0xea, 0x61],
  [0xf7],
  [0xf9, 0x7e, 0],
  [0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
  [0xed, 0xa0, 0x80],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
];

/** `bytes` with a few changes; pieces may come from `other`. */
export function mutate(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  let changed = Uint8Array.from(bytes);
  for (let left = 1 + random.below(4); left > 0; left--) changed = change(random, changed, other);
  return changed;
}

function change(random: Random, bytes: Uint8Array<ArrayBuffer>, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + random.below(9));
  switch (random.below(7)) {
    case 0:
      return bytes.subarray(0, at).slice();
    case 1:
      return joined(bytes.subarray(0, at), bytes.subarray(to));
    case 2:
      return joined(bytes.subarray(0, at), Uint8Array.from(random.pick(WORDS)), bytes.subarray(to));
    case 3: {
      const piece = bytes.subarray(at, to);
      const times = random.below(8) === 0 ? 400 : 2;
      return joined(bytes.subarray(0, at), ...Array.from({ length: times }, () => piece), bytes.subarray(to));
    }
    case 4: {
      const from = random.below(other.length + 1);
      return joined(bytes.subarray(0, at), other.subarray(from), bytes.subarray(to));
    }
    default: {
      const byte = bytes[at];
      if (byte !== undefined)
        bytes[at] = random.below(2) === 0 ? random.below(256) : byte ^ (1 << random.below(8));
      return bytes;
    }
  }
}

/** One after the other. */
export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A value of any kind that can be sent. */
export function randomValue(random: Random, nesting = 4): unknown {
  const inner = () => randomValue(random, nesting - 1);
  const several = <T>(make: () => T): T[] => Array.from({ length: random.below(5) }, make);
  switch (random.below(nesting === 0 ? 10 : 15)) {
    case 0:
      return null;
    case 1:
      return random.below(2) === 0;
    case 2:
      return random.below(2 ** 32) - 2 ** 31;
    case 3:
      return random.pick([0.5, -0, 1e300, Number.NaN, Infinity, 2 ** 40, -(2 ** 32) - 1]);
    case 4:
      return random.pick(["", "$", "$$x", "$BigInt", "__proto__", "\u{1f600}", "\ufeffx", "x".repeat(40)]);
    case 5:
      return random.pick([0n, -1n, 2n ** 64n, -(2n ** 70n), 2n ** 40n]);
    case 6:
      return new Date(random.below(2 ** 31) * 1000 + random.below(1000));
    case 7:
      return Uint8Array.from(several(() => random.below(256)));
    case 8:
      return random.pick<unknown>([
        Float64Array.of(0.5),
        Int16Array.of(-1),
        BigInt64Array.of(-1n),
        new Uint8ClampedArray(2),
      ]);
    case 9:
      return undefined;
    case 10:
    case 11:
      return several(inner);
    case 12:
      return new Map(several(() => [inner(), inner()] as const));
    case 13:
      return new Set(several(inner));
    default:
      return Object.fromEntries(
        several(() => [random.pick(["a", "b", "", "$x", "__proto__", "toJSON"]), inner()]),
      );
  }
}
