/** What the documents say about security is shown by tests that exist. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { assertTestsExist } from "./named-tests.js";
import { ROOT, rowsOf } from "./tables.js";

const text = await readFile(join(ROOT, "docs/security.md"), "utf8");
const statements = rowsOf(text).filter(([number = ""]) => /^\d+$/.test(number));

test("statements are numbered from 1, each once", () => {
  assert.ok(statements.length > 10, "the tables were read");
  assert.deepEqual(
    statements.map(([number]) => Number(number)),
    statements.map((_, index) => index + 1),
  );
});

test("every statement names tests that exist", async () => {
  for (const row of statements) {
    assert.equal(row.length, 3, `statement ${row[0]}: number, statement, tests`);
    await assertTestsExist(row[2] ?? "", `statement ${row[0]}`);
  }
});
