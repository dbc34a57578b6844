/** Tests that documents name: `` `file` "part of the name" ``, separated by commas. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "./tables.js";

/** Where the tests of a prefix are, and how their files end unless that is said. */
const PLACES: ReadonlyMap<string, readonly [folder: string, ending: string]> = new Map([
  ["", ["tests/e2e/src/suites", ".test.ts"]],
  ["e2e", ["tests/e2e/src", ""]],
  ["greenroom", ["packages/greenroom/test", ".test.ts"]],
  ["client", ["packages/client/test", ".test.ts"]],
  ["native", ["packages/native/test", ".test.ts"]],
  ["types", ["tests/types", ""]],
  ["docs", ["tests/docs/src", ""]],
  ["packages", ["tests/packages/src", ".test.ts"]],
  ["core", ["crates/core/tests", ".rs"]],
  ["server", ["crates/server/tests/server", ".rs"]],
  ["crates", ["crates", ".rs"]],
  ["xtask", ["xtask/src", ".rs"]],
]);

/** Fails unless `cell` names tests and nothing else, and all of them exist. `row` is for the message. */
export async function assertTestsExist(cell: string, row: string): Promise<void> {
  const named = [...cell.matchAll(/`(?:(\w+):)?([\w./-]+)` "([^"]+)"/g)];
  assert.equal(
    named.map(([text]) => text).join(", "),
    cell,
    `${row}: tests are written as \`file\` "part of the name"`,
  );
  assert.ok(named.length > 0, row);
  for (const [, prefix = "", file = "", name = ""] of named) {
    const [folder, ending] = PLACES.get(prefix) ?? assert.fail(`${row}: what is \`${prefix}:\`?`);
    const text = await readFile(join(ROOT, folder, file + ending), "utf8");
    assert.ok(text.includes(name), `${row}: ${file} has no "${name}"`);
  }
}
