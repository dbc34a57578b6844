/** Several threads in one process: who runs where, and what becomes of it when a thread is blocked or lost. */

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { build } from "esbuild";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST, ROOT } from "../harness/paths.js";
import { Program } from "../harness/program.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/workers-registry.js";

const isBun = process.env.GREENROOM_E2E_RUNTIME === "bun";

/** A server with so many threads, and a folder for what it leaves behind. */
async function start(t: TestContext, workers: number | string, env: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-workers-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const log = join(folder, "log");
  const server = await ServerProcess.start({
    script: join(DIST, "server/workers-main.js"),
    env: { GREENROOM_WORKERS: String(workers), WORKERS_LOG: log, WORKERS_FAIL: join(folder, "fail"), ...env },
  });
  const client = createClient<typeof registry>(server.url);
  const handle = (key: string) => client.placed.getOrCreate(key);
  const lines = async () => (await readFile(log, "utf8")).trim().split("\n");
  return { server, folder, client, handle, lines };
}

type Site = Awaited<ReturnType<typeof start>>;

/** A key on each thread, in the order of the threads: the main one first. */
async function oneOnEach({ handle }: Site, threads: number): Promise<string[]> {
  const found = new Map<number, string>();
  for (let n = 0; found.size < threads; n++) {
    const thread = await handle(`k${n}`).where();
    if (!found.has(thread)) found.set(thread, `k${n}`);
    assert.ok(n < 200, "they are not spread");
  }
  return [...found].sort(([a], [b]) => a - b).map(([, key]) => key);
}

async function threadsOf(server: ServerProcess): Promise<number> {
  const page = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^greenroom_js_threads (\d+)$/m.exec(page)?.[1]);
}

test("actors are dealt out to threads, and each stays where it is", async (t) => {
  const site = await start(t, 3);
  const keys = Array.from({ length: 40 }, (_, n) => `k${n}`);
  const where = () => Promise.all(keys.map((key) => site.handle(key).where()));
  const first = await where();
  assert.equal(new Set(first).size, 3);
  assert.ok(first.includes(0), "the main thread runs its share");
  assert.deepEqual(await where(), first);
  assert.equal(await threadsOf(site.server), 3);
  const loaded = (await site.lines()).filter((line) => line.startsWith("loaded on"));
  assert.equal(loaded.length, 3, "each has loaded the module that makes the registry, once");
  assert.equal(await site.server.stop("SIGTERM"), 0);
});

test("an actor has its events, queues and HTTP on any thread, and calls those on others", async (t) => {
  const site = await start(t, 2);
  const [main = "", other = ""] = await oneOnEach(site, 2);
  const threads = [await site.handle(main).where(), await site.handle(other).where()];
  for (const [from, to, thread] of [
    [main, other, threads[1]],
    [other, main, threads[0]],
    [other, "another", undefined],
  ] as const) {
    const found = await site.handle(from).whereIs(to);
    if (thread !== undefined) assert.equal(found, thread);
  }
  for (const [index, key] of [main, other].entries()) {
    const conn = site.handle(key).connect();
    const heard: number[] = [];
    conn.on("counted", (count) => heard.push(count));
    assert.equal(await conn.add(), 1);
    await site.handle(key).send("jobs", 10);
    await eventually(() => assert.deepEqual(heard, [1, 11]));
    assert.deepEqual(await (await site.handle(key).fetch("/")).json(), { thread: threads[index] });
    await conn.dispose();
  }
});

test("a blocked thread keeps nobody waiting on the others, and is named", async (t) => {
  const site = await start(t, 2);
  const keys = await oneOnEach(site, 2);
  for (const blocked of keys) {
    const free = keys.filter((key) => key !== blocked);
    const go = join(site.folder, `go-${blocked}`);
    const thread = await site.handle(blocked).where();
    const answer = site.handle(blocked).block(go);
    await eventually(() =>
      assert.match(site.server.stderr, new RegExp(`blocks.*key="?${blocked}"?.*action="?block.*thread=\\d`)),
    );
    // All of this is answered while the other does not return.
    for (const key of free) {
      for (let n = 1; n <= 20; n++) assert.ok(await site.handle(key).add());
    }
    const health = (await (await fetch(`${site.server.url}/health`)).json()) as { blockedForMs?: number };
    assert.ok(health.blockedForMs === undefined || health.blockedForMs > 0);
    await writeFile(go, "");
    assert.equal(await answer, thread);
  }
});

test("onAuth is asked on all threads, and keeps strangers out on each", async (t) => {
  const site = await start(t, 2);
  const stranger = createClient<typeof registry>({ endpoint: site.server.url, token: "wrong" });
  const keys = await oneOnEach(site, 2);
  for (const key of keys) {
    for (let n = 0; n < 4; n++)
      await assert.rejects(stranger.placed.getOrCreate(key).add(), { code: "unauthorized" });
    assert.equal(await site.handle(key).count(), 0);
  }
  const asked = (await site.lines()).filter((line) => line.startsWith("asked on"));
  assert.equal(new Set(asked).size, 2);
});

