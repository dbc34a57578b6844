/**
 * The least that can answer the core: a host whose actors count.
 *
 * It knows two actions: `add` adds one to the count and returns it, `fail` fails. It reads and writes batches by hand,
 * so that these tests depend on the documented layout alone.
 */
import type { NativeRegistry } from "@greenroom/native";

const ABSENT = 0xffff_ffff;
const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** Answers the events of a registry. Give `wake` to `start`. */
export class CountingHost {
  /** The kinds of the events that came, in order. */
  readonly seen: number[] = [];
  readonly #counts = new Map<number, number>();
  #registry: NativeRegistry | undefined;

  attach(registry: NativeRegistry): void {
    this.#registry = registry;
  }

  readonly wake = (): void => {
    const registry = this.#registry;
    if (registry === undefined) {
      throw new Error("attach a registry first");
    }
    let events = registry.exchange(null);
    while (events !== null) {
      events = registry.exchange(concat(this.#answer(new Reader(events))));
    }
  };

  #answer(events: Reader): Uint8Array[] {
    const turns: Uint8Array[] = [];
    while (!events.isAtEnd()) {
      const kind = events.u8();
      const instance = events.u32();
      this.seen.push(kind);
      turns.push(...this.#event(kind, instance, events));
    }
    return turns;
  }

  #event(kind: number, instance: number, events: Reader): Uint8Array[] {
    switch (kind) {
      case 1:
        return [this.#start(instance, events)];
      case 2:
        return [this.#call(instance, events)];
      case 7:
        events.u8();
        return [turn(instance, [], [14])];
      case 8:
        this.#counts.delete(instance);
        return [];
      default:
        throw new Error(`an event of kind ${kind} has no business here`);
    }
  }

  #start(instance: number, events: Reader): Uint8Array {
    events.str();
    events.str();
    for (let parts = events.u16(); parts > 0; parts--) {
      events.str();
    }
    events.opt();
    const state = events.opt();
    const created = events.u8() === 1;
    events.skip(8);
    if (events.u32() !== 0 || events.u32() !== 0) {
      throw new Error("there are no connections or alarms in these tests");
    }
    // The size of the key-value pairs and the version of the state.
    events.skip(12);
    events.skip(8);
    if (events.u32() !== 0) {
      throw new Error("there are no messages in these tests");
    }
    this.#counts.set(instance, state === null ? 0 : smallInteger(state));
    return turn(instance, created ? replaceRoot(0) : [], [1]);
  }

  #call(instance: number, events: Reader): Uint8Array {
    const call = events.u32();
    events.u32();
    const name = events.str();
    events.u8();
    if (events.u8() !== 0) {
      throw new Error("nothing is known of the clients in these tests");
    }
    events.bytes();
    if (name !== "add") {
      return turn(
        instance,
        [],
        [4, ...u32(call), ...str("user"), ...str("no"), ...str("it fails"), ...u32(ABSENT)],
      );
    }
    const count = (this.#counts.get(instance) ?? 0) + 1;
    this.#counts.set(instance, count);
    return turn(instance, replaceRoot(count), [3, ...u32(call), ...bytes([count])]);
  }
}

/** One turn with strict durability. */
export function turn(instance: number, changes: number[], outputs: number[]): Uint8Array {
  return Uint8Array.from([...u32(instance), 0, ...bytes(changes), ...bytes(outputs)]);
}

/** The operation that makes `value`, an integer below 24, the whole state. */
function replaceRoot(value: number): number[] {
  return [0x82, 7, value];
}

function smallInteger(item: Uint8Array): number {
  const [value, ...rest] = item;
  if (value === undefined || value >= 24 || rest.length > 0) {
    throw new Error(`not an integer below 24: ${item.join(" ")}`);
  }
  return value;
}

function u32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
}

function bytes(content: number[]): number[] {
  return [...u32(content.length), ...content];
}

function str(text: string): number[] {
  return bytes([...new TextEncoder().encode(text)]);
}

function concat(parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

class Reader {
  readonly #batch: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(batch: Uint8Array) {
    this.#batch = batch;
    this.#view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  }

  isAtEnd(): boolean {
    return this.#at === this.#batch.length;
  }

  skip(length: number): number {
    const at = this.#at;
    this.#at += length;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4), true);
  }

  bytes(): Uint8Array {
    return this.#take(this.u32());
  }

  opt(): Uint8Array | null {
    const length = this.u32();
    return length === ABSENT ? null : this.#take(length);
  }

  str(): string {
    return UTF8.decode(this.bytes());
  }

  #take(length: number): Uint8Array {
    const at = this.skip(length);
    return this.#batch.slice(at, this.#at);
  }
}
