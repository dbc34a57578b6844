/** What callers pass is checked before anything else sees it, whichever way it comes. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ActorError, type ClientConfig } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { DIST } from "../harness/paths.js";
import { createRivetClient } from "../harness/rivet.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/calls-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/calls-main.js") });
});
after(() => server.dispose());

const connectTo = (config: ClientConfig = {}) =>
  createClient<typeof registry>({ endpoint: server.url, ...config });

/** Checks that `work` rejects with `actor.validation_error`, and gives the paths of its issues. */
async function refused(work: Promise<unknown>): Promise<string[]> {
  const error = await work.then(
    () => assert.fail("it was accepted"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof ActorError, String(error));
  assert.equal(`${error.group}.${error.code}`, "actor.validation_error", error.message);
  const { issues } = error.metadata as { issues: { message: string; path: (string | number)[] }[] };
  for (const { message } of issues) assert.equal(typeof message, "string");
  return issues.map(({ path }) => path.join("."));
}

/** What the types refuse. */
const wrong = <T>(value: unknown): T => value as T;

for (const encoding of ["json", "cbor", "bare"] as const) {
  test(`arguments are checked over HTTP, WebSocket and SSE in ${encoding}`, async () => {
    for (const transport of [undefined, "websocket", "sse"] as const) {
      const client = connectTo({ encoding, ...(transport === undefined ? {} : { transport }) });
      const handle = client.board.getOrCreate(["args", encoding, transport ?? "http"]);
      const callee = transport === undefined ? handle : handle.connect();
      assert.deepEqual(await callee.move({ x: 1 }), { x: 1, y: 0 });
      assert.deepEqual(await refused(callee.move(wrong({ x: 1.5, y: "a" }))), ["0.x", "0.y"]);
      assert.deepEqual(await refused(callee.move(...wrong<[never]>([]))), [""]);
      assert.deepEqual(await refused(callee.move(...wrong<[never]>([{ x: 1 }, 2]))), [""]);
      assert.equal(await callee.admin.label("ab", 2), "abab");
      assert.deepEqual(await refused(callee.admin.label("abcdef")), ["0"]);
      assert.equal(await callee.admin.resize(3), 3);
      assert.deepEqual(await refused(callee.admin.resize(-1)), ["0"]);
      const { log } = await handle.report();
      assert.equal(log.filter((entry) => entry === "move").length, 1);
      // Calls that were refused ran no hook.
      const calls = transport === undefined ? 4 : 2;
      assert.equal(log.filter((entry) => entry.startsWith("before")).length, calls);
      await client.dispose();
    }
  });
}

test("connection parameters are checked before onBeforeConnect, and arrive as the schema gives them", async () => {
  const client = connectTo();
  const good = client.board.getOrCreate("params", { params: { player: "ann" } });
  assert.equal(await good.player(), "ANN");
  const connection = good.connect();
  assert.equal(await connection.player(), "ANN");
  for (const params of [{ player: "" }, { player: 7 }, "ann", 0]) {
    const bad = client.board.getOrCreate("params", { params: wrong(params) });
    await refused(bad.player());
    const refusal = bad.connect();
    await refused(refusal.ready);
    await refusal.dispose();
    const sse = connectTo({ transport: "sse" });
    await refused(sse.board.getOrCreate("params", { params: wrong(params) }).connect().ready);
    await sse.dispose();
  }
  const { log } = await client.board.getOrCreate("params").report();
  assert.deepEqual(
    log.filter((entry) => entry.startsWith("before")),
    ["before ANN", "before ANN", "before nobody"],
  );
  await client.dispose();
});

test("the unmodified rivetkit client is told the same", async () => {
  const client = await createRivetClient(server.url);
  const handle = client.getOrCreate("board", ["rivet"]);
  for (const callee of [handle, handle.connect()]) {
    await assert.rejects(callee.action({ name: "move", args: [{ x: "1" }] }), (error: unknown) => {
      const { group, code, metadata } = error as ActorError;
      assert.equal(`${group}.${code}`, "actor.validation_error");
      assert.deepEqual((metadata as { issues: { path: unknown }[] }).issues[0]?.path, [0, "x"]);
      return true;
    });
  }
  await client.dispose();
});

test("an actor whose input is refused is not there afterwards, and its key is free", async () => {
  const client = connectTo();
  const bad = client.board.getOrCreate("input", { createWithInput: { size: 101 } });
  assert.deepEqual(await refused(bad.report()), ["size"]);
  assert.deepEqual(await refused(bad.report()), ["size"]);
  const good = client.board.getOrCreate("input", { createWithInput: { size: 50 } });
  assert.equal((await good.report()).size, 50);
  // It has what it was made with.
  assert.equal((await bad.report()).size, 50);
  await client.dispose();
});

test("a reply is what onBeforeActionResponse makes of it, whichever way the call came", async () => {
  for (const transport of [undefined, "websocket", "sse"] as const) {
    const client = connectTo(transport === undefined ? {} : { transport });
    const handle = client.guarded.getOrCreate(["reply", transport ?? "http"]);
    const callee = transport === undefined ? handle : handle.connect();
    assert.deepEqual(await callee.echo(1, 2), { name: "echo", args: [1, 2], output: 2 });
    await assert.rejects(callee.secret(), { group: "user", code: "secret" });
    assert.equal(await callee.asked(), 2);
    await client.dispose();
  }
});

test("events are checked as well", async () => {
  const client = connectTo();
  const connection = client.board.getOrCreate("events").connect();
  const moved = new Promise((resolve) => connection.on("moved", resolve));
  await connection.move({ x: 3, y: 4 });
  assert.deepEqual(await moved, { x: 3, y: 4 });
  await client.dispose();
});
