/** The feature matrix names tests that exist, and misses none of what it has to speak of. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, type Row, rowsOf, sectionOf } from "./tables.js";

const MATRIX = "docs/feature-matrix.md";

/** Where the tests of a prefix are, and how their files end unless that is said. */
const PLACES: ReadonlyMap<string, readonly [folder: string, ending: string]> = new Map([
  ["", ["tests/e2e/src/suites", ".test.ts"]],
  ["e2e", ["tests/e2e/src", ""]],
  ["greenroom", ["packages/greenroom/test", ".test.ts"]],
  ["client", ["packages/client/test", ".test.ts"]],
  ["types", ["tests/types", ""]],
  ["docs", ["tests/docs/src", ""]],
  ["packages", ["tests/packages/src", ".test.ts"]],
  ["core", ["crates/core/tests", ".rs"]],
  ["server", ["crates/server/tests/server", ".rs"]],
]);

const rows = async (heading: string): Promise<Row[]> => rowsOf(await sectionOf(MATRIX, heading));

for (const heading of ["Features", "What has to hold", "Examples"]) {
  test(`"${heading}": every row has a status and names tests that exist`, async () => {
    for (const [label, what, status, tests = ""] of await rows(heading)) {
      const row = `${label} ${what}`;
      assert.match(status ?? "", /^(●|◐ \S)/, row);
      const named = [...tests.matchAll(/`(?:(\w+):)?([\w./-]+)` "([^"]+)"/g)];
      assert.equal(
        named.map(([text]) => text).join(", "),
        tests,
        `${row}: tests are written as \`file\` "part of the name"`,
      );
      assert.ok(named.length > 0, row);
      for (const [, prefix = "", file = "", name = ""] of named) {
        const [folder, ending] = PLACES.get(prefix) ?? assert.fail(`${row}: what is \`${prefix}:\`?`);
        const text = await readFile(join(ROOT, folder, file + ending), "utf8");
        assert.ok(text.includes(name), `${row}: ${file} has no "${name}"`);
      }
    }
  });
}

test("what has to hold is complete", async () => {
  const labels = (await rows("What has to hold"))
    .map(([label]) => Number(label))
    .filter((label) => label > 0);
  assert.deepEqual(
    labels,
    Array.from({ length: 76 }, (_, index) => index + 1),
  );
});
