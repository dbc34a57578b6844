/** The feature matrix names tests that exist, and misses none of what it has to speak of. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertTestsExist } from "./named-tests.js";
import { type Row, rowsOf, sectionOf } from "./tables.js";

const MATRIX = "docs/feature-matrix.md";

const rows = async (heading: string): Promise<Row[]> => rowsOf(await sectionOf(MATRIX, heading));

for (const heading of ["Features", "What has to hold", "Examples"]) {
  test(`"${heading}": every row has a status and names tests that exist`, async () => {
    for (const [label, what, status, tests = ""] of await rows(heading)) {
      const row = `${label} ${what}`;
      assert.match(status ?? "", /^(●|◐ \S)/, row);
      await assertTestsExist(tests, row);
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
