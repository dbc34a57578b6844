/** Actors that take raw WebSockets, driven with our client. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { RawSocket } from "../harness/raw-socket.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/raw-registry.js";

/** Managing takes a token within a program's own server, and these suites have none. */
const MANAGED = process.env.GREENROOM_E2E_MOUNTED !== undefined && "managing takes a token";
/** Bun's server cannot hold a client back. */
const UNHELD =
  process.env.GREENROOM_E2E_MOUNTED !== undefined &&
  process.env.GREENROOM_E2E_RUNTIME === "bun" &&
  "Bun's server holds nobody up";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/raw-main.js") });
});
after(() => server.dispose());

const connectTo = () => createClient<typeof registry>(server.url);

/** A socket of `talker` that has heard its greeting. */
async function talkTo(key: string, path?: string) {
  const talker = connectTo().talker.getOrCreate(key);
  const socket = await RawSocket.open(talker, path);
  assert.match(String(await socket.next()), /^open 1 \/websocket/);
  return { talker, socket };
}

test("text and binary pass unchanged in both directions", async () => {
  const { socket } = await talkTo("echo");
  assert.equal(await socket.ask("hello ✓"), "hello ✓");
  assert.equal(await socket.ask(""), "");
  const bytes = Uint8Array.from({ length: 60_000 }, (_, index) => index & 255);
  const answer = socket.next();
  socket.send(bytes);
  assert.deepEqual(await answer, bytes);
  assert.deepEqual(await socket.ask("view"), new Uint8Array([1, 2, 3]));
  assert.deepEqual(await socket.ask("blob"), new TextEncoder().encode("from a blob"));
  assert.equal(await socket.next(), "after the blob");
  socket.close();
});

test("many messages arrive in order, each answered", async () => {
  const { socket } = await talkTo("many");
  const answers: Promise<unknown>[] = [];
  for (let n = 1; n <= 500; n++) answers.push(socket.ask("count"));
  assert.deepEqual(
    await Promise.all(answers),
    Array.from({ length: 500 }, (_, index) => String(index + 1)),
  );
  socket.close();
});

test("the handler sees path and query below /websocket, and the parameters", async () => {
  const handle = connectTo().talker.getOrCreate("url", { params: { name: "ann" } });
  for (const [path, seen] of [
    ["/room/1?v=2", "/websocket/room/1?v=2"],
    ["room/a%2Fb", "/websocket/room/a%2Fb"],
    [undefined, "/websocket/"],
  ] as const) {
    const socket = await RawSocket.open(handle, path);
    await socket.next();
    const [url, , params] = JSON.parse(String(await socket.ask("url"))) as [string, unknown, unknown];
    assert.equal(url, `${server.url}${seen}`);
    assert.deepEqual(params, { name: "ann" });
    socket.close();
  }
});

test("subprotocols of the caller's own are for the actor to see", async () => {
  const handle = connectTo().talker.getOrCreate("protocols");
  const socket = new RawSocket(await handle.webSocket("/", ["chat.v2", "chat.v1"]));
  await socket.next();
  const [, protocols] = JSON.parse(String(await socket.ask("url"))) as [string, string];
  assert.match(protocols, /^rivet\b.*chat\.v2.*chat\.v1/);
  assert.equal(socket.socket.protocol, "rivet");
  socket.close();
});

test("messages go to all sockets of an actor", async () => {
  const client = connectTo();
  const [first, second] = await Promise.all([
    RawSocket.open(client.relay.getOrCreate("r")),
    RawSocket.open(client.relay.getOrCreate("r")),
  ]);
  assert.deepEqual([await first.ask("one"), await second.next()], ["one", "one"]);
  const both = [first.next(), second.next()];
  second.send("two");
  assert.deepEqual(await Promise.all(both), ["two", "two"]);
  first.close();
  second.close();
});

