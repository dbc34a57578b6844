/** The package against the real native core, over real sockets. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createClient } from "../../dist/client.js";
import { actor, setup, UserError } from "../../dist/index.js";
import { checkVersion } from "../../dist/registry/server.js";

const dataDir = mkdtempSync(join(tmpdir(), "greenroom-serve-"));
after(() => rmSync(dataDir, { recursive: true, force: true }));

const tally = actor({
  createState: (_c, input: { start: number } | undefined) => ({ n: input?.start ?? 0, wakes: 0 }),
  onWake: (c) => {
    c.state.wakes++;
  },
  actions: {
    add(c, by: number) {
      c.state.n += by;
      c.broadcast("n", c.state.n);
      return c.state.n;
    },
    async addLater(c, by: number) {
      await null;
      c.state.n += by;
      return c.state.n;
    },
    read: (c) => ({ ...c.state }),
    refuse: () => {
      throw new UserError("no", { code: "refused", metadata: { why: 5n } });
    },
    nap: (c) => c.sleep(),
    end: (c) => c.destroy(),
    async viaOther(c, by: number): Promise<number> {
      return c.client<typeof registry>().tally.getOrCreate("other").add(by);
    },
    async stored(c) {
      c.state.n++;
      await c.saveState({ immediate: true });
      return c.state.n;
    },
  },
});
const config = { use: { tally }, port: 0, dataDir, noWelcome: true, logging: { level: "silent" } } as const;
let registry = setup(config);
let client: ReturnType<typeof createClient<typeof registry>>;

test("a core of another version is refused by name", () => {
  assert.throws(() => checkVersion("9.8.7"), {
    code: "native_unusable",
    message: /greenroom .* does not fit the native core 9.8.7.*same version of both/,
  });
});

test("options that are given to start are not dropped silently", async () => {
  const other = setup({ ...config, dataDir: join(dataDir, "other") });
  const start: (options?: object) => PromiseLike<unknown> = other.start.bind(other);
  await assert.rejects(
    async () => start({ port: 1 }),
    /start\(\) takes no options: .*listen\({ port, host }\)/,
  );
  // Nothing has begun by that.
  await other.start();
  await other.shutdown();
});

before(async () => {
  const started = registry.start();
  assert.equal(registry.start(), started);
  client = createClient<typeof registry>((await started).url);
});
after(async () => {
  await client.dispose();
  await registry.shutdown();
});

test("actions over HTTP, with input, errors, and from actor to actor", async () => {
  const handle = client.tally.getOrCreate("http", { createWithInput: { start: 5 } });
  assert.equal(await handle.add(1), 6);
  assert.equal(await handle.addLater(2), 8);
  assert.equal(await handle.stored(), 9);
  await assert.rejects(handle.refuse(), { group: "user", code: "refused", metadata: { why: 5n } });
  assert.equal(await handle.viaOther(3), 3);
});

test("actions and events over a connection", async () => {
  const conn = client.tally.getOrCreate("socket").connect();
  const heard = new Promise<number>((resolve) => conn.on("n", resolve));
  assert.equal(await conn.add(4), 4);
  assert.equal(await heard, 4);
  await assert.rejects(conn.refuse(), { code: "refused" });
  await conn.dispose();
});

test("sleep keeps the state, destroy ends it", async () => {
  const handle = client.tally.getOrCreate("sleeper");
  await handle.add(7);
  await handle.nap();
  assert.deepEqual(await handle.read(), { n: 7, wakes: 2 });
  await handle.end();
  assert.deepEqual(await handle.read(), { n: 0, wakes: 1 });
});

test("a restart on the same data keeps the state; the data are locked meanwhile", async () => {
  await client.tally.getOrCreate("kept").add(11);
  const second = setup(config);
  await assert.rejects(Promise.resolve(second.start()), { code: "store_locked" });
  await second.shutdown();
  await client.dispose();
  await registry.shutdown();
  await assert.rejects(fetch((await registry.start()).url));
  registry = setup(config);
  client = createClient<typeof registry>((await registry.start()).url);
  assert.deepEqual(await client.tally.getOrCreate("kept").read(), { n: 11, wakes: 2 });
});

/** Runs a program that uses the package, and gives its exit status and what it printed. */
async function run(program: string, onOutput: (kill: (signal: "SIGTERM") => void) => void = () => {}) {
  const entry = fileURLToPath(new URL("../../dist/index.js", import.meta.url));
  const code = `import { actor, setup } from ${JSON.stringify(entry)};
    const dataDir = process.env.DATA_DIR;
    const tally = actor({ state: { n: 0 }, actions: { add: (c) => ++c.state.n } });
    ${program}`;
  const env = { ...process.env, DATA_DIR: mkdtempSync(join(dataDir, "run-")) };
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code], { env });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    onOutput((signal) => void child.kill(signal));
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [status, signal] = await once(child, "close");
  return { status, signal, output, errors };
}

test("after a shutdown the process ends by itself", async () => {
  const { status, errors } = await run(`
    const registry = setup({ use: { tally }, dataDir, port: 0, noWelcome: true });
    const { url } = await registry.start();
    await (await fetch(url + "/metadata")).json();
    await registry.shutdown();
  `);
  assert.equal(errors, "");
  assert.equal(status, 0);
});

test("a signal shuts down and exits with status 0", async () => {
  const { status, output } = await run(`setup({ use: { tally }, dataDir, port: 0 }).start();`, (kill) =>
    kill("SIGTERM"),
  );
  assert.match(output, /listens on http:\/\/127\.0\.0\.1:\d+/);
  assert.equal(status, 0);
});

test("a failed start that nobody asks about explains itself and exits with status 1", async () => {
  const { status, output, errors } = await run(`
    const first = setup({ use: { tally }, dataDir, port: 0, noWelcome: true });
    await first.start();
    setup({ use: { tally }, dataDir, port: 0 }).start();
  `);
  assert.equal(output, "");
  assert.equal(status, 1);
  assert.equal(errors.trim().split("\n").length, 1, errors);
});

test("a signal that comes while the registry shuts down for another reason is not lost", async () => {
  // The loop is kept busy from the signal to the end of the shutdown, so that it is heard of only afterwards.
  const { status, signal, errors } = await run(`
    import { forgetSignals, stopOnSignal } from ${JSON.stringify(new URL("../../dist/registry/signals.js", import.meta.url))};
    const registry = { gracePeriodMs: 1_000, shutdown: async () => {} };
    stopOnSignal(registry);
    process.kill(process.pid, "SIGTERM");
    forgetSignals(registry);
    setTimeout(() => {}, 20_000);
  `);
  assert.deepEqual({ status, signal, errors }, { status: null, signal: "SIGTERM", errors: "" });
});

test("after a shutdown those who listen to signals themselves decide", async () => {
  const { status, output } = await run(`
    process.on("SIGTERM", () => {
      console.log("heard");
      process.exit(7);
    });
    const registry = setup({ use: { tally }, dataDir, port: 0, noWelcome: true });
    await registry.start();
    await registry.shutdown();
    setTimeout(() => {}, 20_000);
    process.kill(process.pid, "SIGTERM");
  `);
  assert.deepEqual({ status, output }, { status: 7, output: "heard\n" });
});
