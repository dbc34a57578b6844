/** The rate limiter example: exact counts, over crashes too, and no way around it. */

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { isActorErrorCode } from "@greenroom/client";
import { setup } from "greenroom";
import { Hono } from "hono";
import { limiter } from "../../../../examples/rate-limiter/dist/limiter.js";
import { rateLimit } from "../../../../examples/rate-limiter/dist/middleware.js";
import type { registry } from "../../../../examples/rate-limiter/dist/registry.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { exampleScript } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

/** What the plan `hourly` of the example lets through. Within a test, no token of it comes back. */
const HOURLY = 20;

let server: ServerProcess;

before(async () => {
  server = await ServerProcess.start({ script: exampleScript("rate-limiter") });
});
after(() => server?.dispose());

const post = (key: string): Promise<Response> =>
  fetch(`${server.url}/api/export`, { method: "POST", headers: { "x-api-key": key } });

/** How many of so many requests at once get which answer. */
async function burst(count: number, send: () => Promise<Response>): Promise<Record<number, number>> {
  const statuses: Record<number, number> = {};
  const answers = await Promise.all(Array.from({ length: count }, send));
  for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
  await Promise.all(answers.map((answer) => answer.arrayBuffer()));
  return statuses;
}

test("of 200 requests at once exactly as many pass as there are tokens", async () => {
  assert.deepEqual(await burst(200, () => post("anna")), { 200: HOURLY, 429: 200 - HOURLY });
});

test("a refusal says which limit it was and when to come back", async () => {
  const refused = await post("anna");
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get("content-type"), "application/problem+json");
  assert.equal(refused.headers.get("ratelimit-policy"), '"hourly";q=20;w=3600');
  assert.match(refused.headers.get("ratelimit") ?? "", /^"hourly";r=0;t=3\d{3}$/);
  const retryAfter = Number(refused.headers.get("retry-after"));
  assert.ok(retryAfter > 0 && retryAfter <= 180, `a token comes every three minutes, not in ${retryAfter} s`);
  const body = (await refused.json()) as Record<string, unknown>;
  assert.equal(body.type, "https://iana.org/assignments/http-problem-types#quota-exceeded");
  assert.equal(body.status, 429);
  assert.deepEqual(body["violated-policies"], ["hourly"]);
});

test("what was let through stays counted when the server is killed", async () => {
  await server.kill();
  await server.restart();
  assert.deepEqual(await burst(30, () => post("anna")), { 429: 30 });
});

test("accounts and plans have buckets of their own, and answers tell what is left", async () => {
  const first = await post("bob");
  assert.equal(first.status, 200);
  assert.match(first.headers.get("ratelimit") ?? "", /^"hourly";r=19;t=\d+$/);
  const other = await fetch(`${server.url}/api/forecast`, { headers: { "x-api-key": "anna" } });
  assert.equal(other.status, 200);
  assert.equal(other.headers.get("ratelimit-policy"), '"burst";q=10;w=10');
});

test("names that nobody gave out are no way around: they count by address", async () => {
  let number = 0;
  const invented = () => post(`nobody-${number++}`);
  assert.deepEqual(await burst(60, invented), { 200: HOURLY, 429: 60 - HOURLY });
});

test("from outside a bucket can be watched, and nothing else", async (t) => {
  const client = createClient<typeof registry>(`${server.url}/api/greenroom`);
  t.after(() => client.dispose());
  const policy = { name: "hourly", limit: 1_000, window: 1 };
  const bucket = client.limiter.getOrCreate(["hourly", "bob"]);
  await assert.rejects(bucket.take(policy), (error) => isActorErrorCode(error, "auth", "forbidden"));
  await assert.rejects(client.limiter.getOrCreate(["hourly", "mallory"]).bucket(), (error) =>
    isActorErrorCode(error, "auth", "forbidden"),
  );
  const watching = bucket.connect();
  const told = new Promise<number>((resolve) => {
    watching.on("bucket", ({ level }) => resolve(level.tokens));
  });
  assert.ok(((await watching.bucket())?.level.tokens ?? 0) >= 19);
  await assert.rejects(watching.take(policy), (error) => isActorErrorCode(error, "user", "watch_only"));
  await assert.rejects(watching.forget(), (error) => isActorErrorCode(error, "user", "watch_only"));
  assert.equal((await post("bob")).status, 200);
  assert.equal(Math.floor(await told), 18);
});

/** The middleware in an app of its own, on a registry of its own. */
async function app(
  t: TestContext,
  options: { readonly dataDir?: string; readonly window?: number; readonly timeout?: number } = {},
) {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "greenroom-e2e-")));
  const own = setup({
    use: { limiter },
    dataDir,
    noWelcome: true,
    shutdown: { disableSignalHandlers: true },
  });
  t.after(async () => {
    await own.shutdown();
    await rm(dataDir, { recursive: true, force: true });
  });
  const client = own.client();
  const limit = {
    client,
    name: "n",
    limit: 3,
    window: options.window ?? 3_600_000,
    timeout: options.timeout ?? 60_000,
  };
  const hono = new Hono();
  const key = (c: { req: { header(name: string): string | undefined } }) => c.req.header("who") ?? "";
  hono.get("/allow", rateLimit({ ...limit, key }), (c) => c.text("in"));
  hono.get("/refuse", rateLimit({ ...limit, key, onFailure: "refuse" }), (c) => c.text("in"));
  return { client, get: async (path: string, who = "x") => hono.request(path, { headers: { who } }) };
}

test("names of any length and with any characters have a bucket each", async (t) => {
  const { get } = await app(t);
  const long = "ü".repeat(2_000);
  for (const who of [long, `${long.slice(1)}a`, "", "a,b", "a/b", "a%00b"]) {
    const statuses = await burst(4, () => get("/allow", encodeURIComponent(who)));
    assert.deepEqual(statuses, { 200: 3, 429: 1 }, `client ${who.slice(0, 10)}`);
  }
});

test("when the limiter gives no answer, requests are let through or refused, as was chosen", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-e2e-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const dataDir = join(folder, "file");
  await writeFile(dataDir, "no folder can be made here");
  t.mock.method(console, "error", () => {});
  const { get } = await app(t, { dataDir, timeout: 500 });
  const passed = await get("/allow");
  assert.equal(passed.status, 200);
  assert.equal(passed.headers.get("ratelimit"), null);
  const refused = await get("/refuse");
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.equal(((await refused.json()) as { title: string }).title, "The rate limiter gives no answer");
});

test("a bucket that has filled up again goes, and a client that comes back begins anew", async (t) => {
  const { client, get } = await app(t, { window: 200 });
  await (await get("/allow")).text();
  await eventually(async () => assert.deepEqual((await client.limiter.list()).actors, []));
  assert.equal((await get("/allow")).headers.get("ratelimit"), '"n";r=2;t=1');
});
