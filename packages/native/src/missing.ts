/** What to say when there is no native core for this machine. */
import { builtFile, type Machine, PLATFORMS, packageOf } from "./platform.js";

/**
 * Where `@greenroom/native` comes from: the repository, a bundle that has its code in it, or npm; then these are the
 * packages with native cores that came out with it.
 */
export type Origin = "repository" | "bundle" | readonly string[];

/**
 * Why there is none, and what to do about it.
 *
 * @param folder The folder of `@greenroom/native`.
 */
export function missing(machine: Machine, folder: string, origin: Origin): string {
  const { platform } = machine;
  const name = packageOf(platform);
  if (name === undefined) {
    return `Greenroom has no native core for ${platform}; it runs on ${PLATFORMS.join(", ")}`;
  }
  if (origin === "repository") {
    const file = `${folder}${builtFile(platform)}`;
    return `the native core of Greenroom for ${platform} is missing: there is no ${file}; run \`cargo xtask build\` in the Greenroom repository`;
  }
  if (machine.libc() === "musl") {
    return `Greenroom has no native core for ${platform} with musl (Alpine Linux); use a system with glibc, such as the image node:22-slim`;
  }
  if (origin === "bundle") {
    return (
      `the native core of Greenroom for ${platform} is missing: this program is a bundle that has the code of ` +
      `@greenroom/native in it, and no ${name} near it; leave greenroom out of the bundle ` +
      "(`--external:greenroom`, in Next.js serverExternalPackages) and install it where the program runs"
    );
  }
  if (!origin.includes(name)) {
    return `this version of Greenroom came out without a native core for ${platform}, only with ${origin.join(", ")}; use one of these platforms, or build Greenroom from its sources`;
  }
  return (
    `the native core of Greenroom for ${platform} is missing: ${name} is not installed, which ${folder} needs; ` +
    "node_modules comes from another platform, or optional dependencies were left out: " +
    "delete node_modules and install again on this machine, with optional dependencies"
  );
}
