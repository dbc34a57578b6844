import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { actor, setup } from "../../dist/index.js";
import { toNextHandler } from "../../dist/mount/next.js";

const URL =
  "http://x/api/rivet/gateway/counter/action/add?rvt-namespace=default&rvt-method=getOrCreate&rvt-key=a&rvt-runner=default";

async function dataDir(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-next-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The route as it is after a change of the actors. */
function route(t: TestContext, dataDir: string, factor: number) {
  const counter = actor({
    state: { n: 0 },
    actions: { add: (c, by: number) => (c.state.n += factor * by) },
  });
  const shutdown = { disableSignalHandlers: true };
  const registry = setup({
    use: { counter },
    dataDir,
    noWelcome: true,
    logging: { level: "silent" },
    shutdown,
  });
  t.after(() => registry.shutdown());
  return toNextHandler(registry);
}

async function add({ POST }: ReturnType<typeof toNextHandler>): Promise<unknown> {
  const headers = { "x-rivet-encoding": "json" };
  return (await POST(new Request(URL, { method: "POST", headers, body: '{"args":[1]}' }))).json();
}

test("in development a changed registry follows the one before it, with its data", async (t) => {
  const mode = process.env.NODE_ENV;
  process.env.NODE_ENV = "development";
  t.after(() => {
    if (mode === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = mode;
  });
  const folder = await dataDir(t);
  const first = route(t, folder, 1);
  assert.deepEqual(await add(first), { output: 1 });
  const second = route(t, folder, 100);
  assert.deepEqual(await add(second), { output: 101 });
  assert.equal((await first.GET(new Request("http://x/api/rivet/metadata"))).status, 503);
});

test("every method is answered, and what is no registry is refused at once", async (t) => {
  const { HEAD, ...others } = route(t, await dataDir(t), 1);
  for (const [method, handle] of Object.entries(others)) {
    const response = await handle(new Request("http://x/api/rivet/nowhere", { method }));
    assert.equal(response.status, method === "OPTIONS" ? 200 : 404, method);
  }
  const health = await HEAD(new Request("http://x/api/rivet/health", { method: "HEAD" }));
  assert.deepEqual([health.status, await health.text()], [200, ""]);
  const other = { handler: () => Promise.reject(), shutdown: () => Promise.resolve() };
  assert.throws(() => toNextHandler(other), TypeError);
});
