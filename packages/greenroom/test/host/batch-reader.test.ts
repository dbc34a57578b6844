import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchReader } from "../../dist/host/batch-reader.js";
import { Random } from "../state/support/random.js";

/** The fields that a batch may have, by the method that reads them. */
type Field =
  | readonly ["u8" | "u16" | "u32" | "f64", number]
  | readonly ["str", string]
  | readonly ["optStr", string | undefined]
  | readonly ["bytes" | "opt", Uint8Array | undefined];

const runs = Number(process.env.FUZZ_RUNS ?? 1_000);
const seed = Number(process.env.FUZZ_SEED ?? 1);

test(`batches from seed ${seed} are read as they were written, and those that are cut are errors`, () => {
  for (let run = 0; run < runs; run++) {
    const random = new Random(seed + run);
    const fields = Array.from({ length: 1 + random.below(8) }, () => randomField(random));
    const bytes = Uint8Array.from(fields.flatMap(written));
    try {
      assert.deepEqual(read(bytes, fields), fields);
      for (let cut = 0; cut < bytes.length; cut++) {
        assert.throws(() => read(bytes.subarray(0, cut), fields), RangeError, `cut at ${cut}`);
      }
      changed(random, bytes, fields);
    } catch (error) {
      throw new Error(`replay with FUZZ_SEED=${seed + run} FUZZ_RUNS=1`, { cause: error });
    }
  }
});

/** Whatever a batch says that was changed, nothing comes of it that is not in it. */
function changed(random: Random, bytes: Uint8Array, fields: readonly Field[]): void {
  const input = Uint8Array.from(bytes);
  for (let left = 1 + random.below(3); left > 0; left--)
    input[random.below(input.length)] = random.below(256);
  let found: readonly Field[];
  try {
    found = read(input, fields);
  } catch (error) {
    assert.ok(error instanceof RangeError, String(error));
    return;
  }
  assert.ok(found.flatMap(written).length <= input.length * 3, "no more than U+FFFD for each byte");
}

function read(bytes: Uint8Array, fields: readonly Field[]): readonly Field[] {
  // A view with something before and behind it, as the addon's are.
  const around = new Uint8Array(bytes.length + 40).fill(0x41);
  around.set(bytes, 20);
  const reader = new BatchReader(around.subarray(20, 20 + bytes.length));
  const found = fields.map(([kind]) => [kind, reader[kind]()] as unknown as Field);
  assert.ok(reader.atEnd || bytes.length > 0);
  return found.map((field) => (field[1] instanceof Uint8Array ? copied(field) : field));
}

function copied(field: Field): Field {
  return [field[0], Uint8Array.from(field[1] as Uint8Array)] as Field;
}

function randomField(random: Random): Field {
  const text = () => random.pick(["", "name", "\ufeffx", "ü".repeat(17), "x".repeat(33), "\u{1f600}"]);
  const bytes = () => Uint8Array.from({ length: random.below(40) }, () => random.below(256));
  switch (random.below(8)) {
    case 0:
      return ["u8", random.below(256)];
    case 1:
      return ["u16", random.below(65_536)];
    case 2:
      return ["u32", random.below(2 ** 32)];
    case 3:
      return ["f64", random.below(2 ** 32) / 7];
    case 4:
      return ["str", text()];
    case 5:
      return ["optStr", random.chance(0.5) ? text() : undefined];
    case 6:
      return ["bytes", bytes()];
    default:
      return ["opt", random.chance(0.5) ? bytes() : undefined];
  }
}

function written([kind, value]: Field): number[] {
  const number = (size: number, write: (view: DataView) => void) => {
    const view = new DataView(new ArrayBuffer(size));
    write(view);
    return [...new Uint8Array(view.buffer)];
  };
  const u32 = (count: number) => number(4, (view) => view.setUint32(0, count, true));
  if (kind === "u8") return [value];
  if (kind === "u16") return number(2, (view) => view.setUint16(0, value, true));
  if (kind === "u32") return u32(value);
  if (kind === "f64") return number(8, (view) => view.setFloat64(0, value, true));
  if (value === undefined) return u32(0xffff_ffff);
  assert.ok(typeof value !== "number");
  const content = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return [...u32(content.length), ...content];
}
