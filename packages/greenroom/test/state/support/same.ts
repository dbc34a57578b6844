import assert from "node:assert/strict";

/**
 * Asserts that two values are of the same type and content everywhere: -0 is not 0, NaN is NaN, and objects, maps
 * and sets have their entries in the same order. Works on state proxies and on plain values.
 */
export function assertSame(actual: unknown, expected: unknown, at = "root"): void {
  const kind = kindOf(expected);
  assert.equal(kindOf(actual), kind, `${at}: kind`);
  switch (kind) {
    case "Array":
      sameItems(actual as unknown[], expected as unknown[], at);
      break;
    case "Object":
      sameEntries(Object.entries(actual as object), Object.entries(expected as object), at);
      break;
    case "Map":
      sameEntries([...(actual as Map<unknown, unknown>)], [...(expected as Map<unknown, unknown>)], at);
      break;
    case "Set":
      sameItems([...(actual as Set<unknown>)], [...(expected as Set<unknown>)], at);
      break;
    case "Date":
      assert.ok(Object.is((actual as Date).getTime(), (expected as Date).getTime()), `${at}: time`);
      break;
    case "RegExp":
      assert.equal(String(actual), String(expected), at);
      break;
    case "Error":
      assert.equal(Object.getPrototypeOf(actual), Object.getPrototypeOf(expected), `${at}: class`);
      assert.equal((actual as Error).name, (expected as Error).name, `${at}.name`);
      assert.equal((actual as Error).message, (expected as Error).message, `${at}.message`);
      break;
    case "ArrayBuffer":
      assert.deepEqual(new Uint8Array(actual as ArrayBuffer), new Uint8Array(expected as ArrayBuffer), at);
      break;
    case "primitive":
      assert.ok(Object.is(actual, expected), `${at}: ${String(actual)} instead of ${String(expected)}`);
      break;
    default:
      assert.deepEqual(bytes(actual), bytes(expected), at);
      break;
  }
}

function sameItems(actual: readonly unknown[], expected: readonly unknown[], at: string): void {
  assert.equal(actual.length, expected.length, `${at}: length`);
  for (const [index, each] of expected.entries()) assertSame(actual[index], each, `${at}[${index}]`);
}

function sameEntries(
  actual: readonly [unknown, unknown][],
  expected: readonly [unknown, unknown][],
  at: string,
): void {
  sameItems(
    actual.map(([key]) => key),
    expected.map(([key]) => key),
    `${at}: keys`,
  );
  for (const [index, [key, value]] of expected.entries()) {
    assertSame(actual[index]?.[1], value, `${at}.${typeof key === "symbol" ? "?" : String(key)}`);
  }
}

function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return "primitive";
  if (Array.isArray(value)) return "Array";
  if (value instanceof Error) return "Error";
  return Object.prototype.toString.call(value).slice(8, -1);
}

function bytes(view: unknown): Uint8Array {
  const { buffer, byteOffset, byteLength } = view as Uint8Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}
