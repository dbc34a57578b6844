import { type AnyTypedArray, MAX_DEPTH, typedArrayTag } from "@greenroom/client/codec";
import { copyBytes } from "./bytes.js";
import { formatIndex, formatMapKey, formatProperty, withArticle } from "./path.js";
import { nodeOf } from "./stamp.js";

/** The error classes that a stored error keeps; others become an `Error` with that `name`. */
const errorClasses: ReadonlyMap<string, ErrorConstructor> = new Map<string, ErrorConstructor>(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((each) => [
    each.name,
    each,
  ]),
);

/**
 * A deep copy of `value` that shares nothing with it and holds nothing that could not be read back from storage.
 *
 * Null-prototype objects become ordinary ones, holes in arrays `undefined`, and errors keep name, message and
 * stack only. Non-enumerable properties are left out, as `structuredClone` does.
 *
 * @param depth containers that the copy will be nested in.
 * @param name gives the path of `value` for messages.
 * @throws TypeError naming the path of the first part that cannot be stored.
 */
export function copyIn(value: unknown, depth: number, name: () => string): unknown {
  return new Copier(depth, name).copy(value, depth);
}

/** Whether `value` can be a `Map` key or `Set` member: an object would lose its identity in storage. */
export function isPrimitive(value: unknown): boolean {
  const type = typeof value;
  return (type !== "object" || value === null) && type !== "function" && type !== "symbol";
}

/** The error for a `Map` key or `Set` member that is not a primitive value. */
export function refuseMember(path: string, what: "key" | "member"): TypeError {
  const place =
    what === "key"
      ? "an object, function or symbol as a Map key"
      : "an object, function or symbol as a Set member";
  return new TypeError(`${path} has ${place}: only primitive values keep their identity in storage`);
}

type KeyFormat = (key: never) => string;

class Copier {
  readonly #base: number;
  readonly #name: () => string;
  /** Sources of the containers around the current one, outermost first. */
  readonly #ancestors: object[] = [];
  /** The key that each of them is being read at, and how it is written. */
  readonly #keys: unknown[] = [];
  readonly #formats: KeyFormat[] = [];

  constructor(base: number, name: () => string) {
    this.#base = base;
    this.#name = name;
  }

