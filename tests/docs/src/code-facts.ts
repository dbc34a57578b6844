/** What the documents are compared with, read from the sources, which the formatter keeps in one shape. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "./tables.js";

/** The names of an interface's own members, each once. */
export async function membersOf(file: string, name: string): Promise<string[]> {
  const body = await blockOf(file, `interface ${name}`);
  // Members stand at the first level of indentation; what is deeper belongs to their types.
  const members = body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(<]/gm);
  return [...new Set([...members].map(([, member = ""]) => member))];
}

/** The numbers of a constant object: `const NAME = { a: 1_000 }`. */
export async function numbersOf(file: string, name: string): Promise<Map<string, number>> {
  const body = await blockOf(file, `const ${name}`);
  const entries = [...body.matchAll(/(\w+): ([\d_]+)/g)];
  return new Map(entries.map(([, key = "", value = ""]) => [key, Number(value.replaceAll("_", ""))]));
}

/** What stands between a declaration and the brace that closes it. */
async function blockOf(file: string, declaration: string): Promise<string> {
  const text = await readFile(join(ROOT, file), "utf8");
  const start = text.search(new RegExp(`\\b${declaration}\\b`));
  if (start === -1) throw new Error(`${file} has no \`${declaration}\``);
  const rest = text.slice(start);
  const [line = ""] = rest.split("\n");
  return line.endsWith("};") ? line : rest.slice(0, rest.search(/^\}/m));
}

/** The limits of the core by name. Times are in milliseconds. */
export async function coreLimits(): Promise<Map<string, number>> {
  const text = await readFile(join(ROOT, "crates/types/src/limits.rs"), "utf8");
  const constants = text.matchAll(/^pub const (\w+): \w+ = ([^;]+);$/gm);
  return new Map([...constants].map(([, name = "", value = ""]) => [name, evaluate(value)]));
}

/** `4 * 1024`, `Duration::from_secs(30)`. */
function evaluate(expression: string): number {
  const seconds = /^Duration::from_secs\((\d+)\)$/.exec(expression)?.[1];
  if (seconds !== undefined) return Number(seconds) * 1000;
  const product = expression.split("*").reduce((so, factor) => so * Number(factor.replaceAll("_", "")), 1);
  if (Number.isNaN(product)) throw new Error(`\`${expression}\` is no limit that can be read`);
  return product;
}

/** What makes errors, by the group of those that take only a code. */
const MAKERS: readonly (readonly [pattern: RegExp, group?: string])[] = [
  [/\b(?:ActorError|HostError|ActorError::new|Self::new|super)\(\s*"([a-z]+)",\s*"([a-z0-9_]+)"/g],
  [/\b(?:ActorError|Self)::guard\(\s*"([a-z0-9_]+)"/g, "guard"],
  [/\b(?:ActorClientError|MalformedResponseMessage)\(\s*"([a-z0-9_]+)"/g, "client"],
  [/\bsuper\(\s*"([a-z]+_[a-z0-9_]+)",\s*"/g, "client"],
];
/** `c.kv` makes its own. */
const KV_MAKER = /\bfailure\(\s*"([a-z0-9_]+)"/g;

/** Every `group.code` of an error that the sources make. */
export async function errorCodes(): Promise<Set<string>> {
  // That of a UserError without a code, which no call spells out.
  const codes = new Set(["user.user_error"]);
  for (const file of [...(await sources("packages", ".ts")), ...(await sources("crates", ".rs"))]) {
    const [text = ""] = (await readFile(join(ROOT, file), "utf8")).split("#[cfg(test)]");
    const makers = file.includes("/host/kv") ? [...MAKERS, [KV_MAKER, "kv"] as const] : MAKERS;
    for (const [pattern, group] of makers) {
      for (const [, first, second] of text.matchAll(pattern))
        codes.add(group === undefined ? `${first}.${second}` : `${group}.${first}`);
    }
  }
  return codes;
}

/** Every environment variable that the packages name. */
export async function environmentVariables(): Promise<Set<string>> {
  const names = new Set<string>();
  for (const file of await sources("packages", ".ts")) {
    const text = await readFile(join(ROOT, file), "utf8");
    for (const [, name = ""] of text.matchAll(/["`.]((?:GREENROOM|RIVET|RIVETKIT)_[A-Z_]+|NODE_ENV)\b/g))
      names.add(name);
  }
  return names;
}

/** The sources below a folder of packages, without tests and the simulator, whose actors are its own. */
async function sources(folder: string, ending: string): Promise<string[]> {
  const files: string[] = [];
  for (const name of await readdir(join(ROOT, folder))) {
    if (name === "sim") continue;
    const found = await readdir(join(ROOT, folder, name, "src"), { recursive: true }).catch(() => []);
    files.push(...found.map((file) => join(folder, name, "src", file)));
  }
  return files.filter((file) => file.endsWith(ending) && !/\/(tests|testing)(\/|\.rs)/.test(file));
}
