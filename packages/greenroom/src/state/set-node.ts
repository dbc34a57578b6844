import type { ByteWriter } from "@greenroom/client/codec";
import { isPrimitive, refuseMember } from "./copy.js";
import { writeMember } from "./map-node.js";
import { ContainerNode, type Key, type StateNode } from "./node.js";
import { formatProperty } from "./path.js";
import { Opcode } from "./recorder.js";
import { nodeOf } from "./stamp.js";

type Method = (node: SetNode, args: readonly unknown[]) => unknown;
type Callback = (this: unknown, value: unknown, key: unknown, set: unknown) => void;

/** A `Set` of the state. Its members are primitive values, so nothing in it has a node. */
export class SetNode extends ContainerNode<Set<unknown>> {
  override refreshKey(_child: StateNode): void {
    throw new Error("a Set of the state has no nested parts");
  }

  override writeKey(_writer: ByteWriter, _key: Key): void {
    throw new Error("a Set of the state has no nested parts");
  }

  override formatKey(key: Key): string {
    return formatProperty(String(key));
  }

  override get(target: Set<unknown>, key: string | symbol, receiver: unknown): unknown {
    if (key === "size") return target.size;
    const method = setMethods.get(key);
    if (method !== undefined) return method;
    return this.isNodeRequest(key, receiver) ? this : Reflect.get(target, key, receiver);
  }

  set(_target: Set<unknown>, key: string | symbol): boolean {
    throw new TypeError(
      `${this.describe()} is a Set and cannot store the property ${String(key)}; use its add method`,
    );
  }

  defineProperty(target: Set<unknown>, key: string | symbol): boolean {
    return this.set(target, key);
  }

  add(member: unknown): void {
    if (this.raw.has(member)) return;
    if (!isPrimitive(member)) throw refuseMember(this.describe(), "member");
    const writer = this.begin(Opcode.add, 1);
    if (writer !== undefined) writeMember(writer, member);
    this.raw.add(member);
    this.commit(writer);
  }

  deleteMember(member: unknown): boolean {
    if (!this.raw.has(member)) return false;
    const writer = this.begin(Opcode.delete, 1);
    if (writer !== undefined) writeMember(writer, member);
    this.raw.delete(member);
    this.commit(writer);
    return true;
  }

  clear(): void {
    if (this.raw.size === 0) return;
    const writer = this.begin(Opcode.clear, 0);
    this.raw.clear();
    this.commit(writer);
  }
}

const methods: Record<string, Method> = {
  has: (node, [member]) => node.raw.has(member),
  add(node, [member]) {
    node.add(member);
    return node.proxy;
  },
  delete: (node, [member]) => node.deleteMember(member),
  clear: (node) => node.clear(),
  forEach(node, [callback, self]) {
    node.raw.forEach((member) => {
      (callback as Callback).call(self, member, member, node.proxy);
    });
  },
};

/** Members need no wrapping, so these run on the owned set as they are; not every engine has all of them. */
const natives: readonly (string | symbol)[] = [
  ...["keys", "values", "entries", "union", "intersection", "difference", "symmetricDifference"],
  ...["isSubsetOf", "isSupersetOf", "isDisjointFrom"],
  Symbol.iterator,
];

const setMethods: ReadonlyMap<string | symbol, unknown> = new Map([
  ...Object.entries(methods).map(([name, method]) => [name, adapt(name, method)] as const),
  ...natives
    .filter((name) => name in Set.prototype)
    .map(
      (name) =>
        [name, adapt(name, (node, args) => nativeOf(name).apply(node.raw, args as unknown[]))] as const,
    ),
]);

function nativeOf(name: string | symbol): (...args: unknown[]) => unknown {
  return Reflect.get(Set.prototype, name);
}

function adapt(name: string | symbol, method: Method): unknown {
  return function stateSetMethod(this: object, ...args: unknown[]): unknown {
    const node = nodeOf(this);
    return node instanceof SetNode ? method(node, args) : nativeOf(name).apply(this, args);
  };
}
