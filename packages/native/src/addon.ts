/**
 * Loads the addon of this platform: out of the package of this platform, or in the repository out of the file that
 * the build puts beside this package's `dist` folder.
 *
 * Loading happens at the first use and once per thread; importing this package alone loads nothing.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { missing, type Origin } from "./missing.js";
import { builtFile, type Machine, packageOf, thisMachine } from "./platform.js";

/** Where the server listens after `start`. */
export interface StartedInfo {
  /** The address that it is bound to. */
  host: string;
  /** The port that it is bound to; the system's choice if the configuration said 0. */
  port: number;
  /** `http://<host>:<port>`, for clients on this machine. */
  url: string;
}

/** One registry as the addon implements it. */
export interface AddonRegistry {
  start(wake: () => void): Promise<StartedInfo | null>;
  exchange(outgoing: Uint8Array | null): Uint8Array | null;
  desk(labels: string[]): Uint32Array;
  shutdown(): Promise<void>;
  kill(): Promise<void>;
  crash(actor: string): void;
  now(): number;
  step(target: number): Promise<number>;
  stats(): string;
  token(): number;
  lose(lane: number): void;
  vacant(lane: number): void;
}

/** One thread's share of a registry as the addon implements it. */
export interface AddonLane {
  join(wake: () => void): void;
  isEnding(): boolean;
  exchange(outgoing: Uint8Array | null): Uint8Array | null;
  desk(labels: string[]): Uint32Array;
}

/** Everything that the addon exports. */
export interface Addon {
  NativeRegistry: new (config: string, memory?: object) => AddonRegistry;
  NativeLane: new (token: number, lane: number) => AddonLane;
  NativeMemory: new (now: number) => object;
  foldState(image: Uint8Array | null, operations: Uint8Array[]): Uint8Array;
  version(): string;
  layout(): number;
}

/** The layout of records that this package and `greenroom` speak; `crates/node` has the same number. */
export const LAYOUT = 4;

let loaded: Addon | undefined;

/**
 * The addon of this platform.
 *
 * @throws Error with `code` `native_missing` if there is none here, `native_unusable` if it cannot be loaded.
 */
export function addon(): Addon {
  loaded ??= load(thisMachine, packageAround(import.meta.url));
  return loaded;
}

/** Apart from where it is used: bundlers take `new URL` with their own `import.meta.url` for a file to be packed. */
function packageAround(file: string): URL {
  return new URL("../", file);
}

/** Loads the addon for a machine, as the package in `folder` finds it. Exported for the tests. */
export function load(machine: Machine, folder: URL): Addon {
  // What is installed is looked for from that package, wherever the package manager has put it.
  const require = createRequire(new URL("package.json", folder));
  const file = find(machine.platform, folder, require);
  if (file === undefined) {
    const message = missing(machine, fileURLToPath(folder), origin(require));
    throw Object.assign(new Error(message), { code: "native_missing" });
  }
  let found: Partial<Addon>;
  try {
    found = require(file) as Partial<Addon>;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the native core of Greenroom for ${machine.platform} cannot be loaded from ${file}: ${reason}`;
    throw Object.assign(new Error(message, { cause }), { code: "native_unusable" });
  }
  const layout = found.layout?.();
  if (layout === LAYOUT) return found as Addon;
  const it = `the native core of Greenroom in ${file} (version ${found.version?.() ?? "unknown"}, layout ${layout ?? "unknown"})`;
  const remedy =
    "install the same version of all packages of Greenroom, or build it anew (`cargo xtask build`)";
  throw Object.assign(
    new Error(`${it} does not fit @greenroom/native, which needs layout ${LAYOUT}: ${remedy}`),
    { code: "native_unusable" },
  );
}

function find(platform: string, folder: URL, require: NodeJS.Require): string | undefined {
  const built = fileURLToPath(new URL(builtFile(platform), folder));
  if (existsSync(built)) return built;
  const name = packageOf(platform);
  if (name === undefined) return undefined;
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}

/** What this package is, as far as its manifest tells: a bundle has none, or that of a program. */
function origin(require: NodeJS.Require): Origin {
  let manifest: { readonly name?: string; readonly optionalDependencies?: object } = {};
  try {
    manifest = require("./package.json");
  } catch {
    // There is none.
  }
  if (manifest.name !== "@greenroom/native") return "bundle";
  const { optionalDependencies } = manifest;
  return optionalDependencies === undefined ? "repository" : Object.keys(optionalDependencies);
}
