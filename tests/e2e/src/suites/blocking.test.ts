/** Code that blocks the event loop: who is named, and what becomes of the others. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/isolation-registry.js";

const start = () => ServerProcess.start({ script: join(DIST, "server/isolation-main.js") });

/** Its calls are made once: one that blocks for ever would do so again, and before the next server has begun. */
function clientOf(t: TestContext, server: ServerProcess) {
  const client = createClient<typeof registry>({ endpoint: server.url, retryTimeout: 0 });
  t.after(() => client.dispose());
  return client;
}

/** The lines of the log that say something about a block, without what colours they may have. */
const blocksIn = (server: ServerProcess): string[] =>
  server.stderr.split("\n").filter((line) => /event loop/.test(line));

/** The value of a sample of `/metrics`. */
async function metric(server: ServerProcess, sample: string): Promise<number | undefined> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const line = text.split("\n").find((line) => line.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
}

test("whoever blocks the event loop is named in the log and in the metrics", async (t) => {
  const server = await start();
  const client = clientOf(t, server);
  const handle = client.blocker.getOrCreate(["a room", "1"]);
  const id = await handle.resolve();
  await handle.spin(900);
  await eventually(() => {
    // On a busy machine the start of the process may block as well.
    const spins = blocksIn(server).filter((line) => line.includes('action="spin"'));
    const [begin, end] = spins.filter((line) => !line.includes("still blocks"));
    for (const line of [begin, end]) {
      assert.match(line ?? "", /WARN .*an actor (blocks|has blocked) the event loop/);
      assert.match(line ?? "", /actor="blocker" key="a room\/1"/);
      assert.ok(line?.includes(`id="${id}"`), line);
      assert.match(line ?? "", /action="spin" blocked_ms=\d{3,}/);
    }
    assert.match(begin ?? "", /blocks the event loop/);
    assert.match(end ?? "", /has blocked the event loop: it is over/);
  });
  const labels = '{actor="blocker",action="spin"}';
  assert.equal(await metric(server, `greenroom_event_loop_blocks_total${labels}`), 1);
  const seconds = await metric(server, `greenroom_event_loop_blocked_seconds_total${labels}`);
  assert.ok(seconds !== undefined && seconds >= 0.5, `${seconds}`);
  assert.ok(((await metric(server, "greenroom_event_loop_lag_max_seconds")) ?? 0) >= 0.5);
  assert.ok(((await metric(server, "greenroom_event_loop_lag_seconds_count")) ?? 0) >= 1);
  assert.equal(await metric(server, "greenroom_event_loop_blocked_seconds"), 0);
});

/** What blocks, and as what it is named. */
const WAYS: readonly (readonly [
  what: string,
  block: (client: ReturnType<typeof clientOf>) => Promise<unknown>,
  line: RegExp,
])[] = [
  ["an action in a group", (c) => c.blocker.getOrCreate("x").group.spin(700), /action="group.spin"/],
  [
    "an action after an await",
    (c) => c.blocker.getOrCreate("x").spinAfterAwait(700),
    /probably an actor.*key="x".*action="spinAfterAwait"/,
  ],
  ["a flood of microtasks", (c) => c.blocker.getOrCreate("x").floodMicrotasks(700), /key="x"/],
  ["a timer of the actor", (c) => c.blocker.getOrCreate("x").spinInTimer(700), /action="setTimeout"/],
  [
    "a timer that the actor does not know of",
    (c) => c.blocker.getOrCreate("x").spinInForeignTimer(700),
    /a timer, a promise or a listener.*in_progress="blocker\/x/,
  ],
  ["onWake", (c) => c.blocker.getOrCreate("slow to wake").add(), /action="onWake"/],
  ["onStateChange", (c) => c.blocker.getOrCreate("slow to change").add(), /action="onStateChange"/],
  ["run", (c) => c.blocker.getOrCreate("slow to run").add(), /action="run"/],
  ["onRequest", (c) => c.blocker.getOrCreate("x").fetch("/"), /action="onRequest"/],
  [
    "createConnState",
    (c) => c.blocker.getOrCreate("x", { params: { spin: 700 } }).add(),
    /action="createConnState"/,
  ],
];

test("whatever blocks is named as what it is", async (t) => {
  const server = await start();
  const client = clientOf(t, server);
  await client.calm.getOrCreate("other").add();
  let seen = 0;
  for (const [what, block, line] of WAYS) {
    await t.test(what, async () => {
      await block(client);
      await eventually(() => {
        const lines = blocksIn(server).slice(seen);
        assert.match(lines.join("\n"), line);
        assert.match(lines.at(-1) ?? "", /it is over/);
      });
      seen = blocksIn(server).length;
    });
  }
});

test("an action that never returns is named, and the rest of the process says so", async (t) => {
  const server = await start();
  const client = clientOf(t, server);
  const other = client.calm.getOrCreate("other");
  await other.add();
  const connection = client.calm.getOrCreate("connected").connect();
  await connection.add();
  const stuck = assert.rejects(client.blocker.getOrCreate("stuck").spinForever(), {
    group: "actor",
    code: "action_timed_out",
  });
  await eventually(() => assert.match(blocksIn(server).join("\n"), /key="stuck".*action="spinForever"/));
  // What needs no JavaScript goes on.
  const health = (await (await fetch(`${server.url}/health`)).json()) as Record<string, unknown>;
  assert.equal(health.status, "ok");
  assert.ok(typeof health.blockedForMs === "number" && health.blockedForMs >= 100, JSON.stringify(health));
  const labels = '{actor="blocker",action="spinForever"}';
  assert.equal(await metric(server, `greenroom_event_loop_blocks_total${labels}`), 1);
  // Whoever waits for JavaScript is told, in whichever way it has asked.
  const timedOut = { group: "actor", code: "action_timed_out" };
  await Promise.all([
    stuck,
    assert.rejects(other.add(), timedOut),
    assert.rejects(connection.add(), timedOut),
  ]);
  await eventually(() => assert.match(server.stderr, /still blocks the event loop/));
});

test("what a blocked process has acknowledged is there after it was killed", async (t) => {
  const server = await start();
  const client = clientOf(t, server);
  const other = client.calm.getOrCreate("other");
  assert.equal(await other.add(), 1);
  void client.blocker
    .getOrCreate("stuck")
    .spinForever()
    .catch(() => {});
  await eventually(() => assert.match(server.stderr, /blocks the event loop/));
  await server.kill();
  await server.restart();
  assert.equal(await other.add(), 2);
});