test("what was acknowledged on any thread survives kill -9", async (t) => {
  const site = await start(t, 3);
  const keys = Array.from({ length: 12 }, (_, n) => `k${n}`);
  const acknowledged = new Map<string, number>();
  let isOver = false;
  const count = async (key: string) => {
    while (!isOver) acknowledged.set(key, await site.handle(key).add());
  };
  const all = keys.map(count);
  await eventually(() => assert.ok(keys.every((key) => (acknowledged.get(key) ?? 0) >= 20)));
  isOver = true;
  await site.server.kill();
  const before = new Map(acknowledged);
  await site.server.restart();
  // Calls that were under way are made again, and run once.
  await Promise.allSettled(all);
  for (const key of keys) {
    const found = await site.handle(key).count();
    const least = before.get(key) ?? 0;
    assert.ok(found >= least && found <= least + 1, `${key}: ${found} after ${least}`);
  }
});

for (const how of ["exit", "memory", "error"] as const) {
  const skip = isBun && how === "memory" && "Bun ends the process when its memory is full";
  test(`a thread that is lost (${how}) starts again, with its actors as they were acknowledged`, {
    skip,
  }, async (t) => {
    const env: Record<string, string> = how === "memory" ? { NODE_OPTIONS: "--max-old-space-size=96" } : {};
    const site = await start(t, 2, env);
    const { pid } = site.server;
    const [main = "", other = ""] = await oneOnEach(site, 2);
    const conn = site.handle(other).connect();
    const heard: number[] = [];
    conn.on("counted", (count) => heard.push(count));
    for (let n = 1; n <= 5; n++) assert.equal(await conn.add(), n);
    assert.deepEqual([await site.handle(main).life(), await site.handle(other).life()], [1, 1]);
    await site
      .handle(other)
      .die(how)
      .then(
        (answer) => assert.equal(answer, "alive", "it was asked again"),
        ({ code }: { code: string }) => assert.ok(["call_interrupted", "restarting"].includes(code), code),
      );
    // It wakes anew, and the other one was never away.
    assert.equal(await site.handle(other).count(), 5);
    assert.deepEqual([await site.handle(main).life(), await site.handle(other).life()], [2, 1]);
    assert.notEqual(await site.handle(other).where(), await site.handle(main).where());
    // Whoever is connected hears of what happens next.
    assert.equal(await site.handle(other).add(), 6);
    await eventually(() => assert.equal(heard.at(-1), 6));
    assert.equal(await threadsOf(site.server), 2);
    assert.equal(site.server.pid, pid);
    assert.match(site.server.stderr, /a worker thread was lost with the actors on it/);
    assert.equal(await site.server.stop("SIGTERM"), 0);
  });
}

test("nothing that was acknowledged is lost, and nothing runs twice, when threads die under load", async (t) => {
  const site = await start(t, 3);
  const keys = Array.from({ length: 12 }, (_, n) => `k${n}`);
  const places = await Promise.all(keys.map((key) => site.handle(key).where()));
  // None of these calls is repeated, so each runs at most once.
  const once = createClient<typeof registry>({ endpoint: site.server.url, retryTimeout: 0 });
  const models = keys.map(() => ({ acknowledged: 0, open: 0 }));
  let isOver = false;
  const work = keys.map(async (key, at) => {
    const model = models[at] ?? assert.fail("there is one for each");
    const handles = [site.handle(key), once.placed.getOrCreate(key)];
    for (let turn = 0; !isOver; turn++) {
      // One that is repeated for as long as it takes, and one that is not: its outcome may stay open.
      const isRepeated = turn % 2 === 0;
      const count = await handles[turn % 2]?.add().catch(({ code }: { code: string }) => {
        assert.ok(!isRepeated && ["restarting", "call_interrupted"].includes(code), code);
      });
      if (count === undefined) model.open++;
      else {
        assert.ok(count > model.acknowledged, `${key}: ${count} after ${model.acknowledged}`);
        assert.ok(
          count <= model.acknowledged + model.open + 1,
          `${key}: ${count} after ${model.acknowledged}`,
        );
        model.open -= count - model.acknowledged - 1;
        model.acknowledged = count;
      }
    }
  });
  const worked = Promise.all(work);
  const acknowledged = () => models.map((model) => model.acknowledged);
  const threads = new Set(places.filter((place) => place !== places[0]));
  const file = join(site.folder, "exit");
  const victims = keys.filter((_, at) => threads.has(places[at] ?? -1) && (places[at] ?? 0) > 0);
  for (let death = 0; death < 5; death++) {
    const before = acknowledged();
    await writeFile(file, "");
    const victim = victims[death % victims.length] ?? assert.fail("there are threads beside the first");
    assert.equal(await site.handle(victim).exitOnce(file), "alive", "it was asked again");
    // Every one of them goes on before the next death.
    await Promise.race([
      worked,
      eventually(() => assert.ok(acknowledged().every((count, at) => count > (before[at] ?? 0) + 2)), {
        within: 60_000,
      }),
    ]);
  }
  isOver = true;
  await worked;
  for (const [at, key] of keys.entries()) {
    const { acknowledged, open } = models[at] ?? assert.fail("there is one for each");
    const found = await site.handle(key).count();
    assert.ok(
      found >= acknowledged && found <= acknowledged + open,
      `${key}: ${found} after ${acknowledged}`,
    );
  }
  assert.equal(site.server.stderr.match(/a worker thread was lost/g)?.length, 5);
  assert.equal(await site.server.stop("SIGTERM"), 0);
});

