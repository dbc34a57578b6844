/** State: what it can be, how it is changed, and what happens where there is none. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ActorError } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/state-main.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/state-main.js") });
});
after(() => server.dispose());

const connectTo = () => createClient<typeof registry>(server.url);

const refused = (call: Promise<unknown>, code: string) =>
  assert.rejects(call, (error) => {
    assert.ok(error instanceof ActorError, String(error));
    assert.equal(`${error.group}.${error.code}`, code);
    return true;
  });

test("an actor without state works, and says that it has none", async () => {
  const bare = connectTo().bare.getOrCreate("b");
  assert.equal(await bare.add(1, 2), 3);
  for (const write of [false, true]) {
    await refused(bare.touch("state", write), "actor.state_not_enabled");
    await refused(bare.touch("vars", write), "actor.vars_not_enabled");
  }
  await refused(bare.touch("db", false), "actor.database_not_configured");
  await refused(bare.connState() as Promise<unknown>, "actor.conn_state_not_enabled");
  assert.equal(await bare.add(2, 3), 5);
});

test("values of every kind are changed in place, again after sleep and after kill -9", async () => {
  const shapes = connectTo().shapes.getOrCreate("s");
  await shapes.change();
  await shapes.nap();
  await shapes.change();
  await server.kill();
  await server.restart();
  await shapes.change();
  const expected = {
    list: [1, 2, 3, 4, 5, 6],
    map: new Map([
      ["a", { n: 4 }],
      ["b1", { n: 0 }],
      ["b2", { n: 0 }],
      ["b3", { n: 0 }],
    ]),
    set: new Set([1, 2, 3, 4]),
    when: new Date(3_000),
    bytes: Uint8Array.of(0, 3, 0, 0),
    big: 8n,
  };
  assert.deepEqual(await shapes.read(), expected);
  await shapes.replace();
  await server.kill();
  await server.restart();
  assert.deepEqual(await shapes.read(), { ...expected, list: [] });
});

test("a schema in onWake brings what was stored into shape", async () => {
  const settings = connectTo().settings.getOrCreate("s");
  assert.deepEqual(await settings.read(), { volume: 5, name: "nobody" });
  await settings.spoil({ volume: "11", extra: true });
  await settings.nap();
  assert.deepEqual(await settings.read(), { volume: 11, name: "nobody" });
  // What the schema cannot help with keeps the actor from starting, and is nobody's business.
  await settings.spoil({ name: 1 });
  await settings.nap();
  await refused(settings.read() as Promise<unknown>, "rivetkit.internal_error");
});
