import { Random } from "./random.js";
import { assertSame } from "./same.js";
import { Session } from "./session.js";
import { plainCopy, randomKey, randomLeaf, randomMember, randomValue, setOwn } from "./values.js";

/** The same part of the tracked state and of the plain one beside it. */
interface Pair<T = unknown> {
  live: T;
  plain: T;
}

type List = unknown[];
type Loose = Record<string, unknown>;
type Entries = Map<unknown, unknown>;

const MAX_PARTS = 400;

/**
 * A random program that runs on a tracked state and, step by step, on plain values next to it. Where tracked
 * state differs from plain JavaScript, because what is assigned gets copied, the plain side copies explicitly.
 */
export class Program {
  readonly #random: Random;
  readonly #session: Session<unknown>;
  #plain: unknown;
  /** Parts that the program keeps references to across turns, whether or not they are still in the state. */
  readonly #held: Pair[] = [];
  /** What has happened in the current turn, for messages. */
  readonly #steps: string[] = [];

  constructor(seed: number) {
    this.#random = new Random(seed);
    const initial = { list: [1, { a: 1 }], map: new Map([["k", [1]]]), x: randomValue(this.#random, 3) };
    this.#plain = plainCopy(initial);
    this.#session = new Session<unknown>(initial);
  }

  /** Runs some turns; after each, all views of the state must agree. */
  run(): void {
    const turns = 2 + this.#random.below(5);
    for (let turn = 0; turn < turns; turn++) {
      const steps = 1 + this.#random.below(8);
      for (let step = 0; step < steps; step++) this.#step();
      this.#check();
      this.#steps.length = 0;
      if (this.#random.chance(0.2)) this.#crash();
    }
  }

  #check(): void {
    try {
      this.#session.commit();
      assertSame(this.#session.state, this.#plain, "plain");
      for (const { live, plain } of this.#held) assertSame(live, plain, "held");
    } catch (error) {
      throw new Error(
        `${error instanceof Error ? error.message : String(error)} after ${this.#steps.join("; ")}`,
      );
    }
  }

  /** Loses what the turn has not committed yet, and every reference. */
  #crash(): void {
    const before = plainCopy(this.#plain);
    this.#held.length = 0;
    for (let step = this.#random.below(3); step > 0; step--) this.#step();
    this.#session.reload();
    this.#held.length = 0;
    this.#steps.length = 0;
    this.#plain = before;
    this.#check();
  }

  #step(): void {
    const random = this.#random;
    if (random.chance(0.02) || typeof this.#plain !== "object" || this.#plain === null) {
      this.#replaceRoot();
      return;
    }
    const part = this.#pickPart();
    if (random.chance(0.15)) this.#held.push(part);
    if (this.#held.length > 12) this.#held.splice(random.below(12), 1);
    const { live, plain } = part;
    if (Array.isArray(plain)) this.#changeArray({ live: live as List, plain });
    else if (plain instanceof Map) this.#changeMap({ live: live as Entries, plain });
    else if (plain instanceof Set) this.#changeSet({ live: live as Set<unknown>, plain });
    else if (plain instanceof Date) both(part as Pair<Date>, (date) => date.setTime(this.#steps.length));
    else if (ArrayBuffer.isView(plain) || plain instanceof ArrayBuffer) this.#changeBytes(part);
    else if (Object.getPrototypeOf(plain) === Object.prototype) this.#changeObject(part as Pair<Loose>);
    const kind = Object.prototype.toString.call(plain).slice(8, -1);
    this.#steps.push(`${kind} ${this.#note}`);
  }

  #note = "";

  /** Remembers how the current step reads, and lets it happen to both sides. */
  #do<T, R>(note: string, pair: Pair<T>, change: (target: T, side: keyof Pair) => R): Pair<R> {
    this.#note = note;
    return both(pair, change);
  }

  /** A value to assign: new, or a part of the state itself, held or not. On the plain side always a copy. */
  #value(): Pair {
    const random = this.#random;
    if (random.chance(0.3)) {
      const part = this.#pickPart();
      const isBoxed = random.chance(0.3);
      return {
        live: isBoxed ? [part.live] : part.live,
        plain: plainCopy(isBoxed ? [part.plain] : part.plain),
      };
    }
    const value = random.chance(0.4) ? randomLeaf(random) : randomValue(random, 2);
    return { live: value, plain: plainCopy(value) };
  }

  #replaceRoot(): void {
    const value = this.#random.chance(0.2) ? this.#value() : pairOf(randomValue(this.#random, 3));
    this.#steps.push("root");
    if (isSamePlace(value.live, this.#session.state)) return;
    this.#session.state = value.live;
    this.#plain = value.plain;
  }

  /** The root, something in it, or something held. */
  #pickPart(): Pair {
    const random = this.#random;
    let pair: Pair = { live: this.#session.state, plain: this.#plain };
    if (this.#held.length > 0 && random.chance(0.3)) pair = random.pick(this.#held) as Pair;
    for (let depth = 0; depth < 6 && random.chance(0.75); depth++) {
      const inner = this.#inner(pair);
      if (inner === undefined || typeof inner.plain !== "object" || inner.plain === null) break;
      pair = inner;
    }
    return pair;
  }

  #inner({ live, plain }: Pair): Pair | undefined {
    const random = this.#random;
    if (Array.isArray(plain)) {
      if (plain.length === 0) return undefined;
      const index = random.below(plain.length);
      const read = random.below(4);
      return both({ live: live as List, plain }, (list) =>
        read === 0
          ? list.at(index)
          : read === 1
            ? list.find((_, at) => at === index)
            : read === 2
              ? [...list][index]
              : list[index],
      );
    }
    if (plain instanceof Map) {
      const index = random.below(Math.max(plain.size, 1));
      const byKey = random.chance(0.5);
      return both({ live: live as Entries, plain }, (map) =>
        byKey ? map.get([...map.keys()][index]) : [...map.values()][index],
      );
    }
    if (typeof plain !== "object" || plain === null || Object.getPrototypeOf(plain) !== Object.prototype)
      return undefined;
    const key = random.pick(Object.keys(plain));
    if (key === undefined) return undefined;
    return both({ live: live as Loose, plain: plain as Loose }, (record) => record[key]);
  }

  #changeObject(pair: Pair<Loose>): void {
    const random = this.#random;
    const key = randomKey(random);
    if (random.chance(0.2)) {
      this.#do(`delete ${key}`, pair, (record) => delete record[key]);
      return;
    }
    if (random.chance(0.1)) {
      const other = randomKey(random);
      this.#swap(pair, key, other);
      return;
    }
    const value = this.#value();
    if (isSamePlace(value.live, own(pair.live, key))) return;
    this.#do(`set ${key}`, pair, (record, side) => {
      if (side === "live") record[key] = value.live;
      else setOwn(record, key, value.plain);
    });
  }

  #swap(pair: Pair<Loose>, key: string, other: string): void {
    if (key === other) return;
    this.#do(`swap ${key} and ${other}`, pair, (record, side) => {
      const [left, right] = [own(record, key), own(record, other)];
      if (side === "live") {
        [record[key], record[other]] = [right, left];
      } else {
        setOwn(record, key, plainCopy(right));
        setOwn(record, other, plainCopy(left));
      }
    });
  }

