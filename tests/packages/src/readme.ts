/** The program that the README shows. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "./tarball.js";

/** Its files, by the name in their first line. */
export async function readmeFiles(): Promise<ReadonlyMap<string, string>> {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const files = new Map<string, string>();
  for (const [, name = "", code = ""] of readme.matchAll(/^```tsx?\n\/\/ (\S+\.tsx?)\n(.*?)^```/gms)) {
    files.set(name, code);
  }
  return files;
}
