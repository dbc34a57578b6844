/** Names that every JavaScript object knows, and those of hooks, as names of everything that clients can name. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { jsonAction, TestSocket } from "../bad-input/ws-client.js";
import { createClient } from "../harness/client.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/security-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/security-main.js") });
});
after(() => server.dispose());

const INHERITED = [
  ...Object.getOwnPropertyNames(Object.prototype),
  ...Object.getOwnPropertyNames(Function.prototype),
];
const OWN_NAMES = [
  "createState",
  "createConnState",
  "onBeforeConnect",
  "onRequest",
  "onWake",
  "onDestroy",
  "run",
  "state",
  "actions",
  "events",
  "options",
  "default",
  "prototype",
  "then",
  "toJSON",
  "",
];
const NAMES = [...new Set([...INHERITED, ...OWN_NAMES])];
const QUERY = "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=names";

const handle = () => createClient<typeof registry>(server.url).target.getOrCreate("names");

async function codeOf(path: string, body: unknown = { args: [] }): Promise<string> {
  const answer = await fetch(server.url + path, { method: "POST", body: JSON.stringify(body) });
  const { group, code } = (await answer.json()) as { group?: string; code?: string };
  return `${group}.${code}`;
}

async function isClean(): Promise<void> {
  assert.equal(await handle().isClean(), true, "prototypes of the server are as they were");
}

test("no inherited member and no hook can be called as an action", async () => {
  const nested = NAMES.flatMap((name) => (name === "constructor" ? [] : [`nested.${name}`]));
  const socket = await TestSocket.connect(server.port, "json", "target");
  for (const name of [
    ...NAMES,
    ...nested,
    "nested",
    "nested.constructor.constructor",
    "hit.call",
    "constructor.constructor",
  ]) {
    if (name !== "")
      assert.equal(
        await codeOf(`/gateway/target/action/${encodeURIComponent(name)}?${QUERY}`),
        "actor.action_not_found",
        name,
      );
    socket.send(jsonAction(1, name, []));
    const answer = (await socket.next()).toString();
    assert.match(answer, /"action_not_found"/, `${name} over a socket: ${answer}`);
  }
  socket.close();
  assert.equal(
    await codeOf(`/gateway/target/action/nested.constructor?${QUERY}`),
    "undefined.undefined",
    "a name of its own",
  );
  await isClean();
});

test("no inherited member is a queue, an event, or a type of actor", async () => {
  for (const name of NAMES.filter((name) => name !== "")) {
    const path = encodeURIComponent(name);
    assert.equal(
      await codeOf(`/gateway/target/queue/${path}?${QUERY}`, { body: 1 }),
      "queue.not_found",
      name,
    );
    assert.equal(await codeOf(`/gateway/${path}/action/hit?${QUERY}`), "actor.not_registered", name);
  }
  const socket = await TestSocket.connect(server.port, "json", "target");
  for (const eventName of NAMES) {
    socket.send(
      JSON.stringify({ body: { tag: "SubscriptionRequest", val: { eventName, subscribe: true } } }),
    );
  }
  socket.send(jsonAction(9, "hits", []));
  assert.match((await socket.next()).toString(), /ActionResponse/, "subscriptions do nothing");
  socket.close();
  await isClean();
});

test("values, parameters, state and pairs may have any names, which are just names", async () => {
  const hostile =
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":1,"hasOwnProperty":2}';
  const send = async (headers: Readonly<Record<string, string>> = {}, action = "echo") => {
    const path = `${server.url}/gateway/target/action/${action}?${QUERY}`;
    const answer = await fetch(path, {
      method: "POST",
      body: `{"args":[${hostile}],"__proto__":{"args":[1]}}`,
      headers,
    });
    return answer.text();
  };
  assert.equal(await send(), `{"output":${hostile}}`);
  const seen = JSON.parse(await send({ "x-rivet-conn-params": hostile }, "conn")) as {
    output: { params: object };
  };
  assert.equal(JSON.stringify(seen.output.params), hostile);
  const actor = handle();
  for (const name of NAMES) {
    await actor.put(name, { polluted: name });
    assert.deepEqual(await actor.get(name), { has: true, value: { polluted: name } }, name);
    assert.deepEqual(
      (await actor.kvPut(`k${name}`, name)).find(([key]) => key === `k${name}`),
      [`k${name}`, name],
    );
  }
  const whole = await actor.whole();
  assert.deepEqual(Object.keys(whole).sort(), [...NAMES].sort());
  await isClean();
  await server.kill();
  await server.restart();
  assert.deepEqual(Object.keys(await actor.whole()).sort(), [...NAMES].sort());
  await isClean();
  assert.equal(({} as { polluted?: unknown }).polluted, undefined, "and those of the client");
});
