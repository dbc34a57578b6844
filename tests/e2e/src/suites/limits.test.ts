/** What one address may do to one actor, over every way in. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ActorError, createClient } from "@greenroom/client";
import { TestSocket } from "../bad-input/ws-client.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/limits-registry.js";

/** A turn comes back every ten seconds: long enough for slow machines. */
const PER_MINUTE = 6;
const IN_FLIGHT = 3;
const script = join(DIST, "server/limits-main.js");

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script, env: { TEST_PER_MINUTE: String(PER_MINUTE) } });
});
after(() => server.dispose());

function pathOf(key: string, path: string): string {
  const query = `rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=${key}`;
  return `/gateway/shop${path}?${query}`;
}

/** Requests an actor as if from an address. */
function request(key: string, path: string, from: string, method = "GET", body?: unknown): Promise<Response> {
  const headers = { "x-forwarded-for": from, origin: "http://page.test" };
  const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
  return fetch(server.url + pathOf(key, path), init);
}

const sell = (key: string, from: string) => request(key, "/action/sell", from, "POST", { args: [] });

/** Uses up what an address has for an actor. */
async function useUp(key: string, from: string): Promise<void> {
  for (let refused = false; !refused; ) {
    const answer = await request(key, "/metadata", from);
    await answer.text();
    refused = answer.status === 429;
  }
}

async function checkRefused(answer: Response): Promise<void> {
  assert.equal(answer.status, 429);
  const error = (await answer.json()) as ActorError & { metadata: { retryAfter: number } };
  assert.deepEqual([error.group, error.code], ["guard", "rate_limit"]);
  assert.match(error.message, /more than 6 requests to this actor within a minute/);
  assert.equal(answer.headers.get("retry-after"), String(error.metadata.retryAfter));
  assert.ok(error.metadata.retryAfter >= 1 && error.metadata.retryAfter <= 60 / PER_MINUTE);
  // A page of another origin can read all that.
  assert.equal(answer.headers.get("access-control-allow-origin"), "http://page.test");
}

test("an address that has used up its turns is refused over every way in, and others are not", async () => {
  await useUp("a", "10.0.0.1");
  await checkRefused(await sell("a", "10.0.0.1"));
  await checkRefused(await request("a", "/sse", "10.0.0.1"));
  await checkRefused(await request("a", "/request/x", "10.0.0.1"));
  await checkRefused(await request("a", "/queue/orders", "10.0.0.1", "POST", { body: { n: 1 } }));
  // What the client itself writes in front of what the proxy adds makes it nobody else.
  await checkRefused(await sell("a", "10.9.9.9, 10.0.0.1"));
  const lookUp = await fetch(`${server.url}/actors?name=shop&key=a`, {
    headers: { "x-forwarded-for": "10.0.0.1", origin: "http://page.test" },
  });
  await checkRefused(lookUp);
  assert.equal((await sell("b", "10.0.0.1")).status, 200);
  const other = await sell("a", "10.0.0.2");
  assert.deepEqual(await other.json(), { output: 1 });
});

test("requests at once are limited until they are answered", async () => {
  // Over its connection: what is sent there is not counted.
  const client = createClient<typeof registry>(server.url);
  const shop = client.shop.getOrCreate("busy").connect();
  const all = new Promise<void>((resolve) => shop.on("waiting", (count) => count === IN_FLIGHT && resolve()));
  await shop.ready;
  const wait = () => request("busy", "/action/wait", "10.0.1.1", "POST", { args: [] });
  const waiting = Array.from({ length: IN_FLIGHT }, wait);
  await all;
  const refused = await sell("busy", "10.0.1.1");
  assert.equal(refused.status, 429);
  assert.match(((await refused.json()) as ActorError).message, /more than 3 requests to this actor at once/);
  await shop.letGo();
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200);
  assert.equal((await sell("busy", "10.0.1.1")).status, 200);
  await client.dispose();
});

test("our client says that it may try again, and its connections do so by themselves", async () => {
  // Two turns come back within a second.
  const generous = await ServerProcess.start({ script, env: { TEST_PER_MINUTE: "120" } });
  const client = createClient<typeof registry>(generous.url);
  const handle = client.shop.getOrCreate("c");
  const sellOut = async (): Promise<never> => {
    for (;;) await Promise.all([handle.sell(), handle.sell(), handle.sell()]);
  };
  await assert.rejects(sellOut(), (error) => {
    assert.ok(error instanceof ActorError);
    assert.deepEqual([error.code, error.retryable, error.statusCode], ["rate_limit", true, 429]);
    assert.deepEqual(error.metadata, { retryAfter: 1 });
    return true;
  });
  const shop = handle.connect();
  const sold = await shop.sell();
  // And then as often as it likes.
  for (let more = 1; more <= 300; more++) assert.equal(await shop.sell(), sold + more);
  await client.dispose();
  await generous.dispose();
});

test("a WebSocket that is too much is closed with the reason", async () => {
  await useUp("d", "127.0.0.1");
  const socket = await TestSocket.open(server.port, pathOf("d", "/connect"), [
    "rivet",
    "rivet_encoding.json",
  ]);
  assert.deepEqual(await socket.ended, { code: 1011, reason: "guard.rate_limit" });
});

test("a client that opens one refused socket after the other has to wait for its refusals", async () => {
  const refused = async (key: number) => {
    const path = `/gateway/shop/connect?rvt-namespace=default&rvt-method=get&rvt-key=${key}`;
    return (await (await TestSocket.open(server.port, path, ["rivet"])).ended).reason;
  };
  const begin = performance.now();
  let count = 0;
  while (performance.now() - begin < 2_500) {
    assert.equal(await refused(count), "actor.not_found");
    count++;
  }
  // Without the pause it is hundreds.
  assert.ok(count < 20, `${count} sockets`);
  // Others are not held up by that, nor is the same client where it is let in.
  const client = createClient<typeof registry>(server.url);
  assert.equal(await client.shop.getOrCreate("welcome").connect().sell(), 1);
  await client.dispose();
});
