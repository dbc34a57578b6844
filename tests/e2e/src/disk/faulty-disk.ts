/** A disk whose calls fail or wait when a test says so (`faults.c`), for servers on Linux with glibc. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../harness/paths.js";

/** Error numbers of Linux. */
export const ERRNO = { EIO: 5, EROFS: 30, ENOSPC: 28 } as const;

export class FaultyDisk {
  /** What the server needs in its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly #folder: string;
  readonly #control: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#control = join(folder, "faults");
    writeFileSync(this.#control, "");
    this.env = { LD_PRELOAD: join(folder, "faults.so"), GREENROOM_FAULTS: this.#control };
  }

  /** Compiles it. Gives the reason if there is none here. */
  static create(): FaultyDisk | string {
    if (process.platform !== "linux") return "LD_PRELOAD is for Linux";
    const folder = mkdtempSync(join(tmpdir(), "greenroom-disk-"));
    const source = join(ROOT, "tests/e2e/src/disk/faults.c");
    try {
      execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", join(folder, "faults.so"), source], {
        stdio: "pipe",
      });
    } catch (error) {
      rmSync(folder, { recursive: true });
      return `there is no C compiler that can make it: ${String(error)}`;
    }
    return new FaultyDisk(folder);
  }

  /** From now on syncs, or writes, of files with `part` in their path fail with this error. */
  fail(calls: "sync" | "write", errno: number, part: string): void {
    writeFileSync(this.#control, `${calls} ${errno} ${part}\n`);
  }

  /** From now on syncs of files with `part` in their path do not come back. */
  hold(part: string): void {
    this.fail("sync", 0, part);
  }

  /** From now on everything works, and what was held goes on. */
  work(): void {
    writeFileSync(this.#control, "");
  }

  dispose(): void {
    this.work();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
