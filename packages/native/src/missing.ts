/** What to say when there is no native core for this machine. */
import { builtFile, type Machine, PLATFORMS, packageOf } from "./platform.js";

/**
 * Why there is none, and what to do about it.
 *
 * @param folder The folder of `@greenroom/native`.
 * @param published The packages with native cores that came out with it; undefined in the repository.
 */
export function missing(machine: Machine, folder: string, published: readonly string[] | undefined): string {
  const { platform } = machine;
  const name = packageOf(platform);
  if (name === undefined) {
    return `Greenroom has no native core for ${platform}; it runs on ${PLATFORMS.join(", ")}`;
  }
  if (published === undefined) {
    const file = `${folder}${builtFile(platform)}`;
    return `the native core of Greenroom for ${platform} is missing: there is no ${file}; run \`cargo xtask build\` in the Greenroom repository`;
  }
  if (machine.libc() === "musl") {
    return `Greenroom has no native core for ${platform} with musl (Alpine Linux); use a system with glibc, such as the image node:22-slim`;
  }
  if (!published.includes(name)) {
    return `this version of Greenroom came out without a native core for ${platform}, only with ${published.join(", ")}; use one of these platforms, or build Greenroom from its sources`;
  }
  return (
    `the native core of Greenroom for ${platform} is missing: ${name} is not installed, which ${folder} needs; ` +
    "node_modules comes from another platform, or optional dependencies were left out: " +
    "delete node_modules and install again on this machine, with optional dependencies"
  );
}
