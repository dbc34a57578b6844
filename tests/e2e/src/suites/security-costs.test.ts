/** What somebody who is not let in, or lets themselves in often, can cost a server, and what bounds it. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { send } from "../bad-input/raw-http.js";
import { TestSocket } from "../bad-input/ws-client.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/security-registry.js";

const SCRIPT = join(DIST, "server/security-main.js");
const TOKEN = "the-token-of-this-suite";

const of = (key: string, path: string, more = ""): string =>
  `/gateway/target${path}?rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=${key}${more}`;

async function codeOf(
  server: ServerProcess,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const answer = await send(server.port, { path, headers, body: '{"args":[]}' });
  if (answer.status === 200) return "200";
  const { group, code } = JSON.parse(answer.body.toString()) as { group: string; code: string };
  return `${answer.status} ${group}.${code}`;
}

const LIMITED = "429 guard.rate_limit";

test("the header in which proxies write addresses is not believed by default: nobody escapes a limit by it", async (t) => {
  const server = await ServerProcess.start({ script: SCRIPT, env: { TEST_LIMITS: "1" } });
  t.after(() => server.dispose());
  const outcomes: string[] = [];
  for (let i = 0; i < 30; i++) {
    const forged = {
      "x-forwarded-for": `10.0.0.${i}`,
      forwarded: `for=10.0.0.${i}`,
      "x-real-ip": `10.0.0.${i}`,
    };
    outcomes.push(await codeOf(server, of("k", "/action/hit"), forged));
  }
  const passed = outcomes.filter((outcome) => outcome === "200").length;
  // One comes back every three seconds.
  assert.ok(passed >= 20 && passed < 30, `${passed} passed`);
  assert.equal(outcomes.at(-1), LIMITED);
});

test("a flood of new keys creates no more actors than the address may, and the others stay within reach", async (t) => {
  const server = await ServerProcess.start({ script: SCRIPT, env: { TEST_LIMITS: "1" } });
  t.after(() => server.dispose());
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, (_, i) => codeOf(server, of(`n${i}`, "/action/hit"))),
  );
  const client = createClient<typeof registry>(server.url);
  const { actors } = await client.target.list({ limit: 1000 });
  assert.ok(actors.length >= 5 && actors.length < 20, `${actors.length} were created`);
  assert.equal(outcomes.filter((outcome) => outcome === "200").length, actors.length);
  assert.equal(outcomes.filter((outcome) => outcome === LIMITED).length, 60 - actors.length);
  const [known] = actors;
  assert.equal(await client.target.get([...(known?.key ?? [])]).hits(), 1);
});

test("an address has no more connections than it may, whatever their kind, until some of them end", async (t) => {
  const server = await ServerProcess.start({ script: SCRIPT, env: { TEST_LIMITS: "1" } });
  t.after(() => server.dispose());
  const open = (path: string, key: string) =>
    TestSocket.open(server.port, of(key, path), ["rivet", "rivet_encoding.json"]);
  const connection = await open("/connect", "a");
  await connection.next();
  const raw = await open("/websocket/x", "b");
  raw.send("hello");
  await raw.next();
  const third = await open("/connect", "c");
  assert.deepEqual(await third.ended, { code: 1011, reason: "guard.rate_limit" });
  const stream = await send(server.port, { method: "GET", path: of("d", "/sse") });
  assert.equal(stream.status, 429);
  raw.close();
  await eventually(async () => {
    const again = await open("/connect", "a");
    assert.match(String(await again.next()), /Init/);
    again.close();
  });
});

test("an onAuth that hangs costs each caller its time and nobody else anything", async (t) => {
  const server = await ServerProcess.start({ script: SCRIPT, env: { TEST_AUTH_TOKEN: TOKEN } });
  t.after(() => server.dispose());
  const hanging = Array.from({ length: 200 }, () =>
    codeOf(server, of("k", "/action/hit", "&rvt-token=hang")),
  );
  assert.equal(await codeOf(server, of("k", "/action/hit"), { "x-rivet-token": TOKEN }), "200");
  assert.deepEqual(new Set(await Promise.all(hanging)), new Set(["500 rivetkit.internal_error"]));
});

test("parameters, inputs and bodies that are too large are refused before anybody is asked", async (t) => {
  const server = await ServerProcess.start({ script: SCRIPT });
  t.after(() => server.dispose());
  const large = `"${"x".repeat(5000)}"`;
  const cases = [
    codeOf(server, of("big", "/action/hit"), { "x-rivet-conn-params": large }),
    codeOf(server, of("big", "/request/x"), { "x-rivet-conn-params": large }),
    send(server.port, { method: "GET", path: of("big", "/sse", `&rvt-conn-params=${large}`) }).then(
      ({ status }) => `${status}`,
    ),
    send(server.port, { path: of("big", "/action/hit"), body: `{"args":["${"x".repeat(70_000)}"]}` }).then(
      ({ status }) => `${status}`,
    ),
    send(server.port, {
      method: "PUT",
      path: "/actors",
      body: `{"name":"target","key":"big","input":"${"A".repeat(6_000_000)}"}`,
    }).then(({ status }) => `${status}`),
  ];
  for (const outcome of await Promise.all(cases)) assert.match(outcome, /^4/);
  const { actors } = await createClient<typeof registry>(server.url).target.list();
  assert.deepEqual(actors, []);
});

test("a thousand requests that go wrong do not fill the log", async (t) => {
  const server = await ServerProcess.start({ script: SCRIPT, env: { TEST_AUTH_TOKEN: TOKEN } });
  t.after(() => server.dispose());
  for (let i = 0; i < 125; i++) {
    await Promise.all([
      codeOf(server, of(`x${i}`, "/action/hit")),
      codeOf(server, "/nowhere"),
      codeOf(server, "/actors", { host: `${i}.evil.test` }),
      codeOf(server, "/actors", { origin: `http://${i}.evil.test` }),
      codeOf(server, of("k", "/action/nope"), { "x-rivet-token": TOKEN }),
      codeOf(server, of("k", "/action/refuse"), { "x-rivet-token": TOKEN }),
      codeOf(server, `/gateway/nobody/action/x?${i}`),
      codeOf(server, "/connections/x/message"),
    ]);
  }
  const lines = server.stderr.split("\n").length - 1;
  assert.ok(lines > 0 && lines <= 20, `${lines} lines:\n${server.stderr.slice(0, 2000)}`);
});
