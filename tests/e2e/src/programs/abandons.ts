/** A suite whose test fails while a client is connected to a server. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "../harness/client.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/registry.js";

test("fails with everything open", async () => {
  const server = await ServerProcess.start();
  const client = createClient<typeof registry>(server.url);
  await client.counter.getOrCreate("left").connect().ready;
  assert.fail("on purpose");
});
