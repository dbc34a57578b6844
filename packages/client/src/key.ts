import type { ActorKey } from "./types.js";

/**
 * The parts of a key. A string is a key of one part, no key is the key without parts.
 *
 * @throws TypeError for anything else, which may come from JavaScript.
 */
export function keyParts(key: ActorKey | undefined): readonly string[] {
  const given: unknown = key === undefined ? [] : key;
  const parts: readonly unknown[] = Array.isArray(given) ? [...given] : [given];
  for (const part of parts) {
    // Half of a surrogate pair is no text: it cannot be sent, or would be another key on its way.
    if (typeof part !== "string" || /\p{Cs}/u.test(part)) {
      throw new TypeError("an actor key is a well-formed string or a list of such strings");
    }
  }
  return parts as readonly string[];
}

/**
 * The storage form of a key, which differs for different keys: parts joined by `/`, with `\` and `/` in them
 * escaped by `\` and an empty part written `\0`. The key without parts is `/`.
 */
export function storageKey(parts: readonly string[]): string {
  if (parts.length === 0) return "/";
  return parts.map((part) => (part === "" ? "\\0" : part.replace(/[\\/]/g, "\\$&"))).join("/");
}
