import { type ByteWriter, encodeValue } from "@greenroom/client/codec";
import { isPrimitive, refuseMember } from "./copy.js";
import { ContainerNode, type Key, release, type StateNode } from "./node.js";
import { formatMapKey } from "./path.js";
import { Opcode } from "./recorder.js";
import { nodeOf } from "./stamp.js";

type Method = (node: MapNode, args: readonly unknown[]) => unknown;
type Callback = (this: unknown, value: unknown, key: unknown, map: unknown) => void;

/** A `Map` of the state. Its keys are primitive values. */
export class MapNode extends ContainerNode<Map<unknown, unknown>> {
  override refreshKey(_child: StateNode): void {
    // An entry keeps its key for as long as it holds the same value.
  }

  override writeKey(writer: ByteWriter, key: Key): void {
    writeMember(writer, key);
  }

  override formatKey(key: Key): string {
    return formatMapKey(key);
  }

  override get(target: Map<unknown, unknown>, key: string | symbol, receiver: unknown): unknown {
    if (key === "size") return target.size;
    const method = mapMethods.get(key);
    if (method !== undefined) return method;
    return this.isNodeRequest(key, receiver) ? this : Reflect.get(target, key, receiver);
  }

  set(_target: Map<unknown, unknown>, key: string | symbol): boolean {
    throw new TypeError(
      `${this.describe()} is a Map and cannot store the property ${String(key)}; use its set method`,
    );
  }

  defineProperty(target: Map<unknown, unknown>, key: string | symbol): boolean {
    return this.set(target, key);
  }

  setEntry(key: unknown, value: unknown): void {
    if (this.raw.has(key) && this.isSame(this.raw.get(key), value)) return;
    if (!isPrimitive(key)) throw refuseMember(this.describe(), "key");
    const copy = this.copyIn(value, key);
    const writer = this.begin(Opcode.set, 2);
    if (writer !== undefined) {
      writeMember(writer, key);
      encodeValue(writer, copy, "state");
    }
    release(this.raw.get(key));
    this.raw.set(key, copy);
    this.commit(writer);
  }

  deleteEntry(key: unknown): boolean {
    if (!this.raw.has(key)) return false;
    const writer = this.begin(Opcode.delete, 1);
    if (writer !== undefined) writeMember(writer, key);
    release(this.raw.get(key));
    this.raw.delete(key);
    this.commit(writer);
    return true;
  }

  clear(): void {
    if (this.raw.size === 0) return;
    const writer = this.begin(Opcode.clear, 0);
    for (const value of this.raw.values()) release(value);
    this.raw.clear();
    this.commit(writer);
  }
}

/** Writes a `Map` key or `Set` member. Storage finds it again by these bytes, so equal ones have equal bytes. */
export function writeMember(writer: ByteWriter, member: unknown): void {
  if (member === 0) encodeValue(writer, 0, "state");
  else if (typeof member === "number" && Number.isNaN(member)) encodeValue(writer, Number.NaN, "state");
  else encodeValue(writer, member, "state");
}

function* entriesOf(node: MapNode): Generator<[unknown, unknown]> {
  for (const [key, value] of node.raw) yield [key, node.child(value, key)];
}

function* valuesOf(node: MapNode): Generator<unknown> {
  for (const [key, value] of node.raw) yield node.child(value, key);
}

const methods: Record<string, Method> = {
  get: (node, [key]) => node.child(node.raw.get(key), key),
  has: (node, [key]) => node.raw.has(key),
  set(node, [key, value]) {
    node.setEntry(key, value);
    return node.proxy;
  },
  delete: (node, [key]) => node.deleteEntry(key),
  clear: (node) => node.clear(),
  forEach(node, [callback, self]) {
    node.raw.forEach((value, key) => {
      (callback as Callback).call(self, node.child(value, key), key, node.proxy);
    });
  },
  keys: (node) => node.raw.keys(),
  values: valuesOf,
  entries: entriesOf,
};

const mapMethods: ReadonlyMap<string | symbol, unknown> = new Map(
  [...Object.entries(methods), [Symbol.iterator, entriesOf] as const].map(([name, method]) => [
    name,
    adapt(name, method),
  ]),
);

function adapt(name: string | symbol, method: Method): unknown {
  const native = Reflect.get(Map.prototype, name) as (...args: unknown[]) => unknown;
  return function stateMapMethod(this: object, ...args: unknown[]): unknown {
    const node = nodeOf(this);
    return node instanceof MapNode ? method(node, args) : native.apply(this, args);
  };
}
