/** How access to the property `key` reads in source code. */
export function formatProperty(key: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** How access to the element at `index` reads in source code. */
export function formatIndex(index: unknown): string {
  return `[${String(index)}]`;
}

/** How access to the `Map` entry at `key` reads in source code. */
export function formatMapKey(key: unknown): string {
  if (typeof key === "bigint") return `.get(${key}n)`;
  return `.get(${typeof key === "string" ? JSON.stringify(key) : String(key)})`;
}

/** "an Apple", "a Socket". */
export function withArticle(name: string): string {
  return `${/^[aeiou]/i.test(name) ? "an" : "a"} ${name}`;
}
