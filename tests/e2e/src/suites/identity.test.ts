/** What actors say of themselves, and what errors say of the actors that they come from. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ActorError } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/identity-main.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({
    script: join(DIST, "server/identity-main.js"),
    env: { GREENROOM_REGION: "eu-test-1" },
  });
});
after(() => server.dispose());

const connectTo = (transport?: "sse" | "websocket") =>
  createClient<typeof registry>({ endpoint: server.url, ...(transport && { transport }) });

/** What a call is rejected with. */
async function errorOf(call: Promise<unknown>): Promise<ActorError> {
  const error: unknown = await call.then(
    () => assert.fail("it was not refused"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof ActorError, String(error));
  return error;
}

test("an actor knows its id, type, key and region, whatever region was asked for", async () => {
  const client = connectTo();
  const made = await client.teller.create(["a", "b"], { region: "us-west-9" });
  const id = await made.resolve();
  const expected = { id, name: "teller", key: ["a", "b"], region: "eu-test-1", bornIn: "eu-test-1" };
  assert.deepEqual(await made.who(), expected);
  const found = client.teller.getOrCreate(["a", "b"], { createInRegion: "nowhere" });
  assert.deepEqual(await found.who(), expected);
  const other = await client.teller.getOrCreate("c", { createInRegion: "eu-test-1" }).who();
  assert.equal(other.region, "eu-test-1");
});

test("errors over HTTP name the actor and its life, as the headers do", async () => {
  const handle = connectTo().teller.getOrCreate("http");
  const id = await handle.resolve();
  const first = (await errorOf(handle.fail())).actor;
  assert.equal(first?.actorId, id);
  assert.equal(first.key, "http");
  assert.ok(first.generation > 0);
  await handle.nap();
  const later = (await errorOf(handle.fail())).actor;
  assert.ok(later !== undefined && later.generation > first.generation, "a wake is a new life");
  for (const action of ["who", "fail"]) {
    const answer = await fetch(`${server.url}/gateway/${id}/action/${action}`, {
      method: "POST",
      headers: { "x-rivet-encoding": "json" },
      body: JSON.stringify({ args: [] }),
    });
    await answer.arrayBuffer();
    assert.equal(answer.headers.get("x-rivet-actor"), id);
    assert.equal(answer.headers.get("x-rivet-actor-generation"), String(later.generation));
  }
});

for (const transport of ["websocket", "sse"] as const) {
  test(`errors over a connection (${transport}) name the actor and the life that it is in`, async () => {
    const client = connectTo(transport);
    const handle = client.teller.getOrCreate(`live ${transport}`);
    const connection = handle.connect();
    const first = (await errorOf(connection.fail())).actor;
    assert.equal(first?.actorId, await handle.resolve());
    assert.ok(first.generation > 0);
    await connection.nap();
    const later = (await errorOf(connection.fail())).actor;
    assert.ok(later !== undefined && later.generation > first.generation);
    await client.dispose();
  });
}

test("an actor that cannot start is named, with the life that did not come to be", async () => {
  const handle = connectTo().stillborn.getOrCreate("s");
  const first = await errorOf(handle.who());
  assert.equal(first.code, "not_today");
  const second = await errorOf(handle.who());
  assert.ok(first.actor !== undefined && first.actor.generation > 0);
  assert.ok(second.actor !== undefined && second.actor.generation > first.actor.generation);
});
