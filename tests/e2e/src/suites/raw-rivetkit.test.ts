/** Raw HTTP and WebSockets with the unmodified npm package `rivetkit/client`. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DIST } from "../harness/paths.js";
import { RawSocket } from "../harness/raw-socket.js";
import { createRivetClient, type RivetClient } from "../harness/rivet.js";
import { ServerProcess } from "../harness/server.js";

let server: ServerProcess;
let client: RivetClient;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/raw-main.js") });
  client = await createRivetClient(server.url, { devtools: false });
});
after(async () => {
  await client.dispose();
  await server.dispose();
});

test("its requests arrive as they were made", async () => {
  const mirror = client.getOrCreate("mirror", ["rivetkit"]);
  const cases: [string | Request, RequestInit, string, string, string][] = [
    ["/x?y=1", {}, "GET", `${server.url}/x?y=1`, ""],
    ["x", { method: "PURGE", body: "b" }, "PURGE", `${server.url}/x`, "b"],
    [
      new Request("https://app.example/deep?q", { method: "PUT", body: "z" }),
      {},
      "PUT",
      "https://app.example/deep?q",
      "z",
    ],
  ];
  for (const [input, init, method, url, body] of cases) {
    const response = await mirror.fetch(input, init);
    const seen = (await response.json()) as { method: string; url: string; body: string };
    assert.deepEqual([seen.method, seen.url, seen.body], [method, url, body]);
  }
  const bytes = await mirror.fetch("/bytes", { method: "POST", body: new Uint8Array([0, 255]) });
  assert.deepEqual(new Uint8Array(await bytes.arrayBuffer()), new Uint8Array([0, 255]));
});

test("it gets the statuses and errors of handlers, and streams", async () => {
  const missing = await client.getOrCreate("plain", ["rivetkit"]).fetch("/x");
  assert.equal(missing.status, 404);
  const responder = client.getOrCreate("responder", ["rivetkit"]);
  assert.equal((await responder.fetch("/nothing")).status, 500);
  const refused = await responder.fetch("/user-error");
  assert.equal(refused.status, 400);
  assert.equal(((await refused.json()) as { code: string }).code, "no_page");
  const events = await client.getOrCreate("streamer", ["rivetkit"]).fetch("/events");
  const reader = events.body?.getReader();
  assert.equal(new TextDecoder().decode((await reader?.read())?.value), "data: 0\n\n");
  await reader?.cancel();
});

test("its URLs of the gateway lead to the actor", async () => {
  const url = new URL(await client.getOrCreate("mirror", ["url"]).getGatewayUrl());
  url.pathname += "/request/from/curl";
  const seen = (await (await fetch(url)).json()) as { url: string };
  assert.equal(seen.url, `${server.url}/from/curl`);
});

test("its raw WebSockets talk, and hear why they are closed", async () => {
  const socket = await RawSocket.open(client.getOrCreate("talker", ["rivetkit"]), "/room/1?v=2");
  assert.equal(await socket.next(), "open 1 /websocket/room/1");
  assert.equal(await socket.ask("hello"), "hello");
  assert.equal(await socket.ask('close [4001,"bye"]'), "last words");
  assert.deepEqual(await socket.closed, { code: 4001, reason: "bye" });
  const refused = await RawSocket.open(client.getOrCreate("guest", ["rivetkit"]));
  assert.deepEqual(await refused.closed, { code: 1011, reason: "user.no_word" });
  const unsupported = await RawSocket.open(client.getOrCreate("plain", ["rivetkit"]));
  assert.deepEqual(await unsupported.closed, { code: 1011, reason: "actor.websocket_not_supported" });
});

test("its raw WebSockets outlive the sleep of the actor", async () => {
  const socket = await RawSocket.open(client.getOrCreate("dozer", ["rivetkit"]), "/room");
  assert.equal(await socket.ask("one"), "1 one");
  await client.getOrCreate("dozer", ["rivetkit"]).action({ name: "sleep", args: [] });
  assert.equal(await socket.ask("two"), "2 two");
  socket.close();
});
