import { type ByteWriter, encodeValue, writeText } from "@greenroom/client/codec";
import { defineOrdinary, isWellFormed } from "./copy.js";
import { ContainerNode, type Key, release, type StateNode } from "./node.js";
import { formatProperty } from "./path.js";
import { Opcode } from "./recorder.js";

type Raw = Record<string, unknown>;

/** A plain object of the state. */
export class ObjectNode extends ContainerNode<Raw> {
  override refreshKey(_child: StateNode): void {
    // A property keeps its name for as long as it holds the same value.
  }

  override writeKey(writer: ByteWriter, key: Key): void {
    writeText(writer, key as string);
  }

  override formatKey(key: Key): string {
    return formatProperty(String(key));
  }

  override get(target: Raw, key: string | symbol, receiver: unknown): unknown {
    const value = target[key as string];
    if (typeof value !== "object" || value === null) {
      return this.isNodeRequest(key, receiver) ? this : value;
    }
    // The one inherited object is the prototype, by the name of `__proto__`: a key from outside must not reach it.
    return Object.hasOwn(target, key) ? this.child(value, key) : undefined;
  }

  set(target: Raw, key: string | symbol, value: unknown, receiver: unknown): boolean {
    if (receiver !== this.proxy) {
      return Reflect.defineProperty(receiver as object, key, {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
    const exists = Object.hasOwn(target, key);
    if (exists && this.isSame(target[key as string], value)) return true;
    const name = this.#assertKey(key, exists);
    const copy = this.copyIn(value, name);
    const writer = this.begin(Opcode.set, 2);
    if (writer !== undefined) {
      writeText(writer, name);
      encodeValue(writer, copy, "state");
    }
    if (exists) release(target[name]);
    defineOrdinary(target, name, copy);
    this.commit(writer);
    return true;
  }

  deleteProperty(target: Raw, key: string | symbol): boolean {
    if (typeof key === "symbol" || !Object.hasOwn(target, key)) return true;
    const writer = this.begin(Opcode.delete, 1);
    if (writer !== undefined) writeText(writer, key);
    release(target[key]);
    delete target[key];
    this.commit(writer);
    return true;
  }

  defineProperty(target: Raw, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    const exists = Object.hasOwn(target, key);
    this.assertOrdinary(key, descriptor, exists);
    if (exists && !("value" in descriptor)) return true;
    return this.set(target, key, descriptor.value, this.proxy);
  }

  #assertKey(key: string | symbol, exists: boolean): string {
    if (typeof key === "symbol") {
      throw new TypeError(`${this.describe()} cannot store the symbol key ${String(key)}`);
    }
    if (!exists && !isWellFormed(key)) {
      throw new TypeError(
        `${this.describe()} cannot store the key ${JSON.stringify(key)}, which is not valid Unicode`,
      );
    }
    return key;
  }
}
