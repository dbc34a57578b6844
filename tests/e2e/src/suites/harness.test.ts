/** What the suites themselves rely on. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { DIST } from "../harness/paths.js";
import { Program } from "../harness/program.js";

test("a suite with a failed test ends by itself, whatever the test has left open", async () => {
  const suite = new Program(join(DIST, "programs/abandons.js"), {
    runtime: "node",
    env: { NODE_TEST_CONTEXT: undefined },
  });
  const { code, stdout } = await suite.ended;
  assert.match(stdout, /on purpose/);
  assert.equal(code, 1, "it was still running when it was killed");
});
