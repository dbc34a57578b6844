/** The unmodified npm package `rivetkit/client` against our server, in every encoding. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start();
});
after(() => server.dispose());

const here = join(ROOT, "tests/e2e");

/** The version of `rivetkit` that programs in `folder` import. */
function versionFrom(folder: string): string {
  const entry = createRequire(join(folder, "/")).resolve("rivetkit/client");
  const root = entry.slice(0, entry.lastIndexOf("/rivetkit/") + "/rivetkit/".length);
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
}

for (const [folder, expected] of [
  [here, "2.3.19"],
  [join(ROOT, "node_modules/@rivetkit/react"), "2.3.11"],
] as const) {
  test(`rivetkit ${expected} passes every required check`, async () => {
    assert.equal(versionFrom(folder), expected);
    const child = spawn(
      process.execPath,
      [join(here, "conformance/rivetkit-client.mjs"), server.url, "--verbose"],
      {
        env: { ...process.env, RK_DIR: folder },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const [code] = (await once(child, "close")) as [number | null];
    assert.equal(code, 0, output);
    assert.match(output, /passed, 0 failed, 0 optional not met/, output);
  });
}
