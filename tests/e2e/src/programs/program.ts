/**
 * Programs as RivetKit's users write them, run with our packages: those of `tests/types/fixtures`, whose text is not
 * adapted but for what a program cannot have by itself: somebody who starts its registry, and what it only declares.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Registry } from "greenroom";
import { DIST, ROOT } from "../harness/paths.js";
import { freePort } from "../harness/server.js";

const FIXTURES = join(ROOT, "tests/types/fixtures");
const BUILD = join(DIST, "programs/run");

/** What is put around the text of a program. */
export interface Setting {
  /** The program, if it is not that of the setting's name: a program can be run once. */
  readonly program?: string;
  /** Replacements in the text, each of which has to be found. */
  readonly replace?: readonly (readonly [found: string, by: string])[];
  /** The names of its top level that the test asks for. */
  readonly exports?: readonly string[];
  /** The actor to make a registry of, where the program has none. */
  readonly actor?: string;
}

/** A program that has run to its end; its registry still serves. */
export interface Ran {
  /** What it exports. */
  readonly names: { readonly [name: string]: unknown };
  /** What it wrote with `console.log`. */
  readonly lines: readonly string[];
  /** Where its registry serves. */
  readonly url: string;
}

/** Writes the programs for the compiler and compiles them, without a look at types: other tests have that. */
export async function compilePrograms(settings: ReadonlyMap<string, Setting>): Promise<void> {
  await rm(BUILD, { recursive: true, force: true });
  await mkdir(join(BUILD, "src"), { recursive: true });
  for (const [name, setting] of settings) {
    const text = await readFile(join(FIXTURES, `${setting.program ?? name}.ts`), "utf8");
    await writeFile(join(BUILD, "src", `${name}.ts`), adapted(text, setting));
  }
  const config = {
    compilerOptions: {
      target: "ES2022",
      module: "ESNext",
      moduleResolution: "Bundler",
      noCheck: true,
      skipLibCheck: true,
      types: [],
      rootDir: "src",
      outDir: "out",
    },
    include: ["src"],
  };
  await writeFile(join(BUILD, "tsconfig.json"), JSON.stringify(config));
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin/tsc",
  );
  await promisify(execFile)(process.execPath, [compiler, "-p", BUILD]);
}

function adapted(text: string, { replace = [], exports = [], actor }: Setting): string {
  let adapted = text
    .replaceAll(/"rivetkit(\/\w+)?"/g, '"greenroom$1"')
    // The endpoint is that of the environment.
    .replaceAll('"http://localhost:6420"', "undefined");
  for (const [found, by] of replace) {
    if (!adapted.includes(found)) throw new Error(`the program has no \`${found}\``);
    adapted = adapted.replace(found, by);
  }
  if (actor !== undefined) {
    adapted += `\nimport { setup as assemble } from "greenroom";\nconst registry = assemble({ use: { ${actor} } });\n`;
  }
  const isExported = /^export const registry/m.test(adapted);
  const starts = /^registry\.start\(\)/m.test(adapted);
  if (!starts)
    adapted = adapted.replace(/^((?:export )?const registry = .*?\);)$/ms, "$1\nawait registry.start();");
  const names = [...exports, ...(isExported || !adapted.includes("const registry") ? [] : ["registry"])];
  return `${adapted}\nexport { ${names.join(", ")} };\n`;
}

/** Runs a program, lets `look` see what came of it, and ends its registry. */
export async function runProgram(name: string, look: (ran: Ran) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "greenroom-program-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  Object.assign(process.env, {
    GREENROOM_DATA_DIR: dataDir,
    GREENROOM_PORT: String(port),
    GREENROOM_ENDPOINT: url,
  });
  const lines: string[] = [];
  const log = console.log;
  console.log = (...parts: unknown[]) => lines.push(parts.map(String).join(" "));
  let names: { readonly [name: string]: unknown } = {};
  try {
    names = await importProgram(name);
    await look({ names, lines, url });
  } finally {
    console.log = log;
    await (names.registry as Registry | undefined)?.shutdown();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Runs a program that has no registry of its own, and gives what it exports. */
export async function importProgram(name: string): Promise<Ran["names"]> {
  return (await import(pathToFileURL(join(BUILD, "out", `${name}.js`)).href)) as Ran["names"];
}
