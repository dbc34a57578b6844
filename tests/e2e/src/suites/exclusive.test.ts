/** Exclusive calls: one at a time, in order, and never stuck. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/calls-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/calls-main.js") });
});
after(() => server.dispose());

const connectTo = () => createClient<typeof registry>(server.url);

test("exclusive calls lose no update where interleaved ones do", async () => {
  const client = connectTo();
  const unsafe = client.account.getOrCreate("unsafe");
  await Promise.all(Array.from({ length: 5 }, () => unsafe.addUnsafely(1)));
  assert.ok((await unsafe.addUnsafely(0)) < 5, "interleaved calls overlap");
  const safe = client.account.getOrCreate("safe");
  const connection = safe.connect();
  const calls = [
    ...Array.from({ length: 10 }, () => safe.add(1)),
    ...Array.from({ length: 10 }, () => connection.add(1)),
  ];
  const results = await Promise.all(calls);
  assert.deepEqual(
    results.toSorted((a, b) => a - b),
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  // Those of one connection in their order.
  const own = results.slice(10);
  assert.deepEqual(
    own,
    own.toSorted((a, b) => a - b),
  );
  await client.dispose();
});

test("a caller that gives up leaves the queue, and lets go of the lock", async () => {
  const client = connectTo();
  const handle = client.account.getOrCreate("given-up");
  const [first, second] = [new AbortController(), new AbortController()];
  const held = handle.action({ name: "hold", args: ["a"], signal: first.signal });
  await eventually(async () => assert.deepEqual(await handle.log(), ["+a"]));
  const waiting = handle.action({ name: "note", args: ["b"], signal: second.signal });
  const connection = handle.connect();
  const third = connection.note("c");
  second.abort();
  await assert.rejects(waiting, { group: "actor", code: "aborted" });
  assert.deepEqual(await handle.log(), ["+a"]);
  first.abort();
  await assert.rejects(held, { group: "actor", code: "aborted" });
  await third;
  assert.deepEqual(await handle.log(), ["+a", "-a", "c"]);
  await client.dispose();
});

test("a client that disconnects gives up what it called", async () => {
  const client = connectTo();
  const handle = client.account.getOrCreate("gone");
  const connection = handle.connect();
  const held = connection.hold("a");
  await eventually(async () => assert.deepEqual(await handle.log(), ["+a"]));
  const waiting = connection.note("b");
  const next = handle.note("c");
  await Promise.all([
    connection.dispose(),
    assert.rejects(held, { code: "connection_disposed" }),
    assert.rejects(waiting, { code: "connection_disposed" }),
  ]);
  await next;
  assert.deepEqual(await handle.log(), ["+a", "-a", "c"]);
  await client.dispose();
});

test("a call that takes too long loses its turn", async () => {
  const client = connectTo();
  const handle = client.account.getOrCreate("slow");
  const held = handle.hold("a");
  await eventually(async () => assert.deepEqual(await handle.log(), ["+a"]));
  const next = handle.note("b");
  await assert.rejects(held, { group: "actor", code: "action_timed_out" });
  await next;
  await client.dispose();
});

test("calls that go in a circle through an exclusive action are refused, with the circle", async () => {
  const client = connectTo();
  const one = client.peer.getOrCreate("one");
  for (const callee of [one, one.connect()]) {
    const refused = await callee.ask("two", "locked").then(
      () => assert.fail("it went round"),
      (error: unknown) => error as Error,
    );
    assert.match(
      refused.message,
      /`peer\/one\.ask` calls `peer\/two\.callBack` calls `peer\/one\.locked`; make it interleaved/,
    );
    // The circle is no circle where nobody has to wait.
    assert.equal(await callee.ask("two", "free"), "asked: free");
  }
  // Calls that only meet wait for each other.
  const answers = await Promise.all([one.ask("two", "free"), one.locked(), one.ask("three", "free")]);
  assert.deepEqual(answers, ["asked: free", "locked", "asked: free"]);
  await client.dispose();
});
