/** Errors that nobody handles: what becomes of them, and of the process. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/strays-registry.js";

const start = (role = "", env: Readonly<Record<string, string>> = {}) =>
  ServerProcess.start({ script: join(DIST, "server/strays-main.js"), env: { STRAYS: role, ...env } });

/** Bun does not say whose a rejection is. */
const isBun = process.env.GREENROOM_E2E_RUNTIME === "bun";

/** What an actor leaves behind, and what is logged about it. */
const REJECTIONS = [
  ["reject", "a rejection at once"],
  ["rejectLater", "a rejection after a while"],
  ["callNobody", "the actor does not exist"],
] as const;

async function throwEverywhere(server: ServerProcess): Promise<void> {
  const client = createClient<typeof registry>(server.url);
  await client.careless.getOrCreate("timer").throwInTimer();
  const abort = new AbortController();
  const listener = client.careless.getOrCreate("listener");
  const given = listener.action({ name: "throwInListener", args: [], signal: abort.signal });
  await eventually(async () => assert.ok(await listener.isListening()));
  abort.abort();
  await assert.rejects(given, { code: "aborted" });
}

test("what actors throw where nobody catches it is logged as theirs, and the process goes on", async () => {
  const server = await start();
  const { pid } = server;
  const client = createClient<typeof registry>(server.url);
  const other = client.careless.getOrCreate("other");
  await other.add();
  await throwEverywhere(server);
  await eventually(() => {
    assert.match(server.stderr, /an exception that nobody has caught.*key=timer.*an exception in a timer/);
    assert.match(
      server.stderr,
      /an exception that nobody has caught.*key=listener.*an exception in a listener/,
    );
  });
  assert.deepEqual([await other.add(), server.pid], [2, pid]);
  assert.equal(await client.careless.getOrCreate("timer").add(), 1);
  assert.equal(await server.stop("SIGTERM"), 0);
});

/** What else an actor can throw where nobody catches it. */
const THROWN = [
  ["throwInMicrotask", /an exception in a microtask/],
  ["throwInNextTick", /an exception in a tick/],
  ["failToConnect", /ECONNREFUSED/],
  ["throwInIterator", /an exception in an iterator/],
  ["overflowInTimer", /Maximum call stack size exceeded/],
] as const;

test("wherever an actor throws, the process goes on and knows whose it is", async (t) => {
  const server = await start();
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  const other = client.careless.getOrCreate("other");
  await other.add();
  for (const [action, text] of THROWN) {
    await client.careless.getOrCreate(action)[action]();
    const line = new RegExp(`an exception that nobody has caught.*key=${action} .*${text.source}`);
    await eventually(() => assert.match(server.stderr, line));
  }
  assert.equal(await other.add(), 2);
  assert.equal(await server.stop("SIGTERM"), 0);
});

test("what actions throw by asking for too much goes to their callers, and nobody else notices", async (t) => {
  const server = await start();
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  const handle = client.careless.getOrCreate("greedy");
  const masked = { group: "rivetkit", code: "internal_error" };
  await assert.rejects(handle.overflow(), masked);
  await assert.rejects(handle.allocate(), masked);
  await assert.rejects(async () => {
    for await (const _item of handle.throwInStream());
  }, masked);
  await handle.rejectInBackground();
  await eventually(() => {
    assert.match(server.stderr, /a hook failed.*hook=waitUntil.*a rejection in waitUntil/);
  });
  assert.equal(await handle.add(), 1);
  assert.doesNotMatch(server.stderr, /nobody has/);
});

test("an actor that ends the process is named", async () => {
  const server = await start();
  const { ended } = server;
  const client = createClient<typeof registry>(server.url);
  const given = client.careless.getOrCreate("impatient").exit();
  given.catch(() => {});
  assert.equal(await ended, 7);
  assert.match(server.stderr, /the actor has ended the process by .process.exit.*key=impatient.*code=7/);
  await client.dispose();
});

test("rejections that actors leave behind do not end the process on Bun either", {
  skip: !isBun,
}, async (t) => {
  const server = await start();
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  const other = client.careless.getOrCreate("other");
  await other.add();
  for (const [action, text] of REJECTIONS) {
    await client.careless.getOrCreate(action)[action]();
    const line = new RegExp(`a promise was rejected and nobody has handled it.*${text}`);
    await eventually(() => assert.match(server.stderr, line));
  }
  assert.equal(await other.add(), 2);
  assert.equal(await server.stop("SIGTERM"), 0);
});

test("rejections that actors leave behind are logged as theirs, too", { skip: isBun }, async () => {
  const server = await start();
  const client = createClient<typeof registry>(server.url);
  const other = client.careless.getOrCreate("other");
  await other.add();
  for (const [action, text] of REJECTIONS) {
    await client.careless.getOrCreate(action)[action]();
    const line = new RegExp(`a promise was rejected and nobody has handled it.*key=${action}.*${text}`);
    await eventually(() => assert.match(server.stderr, line));
  }
  assert.equal(await other.add(), 2);
  assert.equal(await server.stop("SIGTERM"), 0);
});

for (const [role, text] of [
  ["reject", "the program's own rejection"],
  ["throw", "the program's own exception"],
] as const) {
  test(`an error of the program itself ends it, as without us (${role})`, async () => {
    const server = await start(role);
    const { ended } = server;
    process.kill(server.pid ?? assert.fail("it runs"), "SIGUSR2");
    assert.equal(await ended, 1);
    assert.ok(server.stderr.includes(text), server.stderr);
  });
}

test("a program that listens to exceptions gets all of them", async () => {
  const server = await start("listen-exceptions");
  const client = createClient<typeof registry>(server.url);
  await throwEverywhere(server);
  if (!isBun) await client.careless.getOrCreate("a").reject();
  const texts = ["an exception in a timer", "an exception in a listener"];
  if (!isBun) texts.push("a rejection at once");
  await eventually(() => {
    for (const text of texts) assert.ok(server.stderr.includes(`the program heard: Error: ${text}`), text);
  });
  assert.doesNotMatch(server.stderr, /nobody has/);
});

test("a program that listens to rejections gets all of them", async () => {
  const server = await start("listen-rejections");
  const client = createClient<typeof registry>(server.url);
  await client.careless.getOrCreate("a").reject();
  await eventually(() => assert.match(server.stderr, /the program heard: Error: a rejection at once/));
  assert.doesNotMatch(server.stderr, /nobody has/);
  assert.equal(await client.careless.getOrCreate("a").add(), 1);
});

test("what the runtime is told about rejections holds", { skip: isBun }, async () => {
  const server = await start("", { NODE_OPTIONS: "--unhandled-rejections=throw" });
  const client = createClient<typeof registry>(server.url);
  await client.careless
    .getOrCreate("a")
    .reject()
    .catch(() => {});
  assert.equal(await server.ended, 1);
});
