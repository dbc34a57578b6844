import type { ArrayNode } from "./array-node.js";
import { rawOf } from "./stamp.js";

type Method = (node: ArrayNode, args: readonly unknown[]) => unknown;
type Callback = (this: unknown, value: unknown, index: number, array: unknown) => unknown;
type Reducer = (result: unknown, value: unknown, index: number, array: unknown) => unknown;

/**
 * The reading methods, run over the owned elements: only what a callback or the caller gets is wrapped. Through
 * a proxy, each element would cost several traps instead.
 */
const methods: Record<string, Method> = {
  at(node, args) {
    const { raw } = node;
    const index = Math.trunc(Number(args[0])) || 0;
    const from = index < 0 ? raw.length + index : index;
    return node.child(raw[from], from);
  },
  slice(node, args) {
    const { raw } = node;
    const [start] = args as [number?, number?];
    const offset = Math.trunc(Number(start)) || 0;
    const first = offset < 0 ? Math.max(raw.length + offset, 0) : offset;
    const part = raw.slice(...(args as [number?, number?]));
    for (let index = 0; index < part.length; index++) part[index] = node.child(part[index], first + index);
    return part;
  },
  includes(node, args) {
    return node.raw.includes(...ownedFirst(args));
  },
  indexOf(node, args) {
    return node.raw.indexOf(...ownedFirst(args));
  },
  lastIndexOf(node, args) {
    return node.raw.lastIndexOf(...(ownedFirst(args) as [unknown]));
  },
  find(node, args) {
    return findFrom(node, args, (_, value) => value);
  },
  findIndex(node, args) {
    return findFrom(node, args, (index) => index) ?? -1;
  },
  findLast(node, args) {
    return findBack(node, args, (_, value) => value);
  },
  findLastIndex(node, args) {
    return findBack(node, args, (index) => index) ?? -1;
  },
  forEach(node, args) {
    eachOf(node, args, () => false);
  },
  some(node, args) {
    return eachOf(node, args, (result) => Boolean(result));
  },
  every(node, args) {
    return !eachOf(node, args, (result) => !result);
  },
  filter(node, args) {
    const found: unknown[] = [];
    eachOf(node, args, (result, value) => {
      if (result) found.push(value);
      return false;
    });
    return found;
  },
  map(node, args) {
    const results: unknown[] = [];
    results.length = node.raw.length;
    eachOf(node, args, (result, _, index) => {
      results[index] = result;
      return false;
    });
    return results;
  },
  reduce(node, args) {
    return reduceOf(node, args, 0, 1);
  },
  reduceRight(node, args) {
    return reduceOf(node, args, node.raw.length - 1, -1);
  },
  keys(node) {
    return node.raw.keys();
  },
  values,
  entries(node) {
    return entriesOf(node);
  },
};

/** Methods that are quick enough on a list of what users would see of each element. */
const onCopies = [
  "concat",
  "flat",
  "flatMap",
  "join",
  "toLocaleString",
  "toReversed",
  "toSorted",
  "toSpliced",
  "toString",
  "with",
];

export const arrayReads: readonly (readonly [string | symbol, Method])[] = [
  ...Object.entries(methods),
  [Symbol.iterator, values],
  ...onCopies.filter((name) => name in Array.prototype).map((name) => [name, onCopy(name)] as const),
];

function onCopy(name: string): Method {
  const native = Reflect.get(Array.prototype, name) as (...args: unknown[]) => unknown;
  return (node, args) =>
    native.apply(
      node.raw.map((value, index) => node.child(value, index)),
      args as unknown[],
    );
}

function ownedFirst(args: readonly unknown[]): [unknown, number?] {
  const [value, ...rest] = args;
  return [typeof value === "object" && value !== null ? rawOf(value) : value, ...(rest as [number?])];
}

function values(node: ArrayNode): Iterator<unknown> {
  return valuesOf(node);
}

function* valuesOf(node: ArrayNode): Generator<unknown> {
  for (let index = 0; index < node.raw.length; index++) yield node.child(node.raw[index], index);
}

function* entriesOf(node: ArrayNode): Generator<[number, unknown]> {
  for (let index = 0; index < node.raw.length; index++) yield [index, node.child(node.raw[index], index)];
}

/** Calls back for each element that is still there, until `stop` says so. Returns whether it did. */
function eachOf(
  node: ArrayNode,
  args: readonly unknown[],
  stop: (result: unknown, value: unknown, index: number) => boolean,
): boolean {
  const callback = callable<Callback>(args[0]);
  const { raw, proxy } = node;
  const end = raw.length;
  for (let index = 0; index < end && index < raw.length; index++) {
    const value = node.child(raw[index], index);
    if (stop(callback.call(args[1], value, index, proxy), value, index)) return true;
  }
  return false;
}

function findFrom<T>(
  node: ArrayNode,
  args: readonly unknown[],
  result: (index: number, value: unknown) => T,
): T | undefined {
  const predicate = callable<Callback>(args[0]);
  const { raw, proxy } = node;
  const end = raw.length;
  for (let index = 0; index < end; index++) {
    const value = node.child(raw[index], index);
    if (predicate.call(args[1], value, index, proxy)) return result(index, value);
  }
  return undefined;
}

function findBack<T>(
  node: ArrayNode,
  args: readonly unknown[],
  result: (index: number, value: unknown) => T,
): T | undefined {
  const predicate = callable<Callback>(args[0]);
  const { raw, proxy } = node;
  for (let index = raw.length - 1; index >= 0; index--) {
    const value = node.child(raw[index], index);
    if (predicate.call(args[1], value, index, proxy)) return result(index, value);
  }
  return undefined;
}

function reduceOf(node: ArrayNode, args: readonly unknown[], first: number, step: 1 | -1): unknown {
  const reducer = callable<Reducer>(args[0]);
  const { raw, proxy } = node;
  const end = step === 1 ? raw.length : -1;
  let index = first;
  let result = args[1];
  if (args.length < 2) {
    if (raw.length === 0) throw new TypeError("Reduce of empty array with no initial value");
    result = node.child(raw[index], index);
    index += step;
  }
  for (; index !== end; index += step) {
    if (index < raw.length) result = reducer(result, node.child(raw[index], index), index, proxy);
  }
  return result;
}

function callable<F>(value: unknown): F {
  if (typeof value !== "function") throw new TypeError(`${String(value)} is not a function`);
  return value as F;
}
