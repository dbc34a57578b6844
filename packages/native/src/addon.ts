/**
 * Finds and loads the addon: one file for each platform, beside this package's `dist` folder.
 *
 * Loading happens at the first use and once per thread; importing this package alone loads nothing.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

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
  shutdown(): Promise<void>;
  kill(): Promise<void>;
  crash(actor: string): void;
  now(): number;
  step(target: number): Promise<number>;
  stats(): string;
}

/** Everything that the addon exports. */
export interface Addon {
  NativeRegistry: new (config: string, memory?: object) => AddonRegistry;
  NativeMemory: new (now: number) => object;
  foldState(image: Uint8Array | null, operations: Uint8Array[]): Uint8Array;
  version(): string;
}

/** The platforms that the native core can be built for. */
const PLATFORMS = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64", "win32-x64", "win32-arm64"];

let loaded: Addon | undefined;

/**
 * The addon of this platform.
 *
 * @throws Error with `code` `native_missing` if the file is not there, `native_unusable` if it cannot be loaded.
 */
export function addon(): Addon {
  loaded ??= load(`${process.platform}-${process.arch}`, new URL("../", import.meta.url));
  return loaded;
}

/** Loads the addon of a platform out of a folder. Exported for the tests. */
export function load(platform: string, folder: URL): Addon {
  const file = fileURLToPath(new URL(`greenroom.${platform}.node`, folder));
  if (!existsSync(file)) {
    throw Object.assign(new Error(missing(platform, file)), { code: "native_missing" });
  }
  try {
    return createRequire(import.meta.url)(file) as Addon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the native core of Greenroom for ${platform} cannot be loaded from ${file}: ${reason}`;
    throw Object.assign(new Error(message, { cause }), { code: "native_unusable" });
  }
}

function missing(platform: string, file: string): string {
  if (!PLATFORMS.includes(platform)) {
    return `Greenroom has no native core for ${platform}; it runs on ${PLATFORMS.join(", ")}`;
  }
  const remedy =
    "run `cargo xtask build` in the Greenroom repository, or install @greenroom/native again on this machine";
  return `the native core of Greenroom for ${platform} is missing: there is no ${file}; ${remedy}`;
}
