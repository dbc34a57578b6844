import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The lines of `file` on which the compiler reports errors. */
function linesWithErrors(project: string, file: string): number[] {
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin",
    "tsc",
  );
  const { stdout, error } = spawnSync(
    process.execPath,
    [compiler, "-p", join(root, project), "--pretty", "false"],
    {
      encoding: "utf8",
    },
  );
  if (error !== undefined) throw error;
  const lines = new Set<number>();
  for (const message of stdout.split("\n").filter((line) => /\): error TS\d+/.test(line))) {
    const [, path = "", line] = /^(.*)\((\d+),\d+\)/.exec(message) ?? [];
    assert.ok(path.endsWith(file), `an error outside of ${file}: ${message}`);
    lines.add(Number(line));
  }
  return [...lines].sort((a, b) => a - b);
}

test("every hole in the types of RivetKit is closed, and nothing else is refused", () => {
  const source = readFileSync(join(root, "fixtures", "holes", "holes.ts"), "utf8").split("\n");
  const marked = source.flatMap((line, index) => (line.includes("// HOLE") ? [index + 1] : []));
  assert.ok(marked.length > 0);
  assert.deepEqual(linesWithErrors("fixtures/holes", "holes.ts"), marked);
});
