/** Tokens and parameters: where they turn up, and where they never do. */

import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { send } from "../bad-input/raw-http.js";
import { TestSocket } from "../bad-input/ws-client.js";
import { createClient } from "../harness/client.js";
import { RawEventStream } from "../harness/event-stream.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/security-registry.js";

const SCRIPT = join(DIST, "server/security-main.js");
const TOKEN = "tok-K3v9Qx7LmZ";
const MANAGEMENT = "mgm-P8w2Rt5YnB";
const QUERY = "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=k";
const HIT = `/gateway/target/action/hit?${QUERY}`;

/** What no text may have that somebody else reads: one for each way in which a secret comes. */
const secrets = new Set([TOKEN, MANAGEMENT]);

function secret(what: string): string {
  const made = `${what}-${Math.random().toString(36).slice(2).padEnd(10, "x")}`;
  secrets.add(made);
  return made;
}

let server: ServerProcess;
before(async () => {
  const env = { TEST_AUTH_TOKEN: TOKEN, GREENROOM_TOKEN: MANAGEMENT, GREENROOM_LOG_LEVEL: "trace" };
  server = await ServerProcess.start({ script: SCRIPT, env });
});
after(() => server.dispose());

/** Every answer that was given, to be searched. */
const answers: string[] = [];

async function ask(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = "POST",
): Promise<number> {
  const answer = await send(server.port, {
    method,
    path,
    headers,
    body: method === "POST" ? '{"args":[]}' : "",
  });
  answers.push(JSON.stringify(answer.headers) + answer.body.toString());
  return answer.status;
}

async function socket(path: string, protocols: readonly string[]): Promise<void> {
  const opened = await TestSocket.open(server.port, path, ["rivet", ...protocols]);
  await opened.next().then(
    (first) => answers.push(first.toString()),
    () => {},
  );
  opened.close();
  const { reason } = await opened.ended;
  answers.push(reason);
}

test("secrets that come in any way are in no log, at any level, and in no answer", async () => {
  const ways: Readonly<Record<string, (token: string) => Promise<unknown>>> = {
    bearer: (token) => ask(HIT, { authorization: `Bearer ${token}` }),
    header: (token) => ask(HIT, { "x-rivet-token": token }),
    query: (token) => ask(`${HIT}&rvt-token=${token}`),
    twice: (token) => ask(`${HIT}&rvt-token=${token}&rvt-token=${token}`),
    malformed: (token) => ask(`${HIT}&rvt-token=${token}&rvt-nope=1`),
    path: (token) => ask(`/gateway/${"a".repeat(26)}@${token}/action/hit`),
    "path by name": (token) => ask(`/gateway/target@${token}/action/hit?${QUERY}`),
    socket: (token) => socket(`/gateway/target/connect?${QUERY}&rvt-token=${token}`, []),
    subprotocol: (token) =>
      socket("/connect", ["rivet_target.actor", `rivet_actor.${"a".repeat(26)}`, `rivet_token.${token}`]),
    cookie: (token) => ask(HIT, { cookie: `session=${token}` }),
    stream: (token) => ask(`/gateway/target/sse?${QUERY}&rvt-token=${token}`, {}, "GET"),
    "stream's token": (token) => ask("/connections/abc/message", { "x-rivet-conn-token": token }),
    manager: (token) => ask("/actors", { authorization: `Bearer ${token}` }, "GET"),
    "no header": (token) => ask(`/nowhere?token=${token}`, {}, "GET"),
    proxy: (token) => ask(`http://user:${token}@localhost/`, {}, "GET"),
  };
  for (const [name, way] of Object.entries(ways)) await way(secret(name.replaceAll(/\W/g, "")));
  await ask(HIT, { authorization: `Bearer ${TOKEN}` });
  await ask("/actors", { authorization: `Bearer ${MANAGEMENT}` }, "GET");
  await ask(`${HIT}&rvt-token=throw`);
  // Connection parameters often carry tokens, too.
  const allowed = { authorization: `Bearer ${TOKEN}` };
  const params = (name: string): string => JSON.stringify({ jwt: secret(name) });
  const exploding = JSON.stringify({ explode: true, jwt: secret("exploding") });
  await ask(HIT, { ...allowed, "x-rivet-conn-params": params("params") });
  await ask(HIT, { ...allowed, "x-rivet-conn-params": exploding });
  await ask(HIT, { ...allowed, "x-rivet-conn-params": `{"jwt": ${secret("broken")}` });
  const inProtocol = encodeURIComponent(params("inprotocol"));
  await socket(`/gateway/target/connect?${QUERY}&rvt-token=${TOKEN}`, [`rivet_conn_params.${inProtocol}`]);
  const inQuery = encodeURIComponent(params("inquery"));
  const stream = await RawEventStream.open(
    `${server.url}/gateway/target/sse?${QUERY}&rvt-conn-params=${inQuery}`,
    allowed,
  );
  const { data } = await stream.event();
  const { connectionToken } = (data as { body: { val: { connectionToken: string } } }).body.val;
  stream.close();
  await eventually(() =>
    assert.ok(server.stderr.includes("action failed") && server.stderr.includes("TRACE")),
  );
  for (const made of [...secrets, connectionToken])
    assert.ok(!server.stderr.includes(made), `the log has ${made}`);
  for (const made of secrets)
    for (const answer of answers) assert.ok(!answer.includes(made), `${made} is in an answer: ${answer}`);
});

test("tokens and parameters are not written to disk, what actors keep is", async () => {
  const client = createClient<typeof registry>({ endpoint: server.url, token: TOKEN });
  const jwt = secret("stored");
  const conn = client.target.getOrCreate("disk", { params: { jwt } }).connect();
  const kept = `kept-${Math.random().toString(36).slice(2)}`;
  await conn.put("a", kept);
  await client.dispose();
  assert.equal(await server.stop(), 0);
  const files = await readdir(server.dataDir, { recursive: true });
  const contents = await Promise.all(
    files.map(async (name) => {
      const path = join(server.dataDir, name);
      return (await stat(path)).isFile() ? readFile(path, "latin1") : "";
    }),
  );
  const disk = contents.join("\n");
  assert.ok(disk.includes(kept), "what is looked for can be found");
  for (const made of secrets) assert.ok(!disk.includes(made), `${made} is on disk`);
});

test("nobody but the user of the server may read the data", {
  skip: process.platform === "win32",
}, async () => {
  const other = await ServerProcess.start({ script: SCRIPT, dataDir: join(server.dataDir, "fresh") });
  await createClient<typeof registry>(other.url).target.getOrCreate("k").hit();
  const { dataDir } = other;
  await other.kill();
  for (const closed of [dataDir, join(dataDir, "db"), join(server.dataDir, "db")])
    assert.equal((await stat(closed)).mode & 0o077, 0, `${closed} is open to others`);
});
