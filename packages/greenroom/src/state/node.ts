import { type ByteWriter, encodeValue, writeArrayHead } from "@greenroom/client/codec";
import { copyIn } from "./copy.js";
import { Opcode, type Recorder } from "./recorder.js";
import { NODE, rawOf, stamp, stampOf } from "./stamp.js";

/** Where a value sits in its container: property name, array index, or `Map` key. */
export type Key = unknown;

/** What nodes need from the state they belong to. */
export interface Owner {
  readonly recorder: Recorder;
  /** What users get to see of `raw`, which has no node yet. */
  present(raw: object, parent: ContainerNode | undefined, key: Key): unknown;
  /** Whether `raw` is the root of the state. */
  isRoot(raw: object): boolean;
  /** The name of the root in messages, for example `c.state`. */
  readonly name: string;
  /** Brings the owned byte arrays up to date with what users wrote to their views. */
  settle(): void;
  /** Throws while changes are refused. */
  assertWritable(): void;
}

/** The nodes between an operation's container and the root; reused, and valid only while a path is written. */
const trail: StateNode[] = [];

/**
 * A value of the state tree that users hold a reference to. The tree itself consists of plain values; a node
 * exists only once such a reference was handed out.
 *
 * Every value has one parent, since what is assigned gets copied. A node without a parent, other than the
 * root's, is detached: it works as before but nothing about it is recorded.
 */
export abstract class StateNode {
  readonly owner: Owner;
  readonly raw: object;
  parent: ContainerNode | undefined;
  /** Where `raw` sits in `parent`. In arrays a hint, see `keyOf`. */
  key: Key;

  constructor(owner: Owner, raw: object, parent: ContainerNode | undefined, key: Key) {
    this.owner = owner;
    this.raw = raw;
    this.parent = parent;
    this.key = key;
    stamp(raw, this);
  }

  /** What users see instead of `raw`. */
  abstract present(): unknown;

  /** Fills `trail` from here up to the root. Returns the number of steps, or -1 if this is detached. */
  trace(): number {
    let node: StateNode = this;
    let depth = 0;
    for (let parent = node.parent; parent !== undefined; parent = node.parent) {
      parent.refreshKey(node);
      trail[depth++] = node;
      node = parent;
    }
    return this.owner.isRoot(node.raw) ? depth : -1;
  }

  /** Puts `value`, which is encoded the same as `raw` will be, in the place of this. Does nothing if it is detached. */
  protected recordReplacement(value: object): void {
    if (this.trace() < 0) return;
    const { owner, parent, key } = this;
    owner.assertWritable();
    const writer = parent === undefined ? owner.recorder.begin(Opcode.root, 1) : parent.begin(Opcode.set, 2);
    if (writer === undefined) return;
    parent?.writeKey(writer, key);
    encodeValue(writer, value, "state");
    owner.recorder.commit();
  }

  /** How many containers this is nested in. */
  depth(): number {
    let depth = 0;
    for (let parent = this.parent; parent !== undefined; parent = parent.parent) depth++;
    return depth;
  }

  /** The path of this value in messages. */
  describe(): string {
    if (this.parent !== undefined) {
      this.parent.refreshKey(this);
      return this.parent.describe() + this.parent.formatKey(this.key);
    }
    return this.owner.isRoot(this.raw) ? this.owner.name : `a detached part of ${this.owner.name}`;
  }
}

