import { ValueReader } from "@greenroom/client/codec";

type Container = unknown[] | Map<unknown, unknown> | Set<unknown> | Record<string, unknown>;

/** Applies encoded operations to a plain value: the reading of the format that is independent of the one in Rust. */
export class Replica {
  /** The folded state; `undefined` before the first operation. */
  root: unknown = undefined;

  apply(operations: Uint8Array): void {
    const reader = new ValueReader(operations, "state");
    while (!reader.atEnd) this.#one(reader.read() as unknown[]);
  }

  #one([opcode, ...operands]: unknown[]): void {
    if (opcode === 7) {
      this.root = operands[0];
      return;
    }
    const [path, ...rest] = operands as [unknown[], ...unknown[]];
    const target = this.#find(path);
    switch (opcode) {
      case 0:
        set(target, rest[0], rest[1]);
        break;
      case 1:
        remove(target, rest[0]);
        break;
      case 2:
        (target as unknown[]).push(...(rest[0] as unknown[]));
        break;
      case 3:
        (target as unknown[]).splice(rest[0] as number, rest[1] as number, ...(rest[2] as unknown[]));
        break;
      case 4:
        rearrange(target as unknown[], rest[0] as number[]);
        break;
      case 5:
        (target as Set<unknown>).add(rest[0]);
        break;
      case 6:
        (target as Set<unknown>).clear();
        break;
      default:
        throw new Error(`unknown operation ${String(opcode)}`);
    }
  }

  #find(path: unknown[]): Container {
    let at: unknown = this.root;
    for (const step of path) {
      const next: unknown =
        at instanceof Map
          ? at.get(step)
          : Object.hasOwn(at as object, step as string) && (at as Record<string, unknown>)[step as string];
      if (typeof next !== "object" || next === null)
        throw new Error(`no container at ${String(step)} of ${JSON.stringify(path)}`);
      at = next;
    }
    return at as Container;
  }
}

function set(target: Container, key: unknown, value: unknown): void {
  if (target instanceof Map) {
    target.set(key, value);
    return;
  }
  if (Array.isArray(target) && !((key as number) < target.length))
    throw new Error(`no index ${String(key)} to set`);
  Object.defineProperty(target, key as string, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function remove(target: Container, key: unknown): void {
  if (target instanceof Map || target instanceof Set) target.delete(key);
  else delete (target as Record<string, unknown>)[key as string];
}

function rearrange(target: unknown[], runs: number[]): void {
  const old = target.splice(0);
  const used = new Set<number>();
  for (let run = 0; run < runs.length; run += 2) {
    const [start, length] = runs.slice(run, run + 2) as [number, number];
    for (let offset = 0; offset < Math.abs(length); offset++) {
      const from = start + offset * Math.sign(length);
      if (!(from in old)) throw new Error(`no element ${from} to move`);
      target.push(used.has(from) ? structuredClone(old[from]) : old[from]);
      used.add(from);
    }
  }
}
