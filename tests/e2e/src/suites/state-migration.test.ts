/** Versions of an actor's state: newer code takes over what older code has stored, and older code leaves it alone. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { ActorError } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/migration-registry.js";

let dataDir: string;
let server: ServerProcess | undefined;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "greenroom-e2e-"));
});
afterEach(async () => {
  await server?.kill();
  server = undefined;
  await rm(dataDir, { recursive: true, force: true });
});

/** Runs the code of a generation on the data of those before. The old process ends by a signal, or is killed. */
async function serve(generation: number, ending: "stop" | "kill" = "stop") {
  if (ending === "stop") await server?.stop();
  else await server?.kill();
  server = await ServerProcess.start({
    script: join(DIST, "server/migration-main.js"),
    env: { GENERATION: String(generation) },
    dataDir,
  });
  // A server that was killed is not waited for.
  const client = createClient<typeof registry>({ endpoint: server.url, retryTimeout: 0 });
  return {
    player: (name: string) => client.player.getOrCreate(name, { createWithInput: name }),
    note: client.note.getOrCreate("n"),
  };
}

const refused = (call: Promise<unknown>, code: string, text: RegExp) =>
  assert.rejects(call, (error) => {
    assert.ok(error instanceof ActorError, String(error));
    assert.equal(`${error.group}.${error.code}`, code);
    assert.match(error.message, text);
    return true;
  });

test("a state is migrated once, by all steps that it needs, and its version is stored with it", async () => {
  let { player } = await serve(1);
  await player("ann").score(7);
  await player("bob").score(1);

  ({ player } = await serve(2, "kill"));
  assert.deepEqual(await player("ann").read(), { name: "ann", points: 7 });
  await player("ann").score(1);
  await player("ann").nap();
  assert.deepEqual(await player("ann").read(), { name: "ann", points: 8 });
  assert.equal(server?.stderr.match(/to version 2/g)?.length, 1, "it ran once");

  ({ player } = await serve(3, "kill"));
  // From version 2, from version 1, and new.
  assert.deepEqual(await player("ann").read(), { start: 8, log: ["migrated", "awake"], name: "ann" });
  assert.deepEqual(await player("bob").read(), { start: 1, log: ["migrated", "awake"], name: "bob" });
  assert.deepEqual(await player("cid").read(), { start: 0, log: ["awake"], name: "cid" });

  ({ player } = await serve(3, "kill"));
  for (const [name, start] of [
    ["ann", 8],
    ["bob", 1],
    ["cid", 0],
  ] as const) {
    const state = (await player(name).read()) as { start: number; log: string[] };
    assert.equal(state.start, start);
    assert.equal(state.log.filter((entry) => entry === "migrated").length, name === "cid" ? 0 : 1);
    assert.equal(state.log.filter((entry) => entry === "awake").length, 2);
  }
});

test("code that is too old, or has forgotten too much, does not start the actor and loses nothing", async () => {
  let { player } = await serve(3);
  await player("ann").score(5);

  for (const generation of [2, 1]) {
    ({ player } = await serve(generation));
    const message = new RegExp(`has version 3, this code knows version ${generation}: run the newer code`);
    for (let attempt = 0; attempt < 2; attempt++) {
      await refused(player("ann").read(), "actor.state_version_unsupported", message);
    }
    await refused(player("ann").score(1), "actor.state_version_unsupported", message);
    // Others are none the worse for it.
    await player(`new in ${generation}`).read();
  }
  ({ player } = await serve(1));
  await player("old").score(2);

  ({ player } = await serve(4));
  const forgotten = /has version 1, this code goes from version 3 to 4: add the steps/;
  await refused(player("old").read(), "actor.state_version_unsupported", forgotten);
  ({ player } = await serve(3));
  assert.deepEqual(await player("old").read(), { start: 2, log: ["migrated", "awake"], name: "old" });
  assert.deepEqual(await player("ann").read(), { start: 5, log: ["awake", "awake"], name: "ann" });
  ({ player } = await serve(4));
  assert.deepEqual(await player("ann").read(), { start: 5 });
});

test("a step that throws changes nothing, and its reason is nobody's business", async () => {
  let { player } = await serve(2);
  await player("stubborn").score(3);
  ({ player } = await serve(3));
  await refused(player("stubborn").read(), "rivetkit.internal_error", /^An internal error occurred$/);
  assert.match(server?.stderr ?? "", /a secret reason/);
  // Not even the pair that was written before the throw.
  ({ player } = await serve(2));
  assert.deepEqual(await player("stubborn").read(), { name: "stubborn", points: 3 });
  await player("stubborn").score(1);
  ({ player } = await serve(3));
  await refused(player("stubborn").read(), "rivetkit.internal_error", /./);
});

test("an actor that stores nothing by itself stores what it has migrated", async () => {
  let { note } = await serve(1);
  await note.write("kept");
  ({ note } = await serve(2));
  assert.deepEqual(await note.read(), { lines: ["kept"] });
  ({ note } = await serve(2));
  assert.deepEqual(await note.read(), { lines: ["kept"] });
  await note.write("more");
  ({ note } = await serve(2, "kill"));
  assert.deepEqual(await note.read(), { lines: ["kept", "more"] });
  ({ note } = await serve(1));
  await refused(note.read() as Promise<unknown>, "actor.state_version_unsupported", /version 2.*version 1/);
});

test("a kill in the middle of many migrations leaves every actor as it was, or migrated once", async () => {
  const names = Array.from({ length: 60 }, (_, i) => `p${i}`);
  let { player } = await serve(1);
  await Promise.all(names.map((name, i) => player(name).score(i)));
  let isDone = false;
  for (let kill = 1; kill <= 5 && !isDone; kill++) {
    ({ player } = await serve(3, "kill"));
    const reads = names.map((name) => player(name).read());
    // Some are through by then, most are not.
    await Promise.any(reads);
    await server?.kill();
    isDone = (await Promise.allSettled(reads)).every(({ status }) => status === "fulfilled");
  }
  ({ player } = await serve(3));
  for (const [i, name] of names.entries()) {
    const state = (await player(name).read()) as { start: number; log: string[]; name: string };
    assert.deepEqual({ start: state.start, name: state.name }, { start: i, name });
    assert.equal(state.log[0], "migrated");
    assert.equal(state.log.lastIndexOf("migrated"), 0, "its effect is there once");
  }
});
