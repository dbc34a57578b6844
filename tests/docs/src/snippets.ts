import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), "..");
const ROOT = join(PACKAGE, "../..");
/** Where the snippets of all documents are written and compiled. */
export const BUILD = join(PACKAGE, "dist/snippets");

/** A server that snippets talk to. */
const ROOM: Snippet = {
  file: "server.ts",
  code: `
import { actor, event, setup } from "greenroom";
const room = actor({
  onBeforeConnect: (_c, _params: { token: string }) => {},
  events: { line: event<{ from: string; text: string }>() },
  actions: { say: (c, from: string, text: string) => c.broadcast("line", { from, text }) },
});
export const registry = setup({ use: { room } });
`,
};
/** What a document leaves to the reader's imagination: the other side of its snippets. */
const SETTINGS = new Map<string, Snippet>([
  ["packages/client/README.md", ROOM],
  ["packages/react/README.md", ROOM],
]);

/** One fenced block of TypeScript. */
export interface Snippet {
  /** Its file, relative to the folder of its document: from a first line `// name.ts`, else numbered. */
  readonly file: string;
  readonly code: string;
}

/** The Markdown files that users read. */
export async function documents(): Promise<string[]> {
  const docs = await readdir(join(ROOT, "docs"), { recursive: true });
  const examples = await readdir(join(ROOT, "examples"));
  const candidates = [
    "README.md",
    ...docs.map((file) => join("docs", file)),
    ...examples.map((name) => join("examples", name, "README.md")),
    "packages/client/README.md",
    "packages/greenroom/README.md",
    "packages/react/README.md",
  ];
  return candidates.filter((file) => file.endsWith(".md"));
}

/** The TypeScript blocks of one document, in order. */
export async function snippetsOf(document: string): Promise<Snippet[]> {
  const text = await readFile(join(ROOT, document), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const blocks = [...text.matchAll(/^```(tsx?|typescript)\n(.*?)^```$/gms)];
  return blocks.map((block, index) => {
    const code = block[2] ?? "";
    const named = /^\/\/ ([\w.-]+\.tsx?)\n/.exec(code)?.[1];
    return { file: named ?? `snippet-${index + 1}.ts`, code };
  });
}

/** The files that one document links to, absolute. */
export async function linksOf(document: string): Promise<string[]> {
  const text = await readFile(join(ROOT, document), "utf8").catch(() => "");
  const targets = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map((match) => match[1] ?? "");
  const local = targets.filter((target) => !/^[a-z]+:/.test(target));
  return local.map((target) => join(ROOT, dirname(document), target));
}

/** Writes all snippets below {@link BUILD}, a folder for each document, ready for the compiler. */
export async function writeSnippets(): Promise<{ project: string; folders: Map<string, string> }> {
  await rm(BUILD, { recursive: true, force: true });
  const folders = new Map<string, string>();
  for (const document of await documents()) {
    const snippets = await snippetsOf(document);
    if (snippets.length === 0) continue;
    const folder = join(BUILD, "src", document.replace(/\.md$/, "").replaceAll("/", "-").toLowerCase());
    folders.set(document, folder.replace(`${BUILD}/src`, `${BUILD}/out`));
    await mkdir(folder, { recursive: true });
    // Every snippet is a module, also one that imports nothing: its names are its own.
    const setting = SETTINGS.get(document);
    if (setting) await writeFile(join(folder, setting.file), setting.code);
    for (const { file, code } of snippets) await writeFile(join(folder, file), `${code}\nexport {};\n`);
  }
  const project = join(BUILD, "tsconfig.json");
  const config = {
    extends: relative(BUILD, join(ROOT, "tsconfig.base.json")),
    compilerOptions: {
      types: ["node"],
      jsx: "react-jsx",
      composite: false,
      rootDir: "src",
      outDir: "out",
      tsBuildInfoFile: null,
      declaration: false,
      declarationMap: false,
    },
    include: ["src"],
  };
  await writeFile(project, JSON.stringify(config));
  return { project, folders };
}