test("codes and reasons of closes pass in both directions", async () => {
  const { talker, socket } = await talkTo("closes");
  socket.close(4001, "enough");
  assert.equal((await socket.closed).code, 4001);
  await eventually(async () => {
    // Not what belongs to the calls that read the log.
    const log = (await talker.log()).slice(2).filter((line) => !line.startsWith("connect"));
    assert.deepEqual(log.slice(0, 4), ["handler", "aborted", "close 4001 enough true 3", "disconnect 0"]);
  });
  for (const [args, code, reason] of [
    ['[4002,"bye"]', 4002, "bye"],
    ["[1000]", 1000, ""],
    ["[]", 1005, ""],
  ] as const) {
    const { socket: other } = await talkTo("closes");
    assert.equal(await other.ask(`close ${args}`), "last words");
    assert.deepEqual(await other.closed, { code, reason });
    await eventually(async () => assert.ok((await talker.log()).includes(`close ${code} ${reason} true 3`)));
  }
  const { socket: kicked } = await talkTo("closes");
  kicked.send("kick out with you");
  assert.deepEqual(await kicked.closed, { code: 1000, reason: "out with you" });
});

test("a socket that breaks ends with 1006 in the actor", async () => {
  const { talker, socket } = await talkTo("breaks");
  (socket.socket as unknown as { terminate(): void }).terminate();
  await eventually(async () => assert.ok((await talker.log()).includes("close 1006  false 3")));
});

test("a code that nobody may close with, and a long reason, are refused where they are used", async () => {
  const { talker, socket } = await talkTo("bad-closes");
  for (const args of ["[1006]", "[2000]", "[5000]", `[4000,"${"x".repeat(124)}"]`]) {
    assert.equal(await socket.ask(`close ${args}`), "last words");
    // The listener failed, and the socket is still open.
    assert.equal(await socket.ask("still here"), "still here");
  }
  assert.equal(await talker.conns(), 1);
  socket.close();
});

test("a listener that fails harms nobody", async () => {
  const { socket } = await talkTo("throws");
  socket.send("throw");
  assert.equal(await socket.ask("still here"), "still here");
  assert.equal(await socket.ask("event"), "said");
  socket.close();
});

test("an open socket keeps the actor awake, and its end lets it sleep", async () => {
  const { talker, socket } = await talkTo("awake");
  await delay(500);
  assert.equal(await socket.ask("still here"), "still here");
  assert.deepEqual(
    (await talker.log()).filter((line) => line === "sleep"),
    [],
  );
  socket.close(1000, "done");
  await eventually(async () => {
    await delay(250);
    assert.ok((await talker.log()).includes("sleep"));
  });
  const log = await talker.log();
  assert.ok(log.indexOf("close 1000 done true 3") < log.indexOf("sleep"));
  assert.ok(log.includes("connect false"));
});

test("asynchronous listeners delay the sleep that is asked for", async () => {
  const { talker, socket } = await talkTo("slow-message");
  assert.equal(await socket.ask("take a while"), "take a while");
  await talker.sleep();
  await socket.closed;
  const log = (await talker.log()).filter((line) => !line.includes("connect"));
  const end = log.indexOf("took a while");
  assert.ok(end > log.indexOf("sleep") && end < log.lastIndexOf("wake"), String(log));
});

test("an asynchronous close listener delays the sleep", async () => {
  const { talker, socket } = await talkTo("slow-close");
  socket.close(1000, "slowly");
  await eventually(async () => {
    await delay(250);
    const log = await talker.log();
    assert.ok(log.includes("sleep"));
    assert.ok(
      log.indexOf("closed slowly") > 0 && log.indexOf("closed slowly") < log.indexOf("sleep"),
      String(log),
    );
  });
});

test("an actor that goes to sleep all the same takes its sockets along", async () => {
  const { talker, socket } = await talkTo("asleep");
  socket.send("sleep");
  assert.deepEqual(await socket.closed, { code: 1001, reason: "ws.going_away" });
  const log = await talker.log();
  assert.ok(log.includes("close 1001 ws.going_away true 3"), String(log));
  assert.ok(log.includes("disconnect 0"));
});

