import type { ActorKey } from "./types.js";

/** The parts of a key. A string is a key of one part, no key is the key without parts. */
export function keyParts(key: ActorKey | undefined): readonly string[] {
  if (key === undefined) return [];
  const parts: readonly unknown[] = typeof key === "string" ? [key] : [...key];
  for (const part of parts) {
    if (typeof part !== "string") throw new TypeError(`an actor key part is a ${typeof part}, not a string`);
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
