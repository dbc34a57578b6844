import { type ByteWriter, encodeValue, writeArrayHead, writeUint } from "@greenroom/client/codec";
import { arrayMethods } from "./array-methods.js";
import { ContainerNode, type Key, release, type StateNode } from "./node.js";
import { formatIndex, formatProperty } from "./path.js";
import { Opcode } from "./recorder.js";
import { runsOf } from "./runs.js";
import { stampOf } from "./stamp.js";

/** How many `undefined` a single write beyond the end may leave in between; more is taken for a mistake. */
const MAX_GAP = 65_536;
/** How far around the remembered index an element is looked for before the whole array is searched. */
const NEARBY = 64;
/** Arguments that are safe to spread into one call. */
const MAX_SPREAD = 1_000;

/** An array of the state. It never has holes. */
export class ArrayNode extends ContainerNode<unknown[]> {
  override refreshKey(child: StateNode): void {
    if (this.raw[child.key as number] === child.raw) return;
    const hint = child.key as number;
    for (let distance = 1; distance <= NEARBY; distance++) {
      if (this.raw[hint - distance] === child.raw) {
        child.key = hint - distance;
        return;
      }
      if (this.raw[hint + distance] === child.raw) {
        child.key = hint + distance;
        return;
      }
    }
    const index = this.raw.indexOf(child.raw);
    if (index < 0) throw new Error("a part of the state is missing in the array that it belongs to");
    child.key = index;
  }

  override writeKey(writer: ByteWriter, key: Key): void {
    writeUint(writer, key as number);
  }

  override formatKey(key: Key): string {
    return typeof key === "number" ? formatIndex(key) : formatProperty(String(key));
  }

  override get(target: unknown[], key: string | symbol, receiver: unknown): unknown {
    const value = target[key as unknown as number];
    if (typeof value === "object" && value !== null) {
      return typeof key === "string" ? this.child(value, Number(key)) : value;
    }
    if (typeof value === "function") return arrayMethods.get(key) ?? value;
    return this.isNodeRequest(key, receiver) ? this : value;
  }

