/** The packages as npm would publish them, installed in a project of their own. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The repository's root. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");
/** The folders of the packages that are published, below `packages`. */
export const PACKAGES = ["client", "native", "greenroom"] as const;

const run = promisify(execFile);
const { resolve } = createRequire(import.meta.url);
const TSC = join(dirname(resolve("typescript/package.json")), "bin/tsc");

/** A project that has the packed packages installed, and nothing of the repository. */
export interface Installation {
  /** The packed packages by folder. */
  readonly tarballs: ReadonlyMap<string, string>;
  /** The project's folder. */
  readonly folder: string;
  remove(): Promise<void>;
}

/** Packs all packages and installs them, without asking a registry. */
export async function install(): Promise<Installation> {
  // Packages are found by real paths, which on some systems differ from those of temporary folders.
  const base = await realpath(await mkdtemp(join(tmpdir(), "greenroom-packed-")));
  const folder = join(base, "project");
  await mkdir(folder);
  const tarballs = new Map<string, string>();
  for (const name of PACKAGES) {
    const { stdout } = await npm(join(ROOT, "packages", name), "pack", "--json", "--pack-destination", base);
    tarballs.set(name, join(base, packedFile(stdout)));
  }
  const dependencies = {
    "@greenroom/client": `file:${tarballs.get("client")}`,
    "@greenroom/native": `file:${tarballs.get("native")}`,
    greenroom: `file:${tarballs.get("greenroom")}`,
    ws: `file:${dirname(resolve("ws/package.json"))}`,
  };
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ name: "clean", private: true, type: "module", dependencies }),
  );
  await npm(folder, "install", "--offline", "--install-links", "--no-audit", "--no-fund", "--ignore-scripts");
  return { tarballs, folder, remove: () => rm(base, { recursive: true, force: true }) };
}

/** The name of the file in what `npm pack --json` prints: a list, or by package name. */
function packedFile(output: string): string {
  const [packed] = Object.values(JSON.parse(output) as Record<string, { readonly filename: string }>);
  if (packed === undefined) throw new Error(`npm packed nothing: ${output}`);
  return packed.filename;
}

/** Compiles files of an installation, which it also checks the declarations of all packages with. */
export async function compile(folder: string, files: readonly string[]): Promise<void> {
  const compilerOptions = {
    strict: true,
    skipLibCheck: false,
    target: "es2022",
    lib: ["es2022", "esnext.disposable", "dom"],
    module: "nodenext",
    types: [],
    noEmitOnError: true,
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  await run(process.execPath, [TSC, "-p", folder]).catch((error: { stdout?: string }) => {
    throw new Error(`it does not compile:\n${error.stdout}`);
  });
}

/** Runs a program of `tools`, and gives what it prints. @throws Error with its output if it fails. */
export async function tool(program: string, ...args: string[]): Promise<string> {
  const path = join(ROOT, "tests/packages/tools/node_modules/.bin", program);
  return run(path, args).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string; stderr?: string }) => {
      throw new Error(`${program} ${args.join(" ")}:\n${error.stdout}${error.stderr}`);
    },
  );
}

function npm(cwd: string, ...args: string[]): Promise<{ readonly stdout: string }> {
  return run("npm", [...args, "--loglevel=error"], { cwd });
}