test("an actor that is destroyed closes its sockets", async () => {
  const { socket } = await talkTo("destroyed");
  socket.send("destroy");
  assert.deepEqual(await socket.closed, { code: 1000, reason: "" });
});

test("the connect hooks decide about sockets, and messages sent early are not lost", async () => {
  const client = connectTo();
  const refused = await RawSocket.open(client.guest.getOrCreate("door"));
  assert.deepEqual(await refused.closed, { code: 1011, reason: "user.no_word" });
  const guest = client.guest.getOrCreate("door", { params: { word: "please" } });
  const socket = await RawSocket.open(guest, "/in");
  socket.send("first");
  socket.send("second");
  assert.equal(await socket.next(), "heard first");
  assert.equal(await socket.next(), "heard second");
  socket.close();
  await eventually(async () => {
    const log = await guest.log();
    // The calls that read the log go through the hooks as well.
    assert.deepEqual(
      log.filter((line) => /websocket|handler|open|message/.test(line)),
      ["asked /websocket/in", "handler please", "open", "message first", "message second"],
    );
  });
});

test("a client that leaves before it is let in is not forgotten", async () => {
  const guest = connectTo().guest.getOrCreate("hasty", { params: { word: "please" } });
  const socket = await RawSocket.open(guest, "/hasty");
  socket.send("in passing");
  socket.close(1000, "gone");
  await eventually(async () => assert.ok((await guest.log()).includes("message in passing")));
});

test("hooks and handlers that fail close the socket with their code", async () => {
  const client = connectTo();
  const cases = [
    ["connect", { code: 1000, reason: "user.not_today" }],
    ["handler", { code: 1011, reason: "user.no_sockets" }],
    ["bug", { code: 1011, reason: "rivetkit.internal_error" }],
  ] as const;
  for (const [fail, expected] of cases) {
    const handle = client.guest.getOrCreate("fails", { params: { word: "please", fail } });
    assert.deepEqual(await (await RawSocket.open(handle)).closed, expected);
  }
});

test("an actor without a handler, and one that does not exist, refuse", async () => {
  const client = connectTo();
  const plain = await RawSocket.open(client.plain.getOrCreate("plain"));
  assert.deepEqual(await plain.closed, { code: 1011, reason: "actor.websocket_not_supported" });
  const missing = await RawSocket.open(client.talker.get("never made"));
  assert.deepEqual(await missing.closed, { code: 1011, reason: "actor.not_found" });
});

test("a path of sockets without an upgrade says so", async () => {
  const url = new URL(await connectTo().talker.getOrCreate("plain-http").getGatewayUrl());
  url.pathname += "/websocket/x";
  const response = await fetch(url);
  assert.equal(response.status, 426);
  assert.equal(response.headers.get("x-rivet-error"), "guard.upgrade_required");
});

test("messages over the limits close the socket", async () => {
  const { socket } = await talkTo("limits");
  assert.equal(String(await socket.ask("x".repeat(65_536))).length, 65_536);
  socket.send("x".repeat(65_537));
  assert.deepEqual(await socket.closed, { code: 1011, reason: "message.incoming_too_long" });
  const { socket: other } = await talkTo("limits");
  assert.equal(String(await other.ask("big 1048576")).length, 1_048_576);
  other.send("big 1048577");
  assert.deepEqual(await other.closed, { code: 1011, reason: "message.outgoing_too_long" });
});

test("a client that does not read is disconnected, and the actor goes on", async () => {
  const { talker, socket } = await talkTo("slow-client");
  (socket.socket as unknown as { pause(): void }).pause();
  await talker.flood(64 * 1024 * 1024);
  await eventually(async () => assert.equal(await talker.conns(), 0));
  (socket.socket as unknown as { resume(): void }).resume();
  assert.equal((await socket.closed).code, 1008);
});

