/** Real disks that are full, read-only or gone, and a process that may open no more files. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { History } from "../disk/history.js";
import { SmallDisk } from "../disk/small-disk.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { DiskRegistry } from "../server/disk-main.js";

const script = join(DIST, "server/disk-main.js");
const MIB = 1024 * 1024;
/** More than the reserve (128 MiB) that the store keeps for itself. */
const SIZE = 200;

/** A server on `dataDir`, or on a directory of its own, and the history of one of its notebooks. */
async function open(t: TestContext, dataDir?: string) {
  const server = await ServerProcess.start({ script, ...(dataDir === undefined ? {} : { dataDir }) });
  const client = createClient<DiskRegistry>(server.url);
  const notebook = client.notebook.getOrCreate("a");
  t.after(() => Promise.all([client.dispose(), server.dispose()]));
  return { server, client, notebook, history: new History(notebook) };
}

/** A small disk, or the reason why there is none, for which the test is skipped. */
function smallDisk(t: TestContext): SmallDisk | undefined {
  const disk = SmallDisk.mount(SIZE);
  if (typeof disk === "string") {
    t.skip(disk);
    return undefined;
  }
  return disk;
}

const health = async (server: ServerProcess) => (await fetch(`${server.url}/health`)).status;

test("a full disk is an error to writers and to nobody else, and room is all that it takes", async (t) => {
  const disk = smallDisk(t);
  if (disk === undefined) return;
  const { server, client, notebook, history } = await open(t, join(disk.path, "data"));
  t.after(() => disk.unmount());
  const connection = notebook.connect();
  const heard: string[] = [];
  connection.on("added", (line) => heard.push(line));
  await connection.ready;
  let closed = 0;
  connection.onClose(() => closed++);
  // First less than the reserve, then nothing at all.
  for (const left of [100 * MIB, 0]) {
    for (let n = 0; n < 3; n++) assert.equal(await history.add(), undefined);
    disk.fill(left);
    for (let n = 0; n < 3; n++) assert.equal(await history.add(), "actor.store_unavailable");
    await assert.rejects(client.notebook.getOrCreate("new").add("x"), { code: "store_unavailable" });
    await history.check();
    assert.deepEqual(await connection.read(), history.acknowledged);
    assert.equal(await health(server), 200);
    disk.clear();
  }
  assert.equal(await history.add(), undefined);
  await history.check();
  await eventually(() => assert.deepEqual(heard, history.acknowledged));
  assert.equal(closed, 0, "the connection stayed");
  // Full while it ends, and while it starts.
  disk.fill(0);
  await notebook.nap();
  assert.equal(await server.stop("SIGTERM"), 0, server.stderr);
  // What a start writes may still fit into what the log has.
  const refused = await server.restart().then(
    () => undefined,
    (error: Error) => error.message,
  );
  if (refused === undefined) {
    await history.check();
    assert.equal(await history.add(), "actor.store_unavailable");
  } else {
    assert.match(refused, /is full: .*make room and start again, nothing is lost/s);
    disk.clear();
    await server.restart();
  }
  const empty = ServerProcess.start({ script, dataDir: join(disk.path, "other") });
  if (refused === undefined) await assert.rejects(empty, /is full: .*make room and start again/s);
  else await (await empty).dispose();
  disk.clear();
  await history.check();
  // Killed while it is full.
  disk.fill(100 * MIB);
  assert.equal(await history.add(), "actor.store_unavailable");
  await server.kill();
  await server.restart();
  await history.check();
  assert.equal(await history.add(), "actor.store_unavailable");
  disk.clear();
  assert.equal(await history.add(), undefined);
  await history.check();
  assert.doesNotMatch(server.stderr, /panicked/);
});

test("a read-only disk is refused at the start with the reason", async (t) => {
  const disk = smallDisk(t);
  if (disk === undefined) return;
  const { server, history } = await open(t, join(disk.path, "data"));
  t.after(() => disk.unmount());
  assert.equal(await history.add(), undefined);
  await server.stop();
  disk.remount("ro");
  await assert.rejects(server.restart(), /cannot be used: .*Read-only file system/s);
  disk.remount("rw");
  await server.restart();
  await history.check();
  assert.equal(await history.add(), undefined);
});

test("when the data directory goes, writing stops, and what is put back is complete", async (t) => {
  const { server, history } = await open(t);
  for (let n = 0; n < 3; n++) assert.equal(await history.add(), undefined);
  const db = join(server.dataDir, "db");
  await rename(db, `${db}.aside`);
  assert.equal(await history.add(), "actor.store_failed");
  assert.equal(await health(server), 503);
  assert.match(server.stderr, /the data directory is gone/);
  await history.check();
  await rename(`${db}.aside`, db);
  assert.equal(await history.add(), "actor.store_failed");
  assert.equal(await server.stop("SIGTERM"), 0, server.stderr);
  await server.restart();
  await history.check();
  assert.equal(await history.add(), undefined);
  // Gone for good: nothing more is acknowledged.
  await rm(server.dataDir, { recursive: true });
  assert.equal(await history.add(), "actor.store_failed");
  assert.doesNotMatch(server.stderr, /panicked/);
});

test("a process that may open no more files goes on with those that it has", async (t) => {
  if (process.platform !== "linux") return t.skip("prlimit is for Linux");
  const { server, client, notebook, history } = await open(t);
  const connection = notebook.connect();
  await connection.ready;
  assert.equal(await history.add(), undefined);
  const limit = (files: string) =>
    execFileSync("prlimit", ["--pid", String(server.pid), `--nofile=${files}`], { stdio: "pipe" });
  limit("40:");
  const others = Array.from({ length: 40 }, (_, i) => client.notebook.getOrCreate(`other ${i}`).connect());
  await eventually(() => assert.match(server.stderr, /cannot accept connections/), { within: 20_000 });
  assert.ok((await connection.add("line within")) > 1);
  assert.ok((await connection.read()).includes("line within"));
  await Promise.all(others.map((other) => other.dispose()));
  limit("1024:");
  await eventually(async () => assert.equal(await health(server), 200));
  await server.kill();
  await server.restart();
  assert.deepEqual(await notebook.read(), ["line 0", "line within"]);
  assert.doesNotMatch(server.stderr, /panicked/);
});
