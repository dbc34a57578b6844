/** The tarballs that `cargo xtask dist` makes, and what is in them. */
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

/** The repository's root. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");

/** The package of the platform that these tests run on. */
export const PLATFORM_PACKAGE = platformPackage();

const FOLDER = join(ROOT, "dist/npm");

/** Entries of `exports` and `imports`: a path, or one for each condition. */
export type Targets = { readonly [name: string]: string | Targets };

/** What these tests read of a `package.json`. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly type?: string;
  readonly main?: string;
  readonly sideEffects?: boolean;
  readonly engines?: { readonly node?: string };
  readonly publishConfig?: { readonly access?: string };
  readonly exports?: Targets;
  readonly imports?: Targets;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** One packed package. */
export interface Tarball {
  readonly name: string;
  /** The file's path. */
  readonly path: string;
  readonly manifest: Manifest;
  /** Its files by their paths in the package. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** All tarballs. @throws Error if there are none. */
export async function tarballs(): Promise<Tarball[]> {
  const names = await readdir(FOLDER).catch(() => []);
  if (names.length === 0) throw new Error(`there is nothing in ${FOLDER}; run \`cargo xtask dist npm\``);
  return Promise.all(names.sort().map((name) => readTarball(join(FOLDER, name))));
}

/** Reads one. */
export async function readTarball(path: string): Promise<Tarball> {
  const files = untar(gunzipSync(await readFile(path)));
  const text = files.get("package.json")?.toString();
  if (text === undefined) throw new Error(`${basename(path)} has no package.json`);
  const manifest = JSON.parse(text) as Manifest;
  return { name: manifest.name, path, manifest, files };
}

/** Whether a package holds the addon of a platform, and no code. */
export function isPlatformPackage({ name }: Tarball): boolean {
  return name.startsWith("@greenroom/native-");
}

/** What users import of a package: its name, and its name with each of the paths that it exports. */
export function entries({ name, manifest }: Tarball): string[] {
  return Object.keys(manifest.exports ?? {}).map((path) => name + path.slice(1));
}

function platformPackage(): string {
  const end = { linux: "-gnu", win32: "-msvc" }[process.platform as string] ?? "";
  return `@greenroom/native-${process.platform}-${process.arch}${end}`;
}

/** The files of an archive in the format of tar: headers of 512 bytes, each before its file padded to 512. */
function untar(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const text = (start: number, length: number) =>
    archive.toString("utf8", start, start + length).replace(/\0.*$/s, "");
  for (let at = 0; archive[at] !== undefined && archive[at] !== 0; ) {
    const path = [text(at + 345, 155), text(at, 100)].filter((part) => part !== "").join("/");
    const size = Number.parseInt(text(at + 124, 12), 8);
    const type = text(at + 156, 1);
    // npm packs plain files; whatever else it may write tells nothing about them that matters here.
    if (type === "0" || type === "") {
      files.set(path.replace(/^package\//, ""), archive.subarray(at + 512, at + 512 + size));
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
