/** The hooks of a start, what hooks are told of changes, and what instances do not share. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ActorError } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/life-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/life-main.js") });
});
after(() => server.dispose());

const connectTo = () => createClient<typeof registry>(server.url);

test("a start runs onMigrate first and run last", async () => {
  const client = connectTo();
  const migrating = client.migrating.getOrCreate("m");
  const born = ["onMigrate true", "createState", "onCreate", "createVars", "onWake", "run"];
  assert.deepEqual(await migrating.log(), born);
  await migrating.nap();
  const woken = ["onMigrate false", "createVars", "onWake", "run"];
  assert.deepEqual(await migrating.log(), [...born, ...woken]);
  await server.kill();
  await server.restart();
  assert.deepEqual(await migrating.log(), [...born, ...woken, ...woken]);
  await client.dispose();
});

test("an actor whose onMigrate fails or takes too long does not start, and says so to its callers", async () => {
  const client = connectTo();
  await assert.rejects(
    client.migrating.getOrCreate("failing").log(),
    (error) => error instanceof ActorError && error.code === "no_migration",
  );
  await assert.rejects(
    client.migrating.getOrCreate("too slow").log(),
    (error) => error instanceof ActorError && error.code === "internal_error",
  );
  assert.match(server.stderr, /onMigrate took longer than 100 ms/);
  await client.dispose();
});

test("onStateChange comes once per turn with changes, not for reads, nor for variables", async () => {
  const client = connectTo();
  const observer = client.observer.getOrCreate("o");
  const seen = (expected: number[]) =>
    eventually(async () => assert.deepEqual(await observer.changes(), expected));
  await observer.read();
  await observer.setVars();
  await seen([]);
  await observer.changeTwice();
  await seen([2]);
  await observer.changeAcrossAwait();
  await seen([2, 3, 4]);
  await observer.read();
  await observer.setVars();
  await seen([2, 3, 4]);
  await client.dispose();
});

test("onStateChange cannot change the state", async () => {
  const client = connectTo();
  const observer = client.observer.getOrCreate("reentrant");
  await observer.set(13);
  await eventually(async () => assert.equal(await observer.refused(), "state_mutation_reentrant"));
  assert.deepEqual(await observer.read(), [13, 0]);
  await client.dispose();
});

test("every instance begins with variables of its own, also after sleep and with the key of one destroyed", async () => {
  const client = connectTo();
  const [one, other] = [client.separate.getOrCreate("one"), client.separate.getOrCreate("other")];
  const fresh = { list: [], nested: { count: 0 } };
  await one.put("x");
  assert.deepEqual(await one.vars(), { list: ["x"], nested: { count: 1 } });
  assert.deepEqual([await other.vars(), await other.state()], [fresh, { list: [] }]);
  await one.nap();
  assert.deepEqual([await one.vars(), await one.state()], [fresh, { list: ["x"] }]);
  await one.put("y");
  const id = await one.resolve();
  await one.end();
  await eventually(async () => assert.notEqual(await one.resolve(), id));
  assert.deepEqual([await one.vars(), await one.state()], [fresh, { list: [] }]);
  await client.dispose();
});

test("tools are told the name, the icon and the crash policy of an actor type", async () => {
  const read = async (path: string, init?: RequestInit): Promise<unknown> =>
    (await fetch(new URL(path, server.url), init)).json();
  const hints = { name: "Sleepless", icon: "moon" };
  const { actorNames } = (await read("/metadata")) as { actorNames: { [name: string]: unknown } };
  assert.deepEqual([actorNames.sleepless, actorNames.worker], [hints, {}]);
  const { names } = (await read("/actors/names")) as { names: { [name: string]: unknown } };
  assert.deepEqual([names.sleepless, names.worker], [{ metadata: hints }, { metadata: {} }]);
  const wanted = { name: "phoenix", key: "shown", runner_name_selector: "default", crash_policy: "sleep" };
  const { actor } = (await read("/actors?namespace=default", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(wanted),
  })) as { actor: { crash_policy: string } };
  assert.equal(actor.crash_policy, "restart");
  const client = connectTo();
  const gateway = await client.sleepless.getOrCreate("shown").getGatewayUrl();
  const [path, query] = gateway.split("?");
  const shown = (await read(`${path}/metadata${query === undefined ? "" : `?${query}`}`)) as {
    display: unknown;
  };
  assert.deepEqual(shown.display, hints);
  await client.dispose();
});

test("createVars knows the actor and its state", async () => {
  const client = connectTo();
  assert.deepEqual(await client.informed.getOrCreate(["a", "b"]).from(), ["informed", ["a", "b"], true, 7]);
  await client.dispose();
});
