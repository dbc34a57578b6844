/** An empty project outside the repository, which installs packages as users do. */
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { type NpmRegistry, startNpmRegistry } from "./npm-registry.js";
import { BUN, run, TSC } from "./program.js";
import { type Manifest, type Tarball, tarballs } from "./tarball.js";

/** What installs packages. */
export type PackageManager = "npm" | "bun";

/** One project. */
export interface Project {
  readonly folder: string;
  readonly registry: NpmRegistry;
  /** Installs packages, `arguments_` being their names and options; without any, those of `package.json`. */
  install(manager: PackageManager, ...arguments_: readonly string[]): Promise<void>;
  /** Writes a file. */
  write(name: string, text: string): Promise<void>;
  /** Ends the registry and removes all files. */
  remove(): Promise<void>;
}

/** Makes one, with a registry that has these packages of ours: all if it is left out. */
export async function makeProject(published?: readonly Tarball[]): Promise<Project> {
  // Packages are found by real paths, which on some systems differ from those of temporary folders.
  const base = await realpath(await mkdtemp(join(tmpdir(), "greenroom-packages-")));
  const folder = join(base, "project");
  await mkdir(folder);
  const registry = await startNpmRegistry(base, published ?? (await tarballs()));
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  await write("package.json", JSON.stringify({ name: "empty", private: true, type: "module" }));
  await write(".npmrc", `registry=${registry.url}/\naudit=false\nfund=false\nupdate-notifier=false\n`);
  await write("bunfig.toml", `[install]\nregistry = "${registry.url}/"\n`);
  // Settings and caches of whoever runs this are out of reach.
  const place = { cwd: folder, env: { HOME: base, BUN_INSTALL: join(base, "bun") } };
  return {
    folder,
    registry,
    write,
    async install(manager, ...arguments_) {
      if (manager === "npm") await run("npm", ["install", ...arguments_], place);
      else await run(BUN, [arguments_.length === 0 ? "install" : "add", ...arguments_], place);
    },
    async remove() {
      await registry.close();
      await rm(base, { recursive: true, force: true });
    },
  };
}

/** A package that is installed. */
export interface Installed {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** The packages in the `node_modules` of a project, by their paths in it. */
export async function installed(project: Project): Promise<Map<string, Installed>> {
  const root = join(project.folder, "node_modules");
  const found = new Map<string, Installed>();
  for (const path of await files(root)) {
    const name = relative(root, dirname(path)).replaceAll("\\", "/");
    // Packages may have files of that name inside, too.
    const isPackage = /(^|\/node_modules\/)(@[^/]+\/)?[^/]+$/.test(name) && path.endsWith("package.json");
    if (isPackage && !name.startsWith(".")) {
      found.set(name, {
        folder: dirname(path),
        manifest: JSON.parse(await readFile(path, "utf8")) as Manifest,
      });
    }
  }
  return found;
}

/** How many bytes the files below a folder have. */
export async function sizeOf(folder: string): Promise<number> {
  const sizes = (await files(folder)).map(async (path) => (await stat(path)).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function files(folder: string): Promise<string[]> {
  const below = await readdir(folder, { withFileTypes: true, recursive: true });
  return below.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** How code of a project is compiled. */
export interface Compiling {
  readonly moduleResolution: "nodenext" | "bundler";
  /** The compiler's program; that of the repository if it is left out. */
  readonly tsc?: string;
  readonly noEmit?: boolean;
}

/** Compiles files of a project, and checks the declarations of all packages that they use. */
export async function compile(
  project: Project,
  names: readonly string[],
  { moduleResolution, tsc = TSC, noEmit = false }: Compiling,
): Promise<void> {
  const compilerOptions = {
    strict: true,
    skipLibCheck: false,
    target: "es2022",
    lib: ["es2022", "esnext.disposable", "dom"],
    module: moduleResolution === "nodenext" ? "nodenext" : "esnext",
    moduleResolution,
    jsx: "react-jsx",
    types: [],
    noEmitOnError: true,
    noEmit,
  };
  await project.write("tsconfig.json", JSON.stringify({ compilerOptions, files: names }));
  await run(process.execPath, [tsc, "-p", project.folder], { cwd: project.folder });
}
