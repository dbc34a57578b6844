/**
 * What JavaScript's side allocates for the operations that every action makes, beside what is kept in `baseline.json`. The
 * collector's work is in proportion to it, and unlike time it hardly depends on the machine.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** How much more than is kept may be taken: the compiler leaves out allocations as it sees fit. */
const BOUND = 1.25;
/** The Node.js that the baseline is of: others compile otherwise. */
const MAJOR = "20";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const skip =
  process.versions.node.startsWith(`${MAJOR}.`) &&
  process.versions.bun === undefined &&
  process.arch === "x64"
    ? false
    : `the baseline is of Node.js ${MAJOR} on x64`;

/** The kinds that take more than they may, or that only one of the two knows. */
function grown(kept: Readonly<Record<string, number>>, taken: Readonly<Record<string, number>>): string[] {
  const kinds = new Set([...Object.keys(kept), ...Object.keys(taken)]);
  return [...kinds]
    .filter((kind) => !((taken[kind] ?? Number.NaN) <= (kept[kind] ?? Number.NaN) * BOUND))
    .map((kind) => `${kind}: ${taken[kind] ?? "nothing"} bytes, kept are ${kept[kind] ?? "none"}`);
}

test("no operation allocates a quarter more than is kept", { skip }, async () => {
  // A generation of 256 MB, and no other size: whatever is allocated in a measurement is still there at its end.
  const flags = ["--expose-gc", "--min-semi-space-size=256", "--max-semi-space-size=256"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, here("program.js")]);
  const kept = JSON.parse(await readFile(here("../../test/allocations/baseline.json"), "utf8"));
  assert.deepEqual(grown(kept, JSON.parse(stdout)), [], `measured: ${stdout}`);
});

test("growth, and kinds that only one side knows, are found", () => {
  assert.deepEqual(grown({ a: 100, b: 100 }, { a: 125, b: 10 }), []);
  assert.deepEqual(grown({ a: 100 }, { a: 126 }), ["a: 126 bytes, kept are 100"]);
  assert.deepEqual(grown({ a: 100 }, { b: 1 }), [
    "a: nothing bytes, kept are 100",
    "b: 1 bytes, kept are none",
  ]);
});
