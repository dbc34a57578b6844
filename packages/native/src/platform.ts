/** The machine that this process runs on, and where its native core is. */
import { readFileSync } from "node:fs";

/** What decides which addon a process can load. */
export interface Machine {
  /** `<process.platform>-<process.arch>`. */
  readonly platform: string;
  /** The C library on Linux, which an addon is built for; undefined on other systems. */
  libc(): "glibc" | "musl" | undefined;
}

/** The platforms with a native core, each with the end of its package's name. `cargo xtask dist` has the same table. */
const PACKAGES = new Map([
  ["linux-x64", "linux-x64-gnu"],
  ["linux-arm64", "linux-arm64-gnu"],
  ["darwin-x64", "darwin-x64"],
  ["darwin-arm64", "darwin-arm64"],
  ["win32-x64", "win32-x64-msvc"],
  ["win32-arm64", "win32-arm64-msvc"],
]);

/** The platforms that there is a native core for. */
export const PLATFORMS: readonly string[] = [...PACKAGES.keys()];

/** The machine of this process. */
export const thisMachine: Machine = {
  platform: `${process.platform}-${process.arch}`,
  libc() {
    if (process.platform !== "linux") return undefined;
    try {
      // musl is its own dynamic loader, which this process then has mapped.
      return readFileSync("/proc/self/maps", "utf8").includes("/ld-musl-") ? "musl" : "glibc";
    } catch {
      return "glibc";
    }
  },
};

/** The package with the native core for a platform; undefined if there is none for it. */
export function packageOf(platform: string): string | undefined {
  const end = PACKAGES.get(platform);
  return end && `@greenroom/native-${end}`;
}

/** The file that the build in the repository makes for a platform. */
export function builtFile(platform: string): string {
  return `greenroom.${platform}.node`;
}
