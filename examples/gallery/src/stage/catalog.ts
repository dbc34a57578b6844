/** What examples there are: each folder beside this one whose `package.json` has a script `start`. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** An example, as its own `package.json` describes it. */
export interface Example {
  /** The folder's name, which `cargo xtask demo` takes, too. */
  readonly name: string;
  readonly folder: string;
  /** What `start` runs: a script and its arguments. */
  readonly script: readonly string[];
  readonly title: string;
  /** One sentence: what it shows. */
  readonly sentence: string;
  /** Things to try, most telling first. */
  readonly tries: readonly string[];
  /** The file to read first, from the repository's root. */
  readonly source: string;
  /** The data of an SVG path, 24 by 24, drawn as a line. */
  readonly icon: string;
}

/** What this program reads of a `package.json`. */
interface Manifest {
  readonly description?: string;
  readonly scripts?: { readonly start?: string };
  readonly gallery?: {
    readonly title?: string;
    readonly try?: readonly string[];
    readonly read?: string;
    readonly icon?: string;
    /** Where it stands among the others: lower comes first. */
    readonly order?: number;
  };
}

/** A circle. */
const NO_ICON = "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z";

/**
 * The examples in a folder, in the order in which to show them.
 *
 * @param except The folder's name of whoever asks: a gallery in a gallery would have no end.
 */
export async function readCatalog(examples: string, except: string): Promise<Example[]> {
  const found: { example: Example; order: number }[] = [];
  for (const entry of await readdir(examples, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name === except) continue;
    const folder = join(examples, entry.name);
    const manifest = await readManifest(folder);
    const example = manifest && read(entry.name, folder, manifest);
    if (example) found.push({ example, order: manifest?.gallery?.order ?? Number.POSITIVE_INFINITY });
  }
  found.sort((a, b) =>
    a.order === b.order ? (a.example.name < b.example.name ? -1 : 1) : a.order - b.order,
  );
  return found.map(({ example }) => example);
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  const file = join(folder, "package.json");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is no JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function read(
  name: string,
  folder: string,
  { description, scripts, gallery }: Manifest,
): Example | undefined {
  const [program, ...script] = scripts?.start?.split(" ") ?? [];
  if (program !== "node") return undefined;
  return {
    name,
    folder,
    script,
    title: gallery?.title ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll("-", " "),
    sentence: description ?? "",
    tries: gallery?.try ?? [],
    source: `examples/${name}/${gallery?.read ?? "src/registry.ts"}`,
    icon: gallery?.icon ?? NO_ICON,
  };
}