  set(target: unknown[], key: string | symbol, value: unknown, receiver: unknown): boolean {
    if (receiver !== this.proxy) {
      return Reflect.defineProperty(receiver as object, key, {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
    if (key === "length") {
      this.setLength(value);
      return true;
    }
    const index = toIndex(key);
    if (index < 0)
      throw new TypeError(`${this.describe()} is an array and cannot store the property ${String(key)}`);
    if (index < target.length) this.setAt(index, value);
    else this.#extend(index, [this.copyIn(value, index)]);
    return true;
  }

  deleteProperty(target: unknown[], key: string | symbol): boolean {
    if (key === "length") return false;
    const index = toIndex(key);
    if (index >= 0 && index < target.length) this.setAt(index, undefined);
    return true;
  }

  defineProperty(target: unknown[], key: string | symbol, descriptor: PropertyDescriptor): boolean {
    if (key === "length") {
      if (descriptor.writable === false)
        throw new TypeError(`the length of ${this.describe()} cannot be locked`);
      if ("value" in descriptor) this.setLength(descriptor.value);
      return true;
    }
    const exists = Object.hasOwn(target, key);
    this.assertOrdinary(key, descriptor, exists);
    if (exists && !("value" in descriptor)) return true;
    return this.set(target, key, descriptor.value, this.proxy);
  }

  /** Replaces the element at the existing index `index`. */
  setAt(index: number, value: unknown): void {
    const current = this.raw[index];
    if (this.isSame(current, value)) return;
    const copy = this.copyIn(value, index);
    const writer = this.begin(Opcode.set, 2);
    if (writer !== undefined) {
      writeUint(writer, index);
      encodeValue(writer, copy, "state");
    }
    release(current);
    this.raw[index] = copy;
    this.commit(writer);
  }

  /** Copies of `values`, fit to be put in this array from index `start` on. */
  copyAll(values: readonly unknown[], start: number): unknown[] {
    return values.map((value, offset) => this.copyIn(value, start + offset));
  }

  /** Adds owned values at the end. */
  append(values: readonly unknown[]): void {
    if (values.length === 0) return;
    const writer = this.begin(Opcode.append, 1);
    if (writer !== undefined) writeValues(writer, values);
    for (const value of values) this.raw.push(value);
    this.commit(writer);
  }

  /**
   * Replaces `count` elements from `start` on by owned values. Returns what was there, detached.
   */
  replace(start: number, count: number, values: readonly unknown[]): unknown[] {
    if (count === 0 && start === this.raw.length) {
      this.append(values);
      return [];
    }
    if (count === 0 && values.length === 0) return [];
    const writer = this.begin(Opcode.splice, 3);
    if (writer !== undefined) {
      writeUint(writer, start);
      writeUint(writer, count);
      writeValues(writer, values);
    }
    const removed = spliceAll(this.raw, start, count, values);
    for (const value of removed) release(value);
    this.commit(writer);
    return removed;
  }

  /**
   * Makes element `order[i]` the new element `i`, for every index. An element that is named twice gets copied;
   * the occurrence that stays where it was, or else the first, keeps its identity.
   */
  rearrange(order: readonly number[]): void {
    if (order.every((from, to) => from === to)) return;
    // Copies are made of what users see, and before the operation starts.
    this.owner.settle();
    const before = this.raw.slice();
    const placed = new Uint8Array(before.length);
    order.forEach((from, to) => {
      if (from === to) placed[from] = 1;
    });
    const after = order.map((from, to) => {
      if (from !== to && placed[from] === 1) return this.copyIn(before[from], to);
      placed[from] = 1;
      return before[from];
    });
    const writer = this.begin(Opcode.rearrange, 1);
    if (writer !== undefined) writeValues(writer, runsOf(order));
    after.forEach((value, index) => {
      this.raw[index] = value;
      const node = typeof value === "object" && value !== null ? stampOf(value) : undefined;
      if (node !== undefined) node.key = index;
    });
    before.forEach((value, index) => {
      if (placed[index] === 0) release(value);
    });
    this.commit(writer);
  }

  /** Sets `length`, which drops elements or adds `undefined`. */
  setLength(value: unknown): void {
    const length = Number(value);
    if (length !== length >>> 0) throw new RangeError("Invalid array length");
    const current = this.raw.length;
    if (length < current) this.replace(length, current - length, []);
    else if (length > current) this.#extend(length, []);
  }

  /** Puts owned values at `start`, at or beyond the end, after as many `undefined` as that takes. */
  #extend(start: number, values: readonly unknown[]): void {
    const gap = start - this.raw.length;
    if (gap > MAX_GAP) {
      throw new RangeError(
        `writing at index ${start} of ${this.describe()} would leave ${gap} elements undefined, limit is ${MAX_GAP}`,
      );
    }
    this.append(gap === 0 ? values : [...new Array<undefined>(gap).fill(undefined), ...values]);
  }
}

/** The array index that `key` denotes, or -1. */
function toIndex(key: string | symbol): number {
  if (typeof key === "symbol") return -1;
  const index = Number(key) >>> 0;
  return String(index) === key && index < 0xffff_ffff ? index : -1;
}

function writeValues(writer: ByteWriter, values: readonly unknown[]): void {
  writeArrayHead(writer, values.length);
  for (const value of values) encodeValue(writer, value, "state");
}

function spliceAll(target: unknown[], start: number, count: number, values: readonly unknown[]): unknown[] {
  if (values.length <= MAX_SPREAD) return target.splice(start, count, ...values);
  const rest = target.splice(start);
  for (const value of values) target.push(value);
  for (const value of rest.slice(count)) target.push(value);
  return rest.slice(0, count);
}
