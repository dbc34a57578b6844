/** A file system in memory that is as small as a test wants it, for tests that run as root on Linux. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Mounts it. Gives the reason if that is not possible here. */
  static mount(megabytes: number): SmallDisk | string {
    if (process.platform !== "linux" || process.getuid?.() !== 0) return "only root mounts file systems";
    const path = mkdtempSync(join(tmpdir(), "greenroom-small-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "none", path], { stdio: "pipe" });
    } catch (error) {
      rmdirSync(path);
      return `a tmpfs cannot be mounted here: ${String(error)}`;
    }
    return new SmallDisk(path);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Fills it up until this many bytes are left. */
  fill(left: number): void {
    const bytes = this.freeBytes - left;
    if (bytes > 0) writeFileSync(join(this.path, "ballast"), Buffer.alloc(bytes));
  }

  /** Makes room again. */
  clear(): void {
    rmSync(join(this.path, "ballast"), { force: true });
  }

  /** Another place of the same files, where nothing may be written. */
  remount(options: string): void {
    execFileSync("mount", ["-o", `remount,${options}`, this.path], { stdio: "pipe" });
  }

  unmount(): void {
    execFileSync("umount", ["-l", this.path], { stdio: "pipe" });
    rmdirSync(this.path);
  }
}