test("a thread that never returns is not ended, and does not keep the process from ending", async (t) => {
  const site = await start(t, 2, { WORKERS_GRACE: "500" });
  const [main = "", other = ""] = await oneOnEach(site, 2);
  const lost = site
    .handle(other)
    .block(join(site.folder, "never"))
    .catch(() => {});
  await eventually(() => assert.match(site.server.stderr, new RegExp(`blocks.*key="?${other}"?.*thread=1`)));
  await eventually(async () => {
    const health = (await (await fetch(`${site.server.url}/health`)).json()) as { blockedForMs?: number };
    assert.ok((health.blockedForMs ?? 0) > 0, JSON.stringify(health));
  });
  assert.ok(await site.handle(main).add());
  assert.equal(await threadsOf(site.server), 2);
  assert.doesNotMatch(site.server.stderr, /a worker thread was lost/);
  const client = site.client.dispose();
  assert.equal(await site.server.stop("SIGTERM"), 0, site.server.stderr);
  await Promise.all([client, lost]);
});

test("a thread that cannot be ended goes with the process", { skip: !isBun }, async (t) => {
  const site = await start(t, 2, { WORKERS_GRACE: "500" });
  const [main = "", other = ""] = await oneOnEach(site, 2);
  const lost = site
    .handle(other)
    .blockOutside()
    .catch(() => {});
  await eventually(() => assert.match(site.server.stderr, new RegExp(`blocks.*key="?${other}"?.*thread=1`)));
  assert.ok(await site.handle(main).add());
  const client = site.client.dispose();
  assert.equal(await site.server.stop("SIGTERM"), 0, site.server.stderr);
  assert.match(site.server.stderr, /a worker thread does not end; it goes with the process.*thread=1/);
  await Promise.all([client, lost]);
});

