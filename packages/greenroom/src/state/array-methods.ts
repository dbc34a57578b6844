import type { ArrayNode } from "./array-node.js";
import { arrayReads } from "./array-reads.js";
import { orderOf } from "./sort.js";
import { nodeOf } from "./stamp.js";

type Method = (node: ArrayNode, args: readonly unknown[]) => unknown;

const writes: Record<string, Method> = {
  push(node, args) {
    node.append(node.copyAll(args, node.raw.length));
    return node.raw.length;
  },
  pop(node) {
    return removeOne(node, node.raw.length - 1);
  },
  shift(node) {
    return removeOne(node, 0);
  },
  unshift(node, args) {
    node.replace(0, 0, node.copyAll(args, 0));
    return node.raw.length;
  },
  splice(node, args) {
    const { length } = node.raw;
    const start = clamp(args[0], length);
    const count =
      args.length === 0 ? 0 : args.length === 1 ? length - start : toCount(args[1], length - start);
    return node.replace(start, count, node.copyAll(args.slice(2), start)).map((value) => node.detach(value));
  },
  fill(node, args) {
    const { length } = node.raw;
    const start = clamp(args[1], length);
    const end = args[2] === undefined ? length : clamp(args[2], length);
    if (start < end) {
      node.replace(start, end - start, node.copyAll(new Array<unknown>(end - start).fill(args[0]), start));
    }
    return node.proxy;
  },
  reverse(node) {
    const last = node.raw.length - 1;
    node.rearrange(node.raw.map((_, index) => last - index));
    return node.proxy;
  },
  sort(node, args) {
    node.rearrange(orderOf(node, args[0]));
    return node.proxy;
  },
  copyWithin(node, args) {
    // The same move on a list of indices says which element ends up where.
    const order = node.raw.map((_, index) => index);
    order.copyWithin(...(args as [number, number, number?]));
    node.rearrange(order);
    return node.proxy;
  },
};

/** What the methods of `Array.prototype` do on an array of the state. Called on anything else, they are the native ones. */
export const arrayMethods: ReadonlyMap<string | symbol, unknown> = new Map(
  [...Object.entries(writes), ...arrayReads].map(([name, method]) => [name, adapt(name, method)] as const),
);

function adapt(name: string | symbol, method: Method): unknown {
  const native = Reflect.get(Array.prototype, name) as (...args: unknown[]) => unknown;
  return function stateArrayMethod(this: object, ...args: unknown[]): unknown {
    const node = nodeOf(this) as ArrayNode | undefined;
    return node !== undefined && Array.isArray(node.raw) ? method(node, args) : native.apply(this, args);
  };
}

function removeOne(node: ArrayNode, index: number): unknown {
  if (node.raw.length === 0) return undefined;
  return node.detach(node.replace(index, 1, [])[0]);
}

/** An argument as an index between 0 and `length`; negative ones count from the end. */
function clamp(value: unknown, length: number): number {
  const index = Math.trunc(Number(value)) || 0;
  return index < 0 ? Math.max(length + index, 0) : Math.min(index, length);
}

function toCount(value: unknown, available: number): number {
  return Math.min(Math.max(Math.trunc(Number(value)) || 0, 0), available);
}
