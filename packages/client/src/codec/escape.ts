import { fromBase64 } from "./base64.js";

/** Characters of a bigint in decimal; converting longer ones takes time quadratic in their length. */
export const MAX_BIGINT_DIGITS = 10_000;

/**
 * The value behind the compat escape `[name, content]`, whose name starts with `$`.
 *
 * @param fail makes the error for an escape that is unknown or malformed.
 */
export function reviveEscape(name: string, content: unknown, fail: (message: string) => Error): unknown {
  if (name.startsWith("$$")) return [name.slice(1), content];
  switch (name) {
    case "$Undefined":
      return undefined;
    case "$BigInt":
      if (typeof content === "string" && content.length <= MAX_BIGINT_DIGITS && /^-?[0-9]+$/.test(content)) {
        return BigInt(content);
      }
      break;
    case "$Uint8Array":
    case "$ArrayBuffer":
      if (typeof content === "string") {
        const bytes = bytesFrom(content);
        if (bytes !== undefined) return name === "$ArrayBuffer" ? bytes.buffer : bytes;
      }
      break;
    case "$Set":
      if (Array.isArray(content)) return new Set<unknown>(content);
      break;
  }
  throw fail(`an unknown or malformed escape ${JSON.stringify(name)}`);
}

function bytesFrom(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return fromBase64(base64);
  } catch {
    return undefined;
  }
}