test("a client that sends faster than the actor listens is held up", { skip: UNHELD }, async () => {
  const { talker, socket } = await talkTo("fast-client");
  socket.send("slowly");
  await eventually(async () => assert.ok((await talker.log()).includes("begins")));
  const raw = socket.socket as unknown as { bufferedAmount: number };
  const message = new Uint8Array(50_000);
  // The first listener waits, so that nothing after it counts as handled.
  let sent = 0;
  while (raw.bufferedAmount < 1_000_000) {
    socket.send(message);
    sent++;
    await delay(1);
    assert.ok(sent < 2_000, "100 MB were taken from a client while the actor did not listen");
  }
  const answers = Array.from({ length: sent }, () => socket.next());
  await talker.release();
  await Promise.all(answers);
  socket.close();
});

test("what a socket hears is committed, and survives a kill", async () => {
  const own = await ServerProcess.start({ script: join(DIST, "server/raw-main.js") });
  try {
    const talker = createClient<typeof registry>(own.url).talker.getOrCreate("killed");
    const socket = await RawSocket.open(talker);
    await socket.next();
    let heard = 0;
    for (let n = 0; n < 200; n++) heard = Number(await socket.ask("count"));
    socket.send("count");
    await own.kill();
    assert.equal((await socket.closed).code, 1006);
    await own.restart();
    const count = await talker.count();
    assert.ok(count === heard || count === heard + 1, `${count} after ${heard}`);
  } finally {
    await own.dispose();
  }
});

test("a shutdown closes sockets with a code that says so", async () => {
  const own = await ServerProcess.start({ script: join(DIST, "server/raw-main.js") });
  try {
    const socket = await RawSocket.open(createClient<typeof registry>(own.url).talker.getOrCreate("stops"));
    await socket.next();
    assert.equal(await own.stop("SIGTERM"), 0);
    assert.deepEqual(await socket.closed, { code: 1001, reason: "ws.going_away" });
  } finally {
    await own.dispose();
  }
});

test("a stale handle by key opens sockets again after the actor was destroyed", {
  skip: MANAGED,
}, async () => {
  const { talker, socket } = await talkTo("stale");
  const id = await talker.resolve();
  await fetch(`${server.url}/actors/${id}?namespace=default`, { method: "DELETE" });
  assert.deepEqual(await socket.closed, { code: 1000, reason: "" });
  const again = await RawSocket.open(talker);
  await again.next();
  assert.equal(await again.ask("count"), "1");
  again.close();
});

test("the id of an actor that was destroyed leads nowhere", async () => {
  const { talker, socket } = await talkTo("gone");
  const id = await talker.resolve();
  socket.send("destroy");
  await socket.closed;
  const late = await RawSocket.open(connectTo().talker.getForId(id));
  assert.deepEqual(await late.closed, { code: 1011, reason: "actor.not_found" });
});

test("a server that shuts down turns new sockets and requests to its successor", async () => {
  const own = await ServerProcess.start({ script: join(DIST, "server/raw-main.js") });
  try {
    const client = createClient<typeof registry>(own.url);
    const talker = client.talker.getOrCreate("busy");
    const socket = await RawSocket.open(talker);
    await socket.next();
    socket.send("slowly");
    await eventually(async () => assert.ok((await talker.log()).includes("begins")));
    const url = new URL(await client.mirror.getOrCreate("late").getGatewayUrl());
    url.pathname += "/request/x";
    // Its listener holds up the end for as long as the grace period lasts.
    const stopped = own.stop("SIGTERM");
    await eventually(async () => assert.equal((await fetch(`${own.url}/health`)).status, 503));
    const refused = await fetch(url);
    assert.deepEqual([refused.status, refused.headers.get("x-rivet-error")], [503, "actor.stopping"]);
    const late = await RawSocket.open(client.talker.getOrCreate("late"));
    assert.deepEqual(await late.closed, { code: 1011, reason: "actor.stopping" });
    assert.deepEqual(await socket.closed, { code: 1001, reason: "ws.going_away" });
    assert.equal(await stopped, 0);
  } finally {
    await own.dispose();
  }
});