  copy(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case "object":
        return value === null ? null : this.#object(value, depth);
      case "function":
      case "symbol":
        throw this.#refuse(depth, `is a ${typeof value}`);
      default:
        return value;
    }
  }

  #object(value: object, depth: number): unknown {
    const node = nodeOf(value);
    if (node !== undefined) {
      // Byte arrays may have been written to since they were handed out.
      node.owner.settle();
      return this.#container(node.raw, depth);
    }
    return this.#container(value, depth);
  }

  #container(value: object, depth: number): unknown {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#record(value, depth);
    if (Array.isArray(value)) {
      this.#assertClass(value, "Array", depth);
      return this.#array(value, depth);
    }
    if (value instanceof Date) {
      this.#assertClass(value, "Date", depth);
      return new Date(value.getTime());
    }
    if (value instanceof Map) {
      this.#assertClass(value, "Map", depth);
      return this.#map(value, depth);
    }
    if (value instanceof Set) {
      this.#assertClass(value, "Set", depth);
      return this.#set(value, depth);
    }
    if (value instanceof ArrayBuffer) return copyBytes(value);
    if (ArrayBuffer.isView(value) && typedArrayTag(value) !== undefined)
      return copyBytes(value as AnyTypedArray);
    if (value instanceof RegExp) {
      this.#enter(value, depth);
      return new RegExp(value.source, value.flags);
    }
    if (value instanceof Error) {
      this.#enter(value, depth);
      return copyError(value);
    }
    if (isForeignPlainObject(prototype as object)) return this.#record(value, depth);
    throw this.#refuseInstance(value, depth);
  }

  #record(source: object, depth: number): object {
    this.#enter(source, depth);
    const copy: Record<string, unknown> = {};
    for (const key of Reflect.ownKeys(source)) {
      const { enumerable, value, get, set } = Object.getOwnPropertyDescriptor(source, key) ?? {};
      if (enumerable !== true) continue;
      if (typeof key === "symbol") throw this.#refuse(depth, `has the symbol key ${String(key)}`);
      this.#assertKey(key, depth);
      this.#step(depth, key, formatProperty);
      if (get !== undefined || set !== undefined) throw this.#refuse(depth + 1, "is an accessor");
      defineOrdinary(copy, key, this.copy(value, depth + 1));
    }
    return copy;
  }

  #array(source: readonly unknown[], depth: number): unknown[] {
    this.#enter(source, depth);
    const copy: unknown[] = [];
    for (let index = 0; index < source.length; index++) {
      const value = source[index];
      if (typeof value === "object" || typeof value === "function" || typeof value === "symbol") {
        this.#step(depth, index, formatIndex);
        copy.push(this.copy(value, depth + 1));
      } else {
        copy.push(value);
      }
    }
    const keys = Object.keys(source);
    const last = keys.at(-1);
    if (last !== undefined && !(Number(last) < source.length)) {
      throw this.#refuse(depth, `is an array with the property ${JSON.stringify(last)}`);
    }
    return copy;
  }

  #map(source: ReadonlyMap<unknown, unknown>, depth: number): Map<unknown, unknown> {
    this.#enter(source, depth);
    const copy = new Map<unknown, unknown>();
    for (const [key, value] of source) {
      if (!isPrimitive(key)) throw refuseMember(this.#path(depth), "key");
      this.#step(depth, key, formatMapKey);
      copy.set(key, this.copy(value, depth + 1));
    }
    return copy;
  }

  #set(source: ReadonlySet<unknown>, depth: number): Set<unknown> {
    this.#enter(source, depth);
    for (const member of source) {
      if (!isPrimitive(member)) throw refuseMember(this.#path(depth), "member");
    }
    return new Set(source);
  }

  #enter(source: object, depth: number): void {
    this.#ancestors[depth - this.#base] = source;
    this.#ancestors.length = depth - this.#base + 1;
    if (depth < MAX_DEPTH) return;
    // Only here, where every cycle ends up: looking for one at each step would cost every assignment.
    const end = this.#ancestors.findIndex((each, index) => this.#ancestors.indexOf(each) < index);
    if (end >= 0) throw this.#refuse(this.#base + end, "is one of its own parents (a cycle)");
    throw this.#refuse(depth, `is nested deeper than ${MAX_DEPTH} levels`);
  }

  #step(depth: number, key: unknown, format: KeyFormat): void {
    this.#keys[depth - this.#base] = key;
    this.#formats[depth - this.#base] = format;
  }

  #assertKey(key: string, depth: number): void {
    if (!isWellFormed(key))
      throw this.#refuse(depth, `has the key ${JSON.stringify(key)}, which is not valid Unicode`);
  }

  #assertClass(value: object, name: string, depth: number): void {
    if (className(value) !== name) throw this.#refuseInstance(value, depth);
  }

  #refuseInstance(value: object, depth: number): TypeError {
    return this.#refuse(depth, `is ${withArticle(className(value))} instance`);
  }

  #path(depth: number): string {
    let path = this.#name();
    for (let level = 0; level < depth - this.#base; level++) {
      path += this.#formats[level]?.(this.#keys[level] as never) ?? "";
    }
    return path;
  }

  #refuse(depth: number, problem: string): TypeError {
    return new TypeError(`${this.#path(depth)} ${problem}: it cannot be stored; use plain data instead`);
  }
}

/** Sets an own property, also when its name is `__proto__`. */
export function defineOrdinary(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}

/** Whether every surrogate in `text` is half of a pair; object keys must be, since they are stored as UTF-8. */
export function isWellFormed(text: string): boolean {
  return !/[\ud800-\udfff]/.test(text) || !/\p{Surrogate}/u.test(text);
}

function copyError(source: Error): Error {
  const name = String(source.name);
  const message = String(source.message);
  const known = errorClasses.get(name);
  const copy = new (known ?? Error)(message);
  // Storage marks regular expressions with a name of their own.
  if (known === undefined && name !== "RegExp") {
    Object.defineProperty(copy, "name", { value: name, writable: true, configurable: true });
  }
  if (typeof source.stack === "string") {
    Object.defineProperty(copy, "stack", { value: source.stack, writable: true, configurable: true });
  }
  return copy;
}

function className(value: object): string {
  const { constructor: made } = value as { constructor?: unknown };
  return typeof made === "function" && made.name !== "" ? made.name : "nameless class";
}

/** Whether this is the `Object.prototype` of another realm. */
function isForeignPlainObject(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && className(prototype) === "Object";
}
