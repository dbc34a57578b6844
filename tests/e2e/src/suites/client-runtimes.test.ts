/** The client inside Node.js and inside Bun, whichever of them the server runs on. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DIST } from "../harness/paths.js";
import { Program } from "../harness/program.js";
import { ServerProcess } from "../harness/server.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start();
});
after(() => server.dispose());

for (const runtime of ["node", "bun"]) {
  test(`in ${runtime} it calls over HTTP and WebSocket, hears events, gets errors, and lets the process end`, async () => {
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
    assert.deepEqual(JSON.parse(stdout), { runtime, seen });
    assert.equal(stderr, "");
  });
}