  #changeMap(pair: Pair<Entries>): void {
    const random = this.#random;
    const key = randomMember(random);
    if (random.chance(0.05)) {
      this.#do("clear", pair, (map) => map.clear());
    } else if (random.chance(0.3)) {
      this.#do(`delete ${String(key)}`, pair, (map) => map.delete(key));
    } else {
      const value = this.#value();
      if (isSamePlace(value.live, pair.live.get(key))) return;
      this.#do(`set ${String(key)}`, pair, (map, side) => void map.set(key, value[side]));
    }
  }

  #changeSet(pair: Pair<Set<unknown>>): void {
    const member = randomMember(this.#random);
    const choice = this.#random.next();
    this.#do(`set member ${String(member)}`, pair, (set) => {
      if (choice < 0.05) set.clear();
      else if (choice < 0.4) set.delete(member);
      else set.add(member);
    });
  }

  #changeBytes(pair: Pair): void {
    const byte = this.#random.below(256);
    this.#do("bytes", pair, (leaf) => {
      const view = leaf as Uint8Array | ArrayBuffer;
      const bytes = view instanceof ArrayBuffer ? new Uint8Array(view) : new Uint8Array(view.buffer);
      if (bytes.length > 0) bytes[byte % bytes.length] = byte;
    });
  }

  #changeArray(pair: Pair<List>): void {
    const random = this.#random;
    const { length } = pair.plain;
    const index = random.below(length + 1);
    const count = random.below(4);
    switch (random.below(14)) {
      case 0:
      case 1:
        this.#insert(pair, "push", (list, values) => list.push(...values));
        break;
      case 2:
        this.#insert(pair, "unshift", (list, values) => list.unshift(...values));
        break;
      case 3:
        this.#insert(pair, `splice ${index} ${count}`, (list, values) =>
          list.splice(index, count, ...values),
        );
        break;
      case 4:
        this.#take(pair, "pop", (list) => list.pop());
        break;
      case 5:
        this.#take(pair, "shift", (list) => list.shift());
        break;
      case 6:
        this.#take(pair, `splice ${index}`, (list) => list.splice(index, count)[0]);
        break;
      case 7:
        this.#do("reverse", pair, (list) => list.reverse());
        break;
      case 8:
        this.#do("sort", pair, (list) => list.sort((a, b) => rank(a) - rank(b)));
        break;
      case 9:
        this.#do(`length ${index}`, pair, (list) => {
          list.length = index;
        });
        break;
      case 10:
        this.#copyWithin(pair, random.below(length + 1), index, index + count);
        break;
      case 11:
        this.#fill(pair, index, index + count);
        break;
      case 12:
        if (length < MAX_PARTS) this.#leaveGap(pair, count);
        break;
      default:
        this.#setIndex(pair, index);
    }
  }

  /** A state has no holes: what is skipped is `undefined`. */
  #leaveGap(pair: Pair<List>, count: number): void {
    const { length } = pair.plain;
    this.#do(`gap of ${count}`, pair, (list) => {
      list[length + count] = count;
      for (let at = length; at < length + count; at++) list[at] = undefined;
    });
  }

  #insert(pair: Pair<List>, note: string, insert: (list: List, values: unknown[]) => unknown): void {
    const values = Array.from({ length: this.#random.below(3) }, () => this.#value());
    if (pair.plain.length > MAX_PARTS) return;
    this.#do(
      note,
      pair,
      (list, side) =>
        void insert(
          list,
          values.map((each) => each[side]),
        ),
    );
  }

  #take(pair: Pair<List>, note: string, take: (list: List) => unknown): void {
    const taken = this.#do(note, pair, take);
    if (typeof taken.plain === "object" && taken.plain !== null) this.#held.push(taken);
  }

  #setIndex(pair: Pair<List>, index: number): void {
    const value = this.#value();
    if (isSamePlace(value.live, pair.live[index])) return;
    this.#do(`set ${index}`, pair, (list, side) => {
      list[index] = value[side];
    });
  }

  /** Elements that end up in two places are copies; those that stay where they were keep their identity. */
  #copyWithin(pair: Pair<List>, target: number, start: number, end: number): void {
    this.#do(`copyWithin ${target} ${start} ${end}`, pair, (list, side) => {
      if (side === "live") {
        list.copyWithin(target, start, end);
        return;
      }
      const before = [...list];
      const order = before.map((_, index) => index).copyWithin(target, start, end);
      const placed = new Set(order.filter((from, to) => from === to));
      order.forEach((from, to) => {
        if (from === to) return;
        list[to] = placed.has(from) ? plainCopy(before[from]) : before[from];
        placed.add(from);
      });
    });
  }

  #fill(pair: Pair<List>, start: number, end: number): void {
    const value = this.#value();
    this.#do(`fill ${start} ${end}`, pair, (list, side) => {
      if (side === "live") list.fill(value.live, start, end);
      else
        for (let index = start; index < end && index < list.length; index++)
          list[index] = plainCopy(value.plain);
    });
  }
}

function both<T, R>(pair: Pair<T>, action: (target: T, side: keyof Pair) => R): Pair<R> {
  return { live: action(pair.live, "live"), plain: action(pair.plain, "plain") };
}

function pairOf(value: unknown): Pair {
  return { live: value, plain: plainCopy(value) };
}

/** Whether a container would be assigned over itself, which changes nothing and keeps its identity. */
function isSamePlace(value: unknown, current: unknown): boolean {
  return typeof value === "object" && value !== null && value === current;
}

function own(record: Loose, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** An order over all values that is the same for a state proxy and for what it stands for. */
function rank(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  if (typeof value === "number" && !Number.isNaN(value)) return value % 10;
  return String(typeof value).length;
}
