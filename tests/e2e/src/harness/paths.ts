import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** The repository's root. */
export const ROOT = join(here, "../../../..");
/** This package's compiled files. */
export const DIST = join(here, "..");

/** The command that runs JavaScript on the runtime under test: `GREENROOM_E2E_RUNTIME`, `node` or `bun`. */
export function runtimeCommand(runtime: string = process.env.GREENROOM_E2E_RUNTIME ?? "node"): string {
  if (runtime === "node") return process.execPath;
  if (runtime !== "bun") throw new Error(`GREENROOM_E2E_RUNTIME is \`${runtime}\`, expected node or bun`);
  return join(dirname(createRequire(import.meta.url).resolve("bun/package.json")), "bin/bun.exe");
}
