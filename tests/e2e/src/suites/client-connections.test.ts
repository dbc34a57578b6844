/** The life of a connection, seen from the client. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ActorConnDisposed, type ActorError, type CloseEvent } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/client-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: `${DIST}/server/client-main.js` });
});
after(() => server.dispose());

function connectTo() {
  return createClient<typeof registry>(server.url);
}

test("every kind of handle connects, and the connection knows whom to", async () => {
  const client = connectTo();
  const created = await client.note.create("kinds");
  const id = await created.resolve();
  for (const handle of [
    created,
    client.note.get("kinds"),
    client.note.getOrCreate("kinds"),
    client.note.getForId(id),
  ]) {
    const connection = handle.connect();
    assert.deepEqual(
      [connection.actorId, connection.connectionId, connection.connId],
      [undefined, undefined, undefined],
    );
    await connection.ready;
    assert.equal(connection.actorId, id);
    assert.ok(connection.connectionId !== undefined && connection.connId === connection.connectionId);
    assert.equal((await connection.describe()).id, id);
  }
  await client.dispose();
});

test("the status goes from idle over connecting to connected, and around again when the server is gone", async () => {
  const client = connectTo();
  const connection = client.note.getOrCreate("status").connect();
  assert.deepEqual([connection.connStatus, connection.isConnected], ["idle", false]);
  const statuses: string[] = [];
  const silenced: string[] = [];
  connection.onStatusChange((status) => statuses.push(status));
  const stop = connection.onStatusChange((status) => silenced.push(status));
  await connection.ready;
  assert.equal(connection.isConnected, true);
  stop();
  stop();
  const again = new Promise<void>((resolve) => {
    connection.onOpen(resolve);
  });
  await server.kill();
  await eventually(() => assert.notEqual(connection.connStatus, "connected"));
  const queued = connection.read();
  await server.restart();
  await again;
  assert.equal(await queued, "");
  assert.deepEqual(statuses.slice(0, 4), ["connecting", "connected", "disconnected", "connecting"]);
  assert.equal(statuses.at(-1), "connected");
  assert.deepEqual(silenced, ["connecting", "connected"]);
  await connection.dispose();
  assert.equal(statuses.at(-1), "idle");
});

test("what is sent when a connection begins reaches listeners that were there before it", async () => {
  const client = connectTo();
  const connection = client.door.getOrCreate("welcome", { params: { name: "ann" } }).connect();
  const opened: string[] = [];
  connection.onOpen(() => opened.push("one"));
  const stop = connection.onOpen(() => opened.push("other"));
  stop();
  const names: string[] = [];
  connection.on("welcome", (name) => names.push(name));
  await connection.ready;
  await connection.inside();
  assert.deepEqual(names, ["ann"]);
  assert.deepEqual(opened, ["one"]);
  await client.dispose();
});

test("a connection counts when its admission has ended; its state is its own and can be changed", async () => {
  const client = connectTo();
  const door = client.door.getOrCreate("admission", { params: { name: "observer" } });
  const slow = door.connect({ name: "slow", wait: 300 });
  const quick = door.connect({ name: "quick" });
  await quick.ready;
  assert.deepEqual(await door.inside(), ["quick"]);
  await slow.ready;
  assert.deepEqual((await door.inside()).sort(), ["quick", "slow"]);
  await quick.rename("quicker");
  assert.deepEqual((await door.inside()).sort(), ["quicker", "slow"]);
  const closed = new Promise<CloseEvent>((resolve) => void slow.onClose(resolve));
  await door.throwOut("slow");
  assert.deepEqual({ ...(await closed) }, { code: 1000, reason: "out" });
  await client.dispose();
});

for (const [name, group, code] of [
  ["", "user", "nameless"],
  ["broken", "rivetkit", "internal_error"],
] as const) {
  test(`who is refused (${code}) is told so everywhere, and has never been there`, async () => {
    const client = connectTo();
    const door = client.door.getOrCreate(["refusals", code], { params: { name: "observer" } });
    const connection = door.connect({ name });
    const errors: ActorError[] = [];
    connection.onError((error) => errors.push(error));
    const call = connection.inside();
    await assert.rejects(connection.ready, { group, code });
    await assert.rejects(call, { group, code });
    assert.deepEqual([errors[0]?.group, errors[0]?.code], [group, code]);
    await connection.dispose();
    assert.ok(!(await door.left()).includes(name));
    await client.dispose();
  });
}

test("parameters are asked for once per socket; when that fails, it is said and tried again", async () => {
  const client = connectTo();
  let asked = 0;
  const door = client.door.getOrCreate("parameters", {
    getParams: async () => {
      asked += 1;
      if (asked === 1) throw new Error("the token has expired");
      return { name: `visitor ${asked}` };
    },
  });
  const connection = door.connect();
  const errors: string[] = [];
  connection.onError((error) => errors.push(`${error.group}.${error.code}`));
  const first = await new Promise((resolve) => connection.once("welcome", resolve));
  assert.equal(first, "visitor 2");
  assert.deepEqual(errors, ["client.get_params_failed"]);
  await connection.inside();
  await connection.inside();
  assert.equal(asked, 2);
  const second = new Promise((resolve) => connection.once("welcome", resolve));
  await connection.throwOut("visitor 2").catch(() => undefined);
  assert.equal(await second, "visitor 3");
  await client.dispose();
});

test("a disposed connection is over for good", async () => {
  const client = connectTo();
  const connection = client.note.getOrCreate("over").connect();
  await connection.ready;
  let heard = 0;
  connection.on("changed", () => {
    heard += 1;
  });
  const closes: CloseEvent[] = [];
  connection.onClose((event) => closes.push(event));
  const cut = connection.read().catch((error: unknown) => error);
  await Promise.all([connection.dispose(), connection.dispose()]);
  assert.ok((await cut) instanceof ActorConnDisposed || (await cut) === "");
  await assert.rejects(connection.write("late"), (error: unknown) => error instanceof ActorConnDisposed);
  assert.equal(connection.connStatus, "idle");
  assert.deepEqual(closes, [{ code: 1000, reason: "Disposed" }]);
  await client.note.get("over").write("unheard");
  assert.equal(heard, 0);
  await client.dispose();
});
