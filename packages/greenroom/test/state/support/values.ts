import type { Random } from "./random.js";

const words = ["a", "b", "c", "", "1", "2", "length", "__proto__", "constructor", "ä€😀"] as const;

/** A property name; few of them, so that programs meet the same ones again. */
export function randomKey(random: Random): string {
  return random.pick(words);
}

/** A `Map` key or `Set` member. */
export function randomMember(random: Random): unknown {
  const choices = [
    undefined,
    null,
    true,
    0,
    -0,
    1,
    1n,
    Number.NaN,
    0.5,
    -7,
    2n ** 70n,
    "\ud800",
    randomKey(random),
  ] as const;
  return random.pick<unknown>(choices);
}

/** Any value that is no container. Dates and byte arrays are made anew each time. */
export function randomLeaf(random: Random): unknown {
  switch (random.below(9)) {
    case 0:
      return new Date(random.chance(0.1) ? Number.NaN : random.below(1e9));
    case 1:
      return new Uint8Array(random.below(4));
    case 2:
      return new Float64Array([random.next(), -0]);
    case 3:
      return new Uint8Array([random.below(256)]).buffer;
    case 4:
      return random.chance(0.5) ? /x/g : new RangeError("out");
    default:
      return random.chance(0.5) ? random.below(1_000) : randomMember(random);
  }
}

/** Any value, with containers up to `depth` levels. */
export function randomValue(random: Random, depth: number): unknown {
  if (depth === 0 || random.chance(0.4)) return randomLeaf(random);
  const size = random.below(4);
  const inner = (): unknown => randomValue(random, depth - 1);
  switch (random.below(5)) {
    case 0:
      return new Map(Array.from({ length: size }, () => [randomMember(random), inner()]));
    case 1:
      return new Set(Array.from({ length: size }, () => randomMember(random)));
    case 2:
    case 3:
      return Array.from({ length: size + 1 }, inner);
    default: {
      const record = {};
      for (let index = 0; index < size; index++) setOwn(record, randomKey(random), inner());
      return record;
    }
  }
}

/** Assigns as a state does: `__proto__` is a name like any other. */
export function setOwn(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/** What assigning `value` to a state puts there, in terms of plain values. */
export function plainCopy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plainCopy);
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, plainCopy(each)]));
  const isRecord = Object.getPrototypeOf(value) === Object.prototype;
  if (!isRecord) return structuredClone(value);
  const record = {};
  for (const [key, each] of Object.entries(value)) setOwn(record, key, plainCopy(each));
  return record;
}
