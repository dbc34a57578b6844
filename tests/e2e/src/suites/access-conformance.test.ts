/** The unmodified npm package `rivetkit/client` where not everybody may do everything. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DIST, ROOT } from "../harness/paths.js";
import { Program } from "../harness/program.js";
import { ServerProcess } from "../harness/server.js";

let auth: ServerProcess;
let guards: ServerProcess;
before(async () => {
  auth = await ServerProcess.start({ script: join(DIST, "server/auth-main.js") });
  guards = await ServerProcess.start({ script: join(DIST, "server/guards-main.js") });
});
after(async () => {
  await auth?.dispose();
  await guards?.dispose();
});

const here = join(ROOT, "tests/e2e");

for (const [version, folder] of [
  ["2.3.19", here],
  ["2.3.11", join(ROOT, "node_modules/@rivetkit/react")],
] as const) {
  test(`rivetkit ${version} comes in with its token, and is told when it may not`, async () => {
    const script = join(here, "conformance/rivetkit-access.mjs");
    const args = [auth.url, "ann-s3cret", guards.url];
    const program = new Program(script, { args, env: { RK_DIR: folder }, runtime: "node" });
    const { code, stdout, stderr } = await program.ended;
    assert.equal(code, 0, stdout + stderr);
    const saw = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
    for (const way of ["call", "connection", "id"]) {
      assert.match(JSON.stringify(saw[way]), /"uid":"ann".*"greeted":"ann"/, way);
    }
    for (const way of ["refusedCall", "refusedLookUp", "refusedConnection"]) {
      assert.equal(saw[way], "auth.unauthorized: who are you?", way);
    }
    assert.equal(saw.refusedEvent, "auth.forbidden");
    assert.deepEqual(saw.heard, ["for all"]);
  });
}