/** An object, array, `Map` or `Set` of the state, and the handler of the proxy that users see. */
export abstract class ContainerNode<Raw extends object = object>
  extends StateNode
  implements ProxyHandler<Raw>
{
  declare readonly raw: Raw;
  readonly proxy: Raw;

  constructor(owner: Owner, raw: Raw, parent: ContainerNode | undefined, key: Key) {
    super(owner, raw, parent, key);
    this.proxy = new Proxy(raw, this);
  }

  /** Corrects `child.key` if the child has moved within this container. */
  abstract refreshKey(child: StateNode): void;
  /** Appends `key` to a path. */
  abstract writeKey(writer: ByteWriter, key: Key): void;
  /** How `key` reads in a message. */
  abstract formatKey(key: Key): string;
  abstract get(target: Raw, key: string | symbol, receiver: unknown): unknown;

  override present(): Raw {
    return this.proxy;
  }

  /** What users see of `value`, which sits at `key` in this container. */
  child(value: unknown, key: Key): unknown {
    if (typeof value !== "object" || value === null) return value;
    const node = stampOf(value);
    if (node === undefined) return this.owner.present(value, this, key);
    node.key = key;
    return node.present();
  }

  /** What users see of `value`, which was just taken out of this container. */
  detach(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    release(value);
    return stampOf(value)?.present() ?? this.owner.present(value, undefined, undefined);
  }

  /** A copy of `value`, fit to be put at `key` in this container. */
  copyIn(value: unknown, key: Key): unknown {
    if (typeof value !== "object" || value === null) {
      if (typeof value !== "function" && typeof value !== "symbol") return value;
    }
    return copyIn(value, this.depth() + 1, () => this.describe() + this.formatKey(key));
  }

  /** Whether assigning `value` over `current` would change nothing. */
  isSame(current: unknown, value: unknown): boolean {
    return Object.is(current, typeof value === "object" && value !== null ? rawOf(value) : value);
  }

  /**
   * Starts an operation on this container. The caller writes the operands, applies the change, and calls
   * `commit`. Returns `undefined` if there is nothing to record because this is detached.
   */
  begin(opcode: Opcode, operands: number): ByteWriter | undefined {
    const depth = this.trace();
    if (depth < 0) return undefined;
    this.owner.assertWritable();
    const writer = this.owner.recorder.begin(opcode, operands + 1);
    writeArrayHead(writer, depth);
    for (let step = depth - 1; step >= 0; step--) {
      const node = trail[step] as StateNode;
      (node.parent as ContainerNode).writeKey(writer, node.key);
    }
    return writer;
  }

  /** Ends the operation that `begin` started, if it did. */
  commit(writer: ByteWriter | undefined): void {
    if (writer !== undefined) this.owner.recorder.commit();
  }

  /** A `get` trap starts with this: how `nodeOf` tells a proxy from other objects. */
  protected isNodeRequest(key: string | symbol, receiver: unknown): boolean {
    return key === NODE && receiver === this.proxy;
  }

  preventExtensions(): boolean {
    throw new TypeError(`${this.describe()} cannot be frozen, sealed or made non-extensible`);
  }

  setPrototypeOf(target: Raw, prototype: object | null): boolean {
    if (prototype === Object.getPrototypeOf(target)) return true;
    throw new TypeError(`the prototype of ${this.describe()} cannot be changed`);
  }

  getOwnPropertyDescriptor(target: Raw, key: string | symbol): PropertyDescriptor | undefined {
    const descriptor = Reflect.getOwnPropertyDescriptor(target, key);
    return descriptor && { ...descriptor, value: this.get(target, key, this.proxy) };
  }

  /** Refuses what is no ordinary property: accessors, and the hidden, constant or locked ones. */
  protected assertOrdinary(key: string | symbol, descriptor: PropertyDescriptor, exists: boolean): void {
    const { get, set, writable = exists, enumerable = exists, configurable = exists } = descriptor;
    if (get === undefined && set === undefined && writable && enumerable && configurable) return;
    throw new TypeError(
      `${this.describe()}${this.formatKey(key)} must be an ordinary property: no accessor, and writable, enumerable and configurable`,
    );
  }
}

/** Cuts `raw`, which leaves its container, from its parent. */
export function release(raw: unknown): void {
  if (typeof raw !== "object" || raw === null) return;
  const node = stampOf(raw);
  if (node !== undefined) node.parent = undefined;
}