test("a shutdown ends a thread that is being loaded, and one that waits to be", async (t) => {
  for (const trouble of ["WORKERS_HANG", "WORKERS_FAIL"]) {
    const folder = await mkdtemp(join(tmpdir(), "greenroom-workers-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "trouble");
    const site = await start(t, 2, { [trouble]: file, WORKERS_GRACE: "500" });
    const [main = "", other = ""] = await oneOnEach(site, 2);
    assert.equal(await site.handle(other).add(), 1);
    await writeFile(file, "");
    const lost = site
      .handle(other)
      .die("exit")
      .catch(() => {});
    await eventually(async () => {
      const seen = trouble === "WORKERS_HANG" ? (await site.lines()).join("\n") : site.server.stderr;
      assert.match(seen, /hangs on|cannot be started again/);
    });
    assert.equal(await site.handle(main).add(), 1);
    const client = site.client.dispose();
    assert.equal(await site.server.stop("SIGTERM"), 0, site.server.stderr);
    await Promise.all([client, lost]);
    await rm(file);
    await site.server.restart();
    const again = createClient<typeof registry>(site.server.url);
    assert.equal(await again.placed.getOrCreate(other).count(), 1);
    await again.dispose();
  }
});

test("a thread that cannot be loaded again is tried until it can", async (t) => {
  const site = await start(t, 2);
  const [main = "", other = ""] = await oneOnEach(site, 2);
  assert.equal(await site.handle(other).add(), 1);
  const fail = join(site.folder, "fail");
  await writeFile(fail, "");
  const lost = site
    .handle(other)
    .die("exit")
    .catch(() => {});
  await eventually(() => assert.match(site.server.stderr, /cannot be started again.*does not load here/s));
  assert.equal(await threadsOf(site.server), 1);
  assert.equal(await site.handle(main).add(), 1);
  // Called while nobody is there to run it: whoever does not want to wait hears of it.
  const hurried = createClient<typeof registry>({ endpoint: site.server.url, retryTimeout: 0 });
  await assert.rejects(hurried.placed.getOrCreate(other).count(), { code: "restarting" });
  const waiting = site.handle(other).count();
  await rm(fail);
  assert.equal(await waiting, 1);
  await lost;
  assert.equal(await threadsOf(site.server), 2);
});

test("an error that nobody handles is its actor's on any thread, and ends nothing", async (t) => {
  const site = await start(t, 2);
  const keys = await oneOnEach(site, 2);
  for (const key of keys) await site.handle(key).rejectLater();
  await eventually(() =>
    assert.equal(site.server.stderr.match(/nobody has handled it.*nobody handles this/g)?.length, 2),
  );
  if (!isBun)
    for (const key of keys) assert.match(site.server.stderr, new RegExp(`nobody has handled it.*key=${key}`));
  for (const key of keys) assert.equal(await site.handle(key).life(), 1);
  assert.equal(await threadsOf(site.server), 2);
});

for (const way of ["a signal", "shutdown() on a worker thread"]) {
  test(`all actors go to sleep by ${way}, whichever thread they are on`, async (t) => {
    const site = await start(t, 3);
    const keys = Array.from({ length: 9 }, (_, n) => `k${n}`);
    await Promise.all(keys.map((key) => site.handle(key).add()));
    const onWorker = (await oneOnEach(site, 3))[2] ?? "";
    if (way === "a signal") assert.equal(await site.server.stop("SIGTERM"), 0);
    else {
      const { ended } = site.server;
      await site.handle(onWorker).shutdown();
      assert.equal(await ended, 0);
    }
    const asleep = (await site.lines()).filter((line) => line.endsWith(" sleeps"));
    assert.ok(
      keys.every((key) => asleep.includes(`${key} sleeps`)),
      asleep.join(),
    );
    await site.server.restart();
    for (const key of keys) assert.equal(await site.handle(key).count(), 1);
  });
}

test("a registry that is mounted in a server of the program's own has threads, too", async (t) => {
  const site = await start(t, 2, { GREENROOM_E2E_MOUNTED: "1" });
  const [main = "", other = ""] = await oneOnEach(site, 2);
  assert.equal(await site.handle(main).whereIs(other), await site.handle(other).where());
});

test("a program in one file starts once, and what follows the start is for the main thread", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-workers-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const program = new Program(join(DIST, "server/workers-alone.js"), { env: { GREENROOM_DATA_DIR: folder } });
  const { code, stdout, stderr } = await program.ended;
  assert.equal(code, 0, stderr);
  assert.equal(stdout.match(/^loaded on/gm)?.length, 3);
  assert.deepEqual(stdout.match(/^(?:started|threads|ended).*?\d/gm), [
    "started on 0",
    "threads 3",
    "ended on 0",
  ]);
});

for (const [role, expected] of [
  [
    "throws",
    /worker threads cannot load the registry from .*workers-wrong\.js: this module is for one thread; what only/,
  ],
  ["exits", /it has ended with code 5 while it was loaded/],
  ["late", /it has not made the registry/],
  ["others", /lacks the actors quiet/],
  [
    "nowhere",
    /called from a text of the program: name it with setup\(\{ workers: \{ count, module: import\.meta\.url \} \}\)/,
  ],
  ["missing", /none\.js/],
] as const) {
  test(`a registry that other threads cannot have (${role}) does not start, and says why`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "greenroom-workers-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const env = { GREENROOM_DATA_DIR: folder, WORKERS_ROLE: role };
    const { code, stdout, stderr } = await new Program(join(DIST, "server/workers-wrong.js"), { env }).ended;
    assert.equal(code, 0, stdout + stderr);
    const error = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { code: string; message: string };
    assert.equal(error.code, "worker_failed");
    assert.match(error.message, expected);
  });
}

test("a registry in a bundle, where threads would run the program instead, does not start, and says why", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-workers-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await build({
    entryPoints: [join(DIST, "server/workers-wrong.js")],
    outfile: join(folder, "main.js"),
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["@greenroom/native"],
    logLevel: "silent",
  });
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  await mkdir(join(folder, "node_modules/@greenroom"), { recursive: true });
  await symlink(join(ROOT, "packages/native"), join(folder, "node_modules/@greenroom/native"), "dir");
  const program = new Program(join(folder, "main.js"), { env: { GREENROOM_DATA_DIR: join(folder, "data") } });
  const { code, stdout, stderr } = await program.ended;
  assert.equal(code, 0, stdout + stderr);
  const error = JSON.parse(stdout) as { code: string; message: string };
  assert.equal(error.code, "worker_failed");
  assert.match(
    error.message,
    /main\.js: greenroom is bundled with the program, .*keep the package greenroom out of/,
  );
});
