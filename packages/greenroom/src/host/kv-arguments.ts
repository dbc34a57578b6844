/** Checks what user code gives to `c.kv`, and turns it into bytes. */
import type { KvKeyType, KvValueType } from "../context/kv.js";
import { HostError } from "./failure.js";

const MAX_KEY = 2_048;
const MAX_VALUE = 131_072;
const MAX_KEYS = 128;
/** Keys and values of one batch together. */
const MAX_BATCH = 976 * 1024;
const MAX_LIST = 16_384;

const encoder = new TextEncoder();
/** Half of a character: there is no UTF-8 for it. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A pair as it is stored. */
export type Pair = readonly [key: Uint8Array, value: Uint8Array];

/** How a list is read. */
export interface ListOptions {
  readonly type: KvValueType;
  readonly keyType: KvKeyType;
  readonly reverse: boolean;
  readonly limit: number;
}

/** @throws ActorError `kv.invalid_key`, `kv.key_too_large`. */
export function keyBytes(key: unknown, what = "the key"): Uint8Array {
  const bytes = key instanceof Uint8Array ? key : textBytes(key);
  if (bytes === undefined) {
    throw failure("invalid_key", `${what} has to be a well-formed text or a Uint8Array, not ${kindOf(key)}`);
  }
  if (bytes.length > MAX_KEY) {
    throw failure("key_too_large", `${what} has ${bytes.length} bytes, limit is ${MAX_KEY}`);
  }
  return bytes;
}

/** @throws ActorError `kv.invalid_value`, `kv.value_too_large`. */
export function valueBytes(value: unknown, type?: KvValueType): Uint8Array {
  const bytes =
    value instanceof Uint8Array
      ? value
      : value instanceof ArrayBuffer
        ? new Uint8Array(value)
        : textBytes(value);
  if (bytes === undefined) {
    const wanted = "a well-formed text, a Uint8Array or an ArrayBuffer";
    throw failure("invalid_value", `the value has to be ${wanted}, not ${kindOf(value)}`);
  }
  if (type !== undefined && !isOfType(value, type)) {
    throw failure("invalid_value", `the value is not of the type '${type}' that the options name`);
  }
  if (bytes.length > MAX_VALUE) {
    throw failure("value_too_large", `the value has ${bytes.length} bytes, limit is ${MAX_VALUE}`);
  }
  return bytes;
}

/** @throws ActorError `kv.invalid_key`, `kv.key_too_large`, `kv.too_many_keys`. */
export function keyList(keys: unknown): Uint8Array[] {
  if (!Array.isArray(keys)) throw failure("invalid_key", `the keys have to be a list, not ${kindOf(keys)}`);
  checkCount(keys.length);
  return keys.map((key: unknown, index) => keyBytes(key, `key ${index}`));
}

/** @throws ActorError as {@link keyBytes} and {@link valueBytes}, and `kv.too_many_keys`, `kv.batch_too_large`. */
export function pairList(entries: unknown): Pair[] {
  const isPair = (entry: unknown): entry is [unknown, unknown] => Array.isArray(entry) && entry.length === 2;
  if (!Array.isArray(entries) || !entries.every(isPair)) {
    throw failure("invalid_value", "the entries have to be a list of pairs [key, value]");
  }
  checkCount(entries.length);
  const pairs = entries.map(
    ([key, value], index): Pair => [keyBytes(key, `key ${index}`), valueBytes(value)],
  );
  const size = sizeOf(pairs);
  if (size > MAX_BATCH) {
    throw failure("batch_too_large", `the batch has ${size} bytes, limit is ${MAX_BATCH}: split it`);
  }
  return pairs;
}

/** The bytes that pairs count for. */
export function sizeOf(pairs: readonly Pair[]): number {
  return pairs.reduce((size, [key, value]) => size + key.length + value.length, 0);
}

/** The first key after all that begin with `prefix`; undefined if there cannot be one. */
export function endOfPrefix(prefix: Uint8Array): Uint8Array | undefined {
  const last = prefix.findLastIndex((byte) => byte !== 0xff);
  if (last === -1) return undefined;
  const end = prefix.slice(0, last + 1);
  end[last] = (end[last] as number) + 1;
  return end;
}

/** The type that options name. @throws ActorError `kv.invalid_options`. */
export function valueType<Fallback extends KvValueType | undefined>(
  options: unknown,
  fallback: Fallback,
): KvValueType | Fallback {
  const { type } = known(options, ["type"]);
  return type === undefined ? fallback : checkType(type);
}

/** @throws ActorError `kv.invalid_options`. */
export function listOptions(options: unknown): ListOptions {
  const given = known(options, ["type", "keyType", "reverse", "limit"]);
  const { type = "text", keyType = "text", reverse = false, limit = MAX_LIST } = given;
  if (keyType !== "text" && keyType !== "binary") {
    throw failure("invalid_options", `option 'keyType' has to be "text" or "binary"`);
  }
  if (typeof reverse !== "boolean") throw failure("invalid_options", "option 'reverse' has to be a boolean");
  if (typeof limit !== "number" || !Number.isInteger(limit) || limit < 1 || limit > MAX_LIST) {
    throw failure("invalid_options", `option 'limit' has to be a whole number from 1 to ${MAX_LIST}`);
  }
  return { type: checkType(type), keyType, reverse, limit };
}

export const kvClosed = (): HostError =>
  failure("closed", "the actor has stopped: its pairs are out of reach");

export const notText = (what: string): HostError =>
  failure("not_text", `${what} is not text in UTF-8: ask for it as "binary"`);

export const kvFull = (wanted: number, size: number, limit: number): HostError =>
  new HostError(
    "actor",
    "kv_storage_quota_exceeded",
    `${wanted} bytes more do not fit: the actor's pairs have ${size} bytes, limit is ${limit} (\`maxKvSize\`)`,
  );

function failure(code: string, message: string): HostError {
  return new HostError("kv", code, message);
}

function textBytes(text: unknown): Uint8Array | undefined {
  return typeof text === "string" && !LONE_SURROGATE.test(text) ? encoder.encode(text) : undefined;
}

function checkCount(count: number): void {
  if (count > MAX_KEYS) {
    throw failure("too_many_keys", `there are ${count} keys in one call, limit is ${MAX_KEYS}: split it`);
  }
}

function checkType(type: unknown): KvValueType {
  if (type === "text" || type === "binary" || type === "arrayBuffer") return type;
  throw failure("invalid_options", `option 'type' has to be "text", "binary" or "arrayBuffer"`);
}

function isOfType(value: unknown, type: KvValueType): boolean {
  if (type === "text") return typeof value === "string";
  return type === "binary" ? value instanceof Uint8Array : value instanceof ArrayBuffer;
}

/** Options by name, all of which are known. */
function known(options: unknown, names: readonly string[]): { readonly [name: string]: unknown } {
  if (options === undefined) return {};
  if (typeof options !== "object" || options === null) {
    throw failure("invalid_options", `the options have to be an object, not ${kindOf(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw failure("invalid_options", `there is no option '${name}' here`);
  }
  return options as { readonly [name: string]: unknown };
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "string") return "a text with half a character in it";
  if (typeof value !== "object") return `of type ${typeof value}`;
  return `a ${Object.getPrototypeOf(value)?.constructor?.name ?? "plain object"}`;
}
