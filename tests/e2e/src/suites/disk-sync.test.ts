/**
 * A disk that does not keep its word: syncs that fail or do not come back, writes that fail within. The server is the
 * real one; only its calls to the C library are (`disk/faults.c`).
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ERRNO, FaultyDisk } from "../disk/faulty-disk.js";
import { History } from "../disk/history.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { DiskRegistry } from "../server/disk-main.js";

const disk = FaultyDisk.create();
const skip = typeof disk === "string" && disk;
after(() => {
  if (typeof disk !== "string") disk.dispose();
});
const faults = (): FaultyDisk => {
  assert.ok(typeof disk !== "string");
  return disk;
};

const SCRIPT = join(DIST, "server/disk-main.js");

/** A server on the faulty disk, and the history of one of its notebooks. */
async function open() {
  faults().work();
  const server = await ServerProcess.start({ script: SCRIPT, env: faults().env });
  // What a fault did to a call is to be seen, not what a repetition makes of it.
  const client = createClient<DiskRegistry>({ endpoint: server.url, retryTimeout: 0 });
  const notebook = client.notebook.getOrCreate("a");
  return { server, client, notebook, history: new History(notebook) };
}

const health = async (server: ServerProcess) => {
  const response = await fetch(`${server.url}/health`);
  return [response.status, ((await response.json()) as { status: string }).status];
};

for (const [what, calls, errno, part] of [
  ["a sync of the log fails", "sync", ERRNO.EIO, ".jnl"],
  ["the file system becomes read-only", "write", ERRNO.EROFS, "/db/"],
] as const) {
  test(`when ${what}, writing stops, reading goes on, and a restart has it all`, { skip }, async (t) => {
    const { server, client, notebook, history } = await open();
    t.after(() => Promise.all([client.dispose(), server.dispose()]));
    const connection = notebook.connect();
    const heard: string[] = [];
    connection.on("added", (line) => heard.push(line));
    await connection.ready;
    for (let n = 0; n < 5; n++) assert.equal(await history.add(), undefined);
    await eventually(() => assert.equal(heard.length, 5));
    assert.deepEqual(await health(server), [200, "ok"]);

    faults().fail(calls, errno, part);
    assert.equal(await history.add(), "actor.store_failed");
    faults().work();
    // What the disk says now changes nothing: nobody knows what it has lost.
    for (let n = 0; n < 3; n++) assert.equal(await history.add(), "actor.store_failed");
    await assert.rejects(client.notebook.getOrCreate("new").add("x"), { code: "store_failed" });
    assert.deepEqual(await health(server), [503, "store_failed"]);
    assert.match(server.stderr, /takes no more until the process restarts/);
    await history.check();
    assert.deepEqual(await connection.read(), history.acknowledged);
    assert.deepEqual(heard, history.acknowledged);

    assert.equal(await server.stop("SIGTERM"), 0, server.stderr);
    await server.restart();
    await history.check();
    // The connection is back, and subscribed.
    await connection.read();
    assert.equal(await history.add(), undefined);
    await history.check();
    assert.deepEqual(await health(server), [200, "ok"]);
    await eventually(() => assert.equal(heard.at(-1), history.acknowledged.at(-1)));
    assert.doesNotMatch(server.stderr, /panicked/);
  });
}

test("a disk that is full all of a sudden is an error, and a restart has it all", { skip }, async (t) => {
  const { server, client, history } = await open();
  t.after(() => Promise.all([client.dispose(), server.dispose()]));
  for (let n = 0; n < 3; n++) assert.equal(await history.add(), undefined);
  faults().fail("write", ERRNO.ENOSPC, ".jnl");
  assert.equal(await history.add(), "actor.store_unavailable");
  faults().work();
  // Half a batch may be in the log, and only opening it anew tells.
  assert.equal(await history.add(), "actor.store_failed");
  assert.deepEqual(await health(server), [503, "store_failed"]);
  await server.kill();
  await server.restart();
  assert.equal(await history.add(), undefined);
  await history.check();
});

test("a disk that fails while memory is written out and merged loses nothing", { skip }, async (t) => {
  const { server, client, history } = await open();
  t.after(() => Promise.all([client.dispose(), server.dispose()]));
  for (let n = 0; n < 3; n++) assert.equal(await history.add(), undefined);
  faults().fail("write", ERRNO.ENOSPC, "/tables/");
  // Until the engine writes a table, which is after some tens of megabytes.
  let ended: string | undefined;
  for (let n = 0; n < 700 && ended === undefined; n++) ended = await history.add(130_000);
  t.diagnostic(`${history.acknowledged.length} lines, then ${ended}`);
  if (ended !== undefined) assert.equal(ended, "actor.store_failed");
  faults().work();
  await server.kill();
  await server.restart();
  await history.check();
  assert.equal(await history.add(), undefined);
  await history.check();
});

test("nothing is acknowledged while a sync takes its time, and no time limit loses it", {
  skip,
}, async (t) => {
  const { server, client, notebook } = await open();
  t.after(() => Promise.all([client.dispose(), server.dispose()]));
  const connection = notebook.connect();
  // What is said on a connection has an order.
  const history = new History(connection);
  t.after(() => faults().work());
  const heard: string[] = [];
  connection.on("added", (line) => heard.push(line));
  await connection.ready;
  assert.equal(await history.add(), undefined);
  await eventually(() => assert.equal(heard.length, 1));
  faults().hold(".jnl");
  let settled = 0;
  const adding = Array.from({ length: 5 }, () => history.add().finally(() => settled++));
  // Much longer than the notebook's `actionTimeout`.
  await delay(1_500);
  assert.deepEqual(await health(server), [200, "ok"]);
  assert.deepEqual([settled, heard.length], [0, 1]);
  faults().work();
  assert.deepEqual(await Promise.all(adding), Array(5).fill(undefined));
  await eventually(() => assert.equal(heard.length, 6));

  faults().hold(".jnl");
  const lost = history.add();
  await delay(200);
  await server.kill();
  assert.notEqual(await lost, undefined);
  faults().work();
  await server.restart();
  await history.check();
});

test("a start or an end on a disk whose syncs fail says so, and loses nothing", { skip }, async (t) => {
  const { server, client, notebook, history } = await open();
  t.after(() => Promise.all([client.dispose(), server.dispose()]));
  for (let n = 0; n < 3; n++) assert.equal(await history.add(), undefined);
  faults().fail("sync", ERRNO.EIO, server.dataDir);
  await notebook.nap();
  assert.equal(await server.stop("SIGTERM"), 0);
  await assert.rejects(server.restart(), /cannot be (used|opened).*(os error 5|Input\/output error)/s);
  assert.doesNotMatch(server.stderr, /panicked/);
  faults().work();
  await server.restart();
  await history.check();
});
