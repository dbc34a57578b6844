/** The client inside every runtime that it is made for, whichever of them the server runs on. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DIST, hasRuntime } from "../harness/paths.js";
import { Program } from "../harness/program.js";
import { ServerProcess } from "../harness/server.js";

/** What programs say that they run on. */
const RUNS = { node: /^v\d/, lts: /^v(2[4-9]|[3-9]\d)\./, bun: /^bun$/, deno: /^deno$/ };

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start();
});
after(() => server.dispose());

for (const runtime of ["node", "lts", "bun", "deno"] as const) {
  const skip = hasRuntime(runtime) ? false : "not made for this platform";
  test(`in ${runtime} it calls over HTTP and WebSocket, hears events, gets errors, and lets the process end`, {
    skip,
  }, async () => {
    const { code, stdout, stderr } = await new Program(`${DIST}/server/talk.js`, {
      args: [server.url],
      runtime,
    }).ended;
    assert.equal(code, 0, stderr);
    const refusal = ["user", "my_code", { a: 1 }];
    const expected = {
      overHttp: 1,
      overWebSocket: 3,
      event: 3,
      bytes: [1, 2, 255],
      big: String(2n ** 70n),
      refusals: [refusal, refusal],
    };
    const seen = { json: expected, cbor: expected, bare: expected };
    const told = JSON.parse(stdout) as { runtime: string; seen: unknown };
    assert.deepEqual(told.seen, seen);
    assert.match(told.runtime, RUNS[runtime]);
    assert.equal(stderr, "");
  });
}
