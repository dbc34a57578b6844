import { toBase64 } from "./base64.js";
import { MAX_BIGINT_DIGITS, reviveEscape } from "./escape.js";
import { MAX_DEPTH } from "./form.js";

/**
 * `value` as what `JSON.stringify` can write without loss, in compat form.
 *
 * bigint, `undefined`, `Set`, `Uint8Array` and `ArrayBuffer` become `$` escapes; a `Date` becomes its ISO
 * string and a number without a JSON form `null`, as `JSON.stringify` would have it.
 *
 * @param at how error messages name the value itself.
 * @throws TypeError naming the path, for what JSON has no form for: functions, symbols, cycles, `Map`,
 *   `RegExp`, `Error` and the other typed arrays. The `bare` and `cbor` encodings carry the last four.
 */
export function toJsonCompat(value: unknown, at = "value"): unknown {
  return convert(value, at, 0);
}

/**
 * The value behind JSON in compat form, as `JSON.parse` returned it.
 *
 * @throws TypeError on an unknown escape or deeper nesting than 128 levels.
 */
export function fromJsonCompat(json: unknown): unknown {
  return revive(json, 0);
}

function convert(value: unknown, at: string, depth: number): unknown {
  switch (typeof value) {
    case "bigint":
      return ["$BigInt", digitsOf(value, at)];
    case "undefined":
      return ["$Undefined", 0];
    case "function":
    case "symbol":
      throw new TypeError(`${at} is a ${typeof value}, which cannot be sent`);
    case "object":
      return value === null ? null : convertObject(value, at, depth);
    default:
      return value;
  }
}

function digitsOf(value: bigint, at: string): string {
  const digits = value.toString();
  if (digits.length <= MAX_BIGINT_DIGITS) return digits;
  throw new TypeError(`${at} is a bigint of more than ${MAX_BIGINT_DIGITS} digits, which cannot be sent`);
}

function convertObject(value: object, at: string, depth: number): unknown {
  if (depth >= MAX_DEPTH) throw new TypeError(`${at} is a cycle or nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) return convertArray(value, at, depth);
  if (value instanceof Set) return ["$Set", convertItems([...value], at, depth + 1)];
  if (value instanceof ArrayBuffer) return ["$ArrayBuffer", toBase64(new Uint8Array(value))];
  if (value instanceof Uint8Array) return ["$Uint8Array", toBase64(value)];
  if (
    value instanceof Map ||
    value instanceof RegExp ||
    value instanceof Error ||
    value instanceof Promise ||
    ArrayBuffer.isView(value)
  ) {
    const name = Object.prototype.toString.call(value).slice(8, -1);
    throw new TypeError(`${at} is a ${name}, which the json encoding cannot carry`);
  }
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") return convert(toJSON.call(value, ""), `${at}.toJSON()`, depth + 1);
  const result: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) {
    define(result, key, convert(each, `${at}.${key}`, depth + 1));
  }
  return result;
}

function convertArray(items: readonly unknown[], at: string, depth: number): unknown[] {
  const result = convertItems(items, at, depth);
  const [first] = items;
  if (items.length === 2 && typeof first === "string" && first.startsWith("$")) result[0] = `$${first}`;
  return result;
}

function convertItems(items: readonly unknown[], at: string, depth: number): unknown[] {
  return Array.from(items, (each, index) => convert(each, `${at}[${index}]`, depth + 1));
}

function revive(json: unknown, depth: number): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (depth >= MAX_DEPTH) throw new TypeError(`the value is nested deeper than ${MAX_DEPTH} levels`);
  if (!Array.isArray(json)) {
    const result: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(json)) define(result, key, revive(value, depth + 1));
    return result;
  }
  const [name, content] = json as unknown[];
  if (json.length !== 2 || typeof name !== "string" || !name.startsWith("$")) {
    return json.map((each) => revive(each, depth + 1));
  }
  // The members of a Set are never themselves an escape.
  const inner: unknown =
    name === "$Set" && Array.isArray(content)
      ? content.map((each) => revive(each, depth + 2))
      : revive(content, depth + 1);
  return reviveEscape(name, inner, (message) => new TypeError(message));
}

/** Sets an own property, also when its name is `__proto__`. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}
