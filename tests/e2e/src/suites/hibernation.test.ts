/** Connections that outlive the sleep of their actor: those of the client protocol, and raw WebSockets that may. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { asleep, TELLS_SLEEPS } from "../harness/asleep.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { RawSocket } from "../harness/raw-socket.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/raw-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/raw-main.js"), env: TELLS_SLEEPS });
});
after(() => server.dispose());

const connectTo = () => createClient<typeof registry>(server.url);

/** Longer than these actors stay awake for by themselves. */
const NAP = 500;

/** Waits until an actor has said something, without calling it. */
const said = (line: string) => eventually(() => assert.ok(server.stderr.includes(`${line}\n`), line));

/** A socket of `dozer` that has heard its first message. */
async function doze(key: string, path = "/room") {
  const dozer = connectTo().dozer.getOrCreate(key);
  const socket = await RawSocket.open(dozer, path);
  assert.equal(await socket.ask("hello"), "1 hello");
  return { dozer, socket };
}

test("a connection outlives the sleep with its state, and hears events after it, without a second Init", async () => {
  const client = connectTo();
  const connection = client.greeter.getOrCreate("state", { params: { name: "ann" } }).connect();
  const notes: string[] = [];
  let opened = 0;
  connection.onOpen(() => opened++);
  connection.on("note", (text) => notes.push(text));
  await connection.ready;
  assert.equal(await connection.call(), 1);
  const { connectionId } = connection;
  await asleep(server, client.greeter.getOrCreate("state"));
  await client.greeter.getOrCreate("state").note("while it slept");
  await eventually(() => assert.deepEqual(notes, ["while it slept"]));
  assert.equal(await connection.call(), 2);
  assert.deepEqual([opened, connection.connectionId], [1, connectionId]);
  const log = await connection.log();
  assert.ok(log.includes("wake ann 1"), String(log));
  assert.equal(log.filter((line) => line === "connect ann").length, 1);
  await client.dispose();
});

test("a connection that ends while its actor sleeps is noticed when it wakes", async () => {
  const client = connectTo();
  const greeter = client.greeter.getOrCreate("leaves");
  const [ann, bob] = ["ann", "bob"].map((name) =>
    client.greeter.getOrCreate("leaves", { params: { name } }).connect(),
  );
  assert.ok(ann && bob);
  await Promise.all([ann.ready, bob.ready]);
  await asleep(server, greeter);
  await ann.dispose();
  await eventually(async () => assert.ok((await greeter.log()).includes("disconnect ann")));
  assert.ok(!(await greeter.log()).includes("disconnect bob"));
  // With nobody left, nothing else would wake it.
  await asleep(server, greeter);
  await bob.dispose();
  await said("greeter leaves: disconnect bob");
  assert.ok((await greeter.log()).includes("disconnect bob"));
});

test("a raw socket that may hibernate lets its actor sleep and wakes it with its next message", async () => {
  const { dozer, socket } = await doze("wakes");
  await asleep(server, dozer);
  assert.equal(await socket.ask("again"), "2 again");
  const log = await dozer.log();
  // The handler gets the socket again, without `open`; the connection and its state are the same.
  assert.deepEqual(log.slice(0, 6), [
    "wake 0",
    "handler /websocket/room true",
    "open",
    "sleep",
    "wake 1",
    "handler /websocket/room true",
  ]);
  assert.deepEqual(await dozer.heard(), ["hello", "again"]);
  socket.close();
});

test("whether a socket may hibernate can depend on its request", async () => {
  const { dozer, socket } = await doze("choice", "/room/awake");
  await delay(NAP);
  const log = await dozer.log();
  assert.ok(!log.includes("sleep") && log.includes("handler /websocket/room/awake false"), String(log));
  socket.close();
});

test("several naps keep the socket, and messages of all sizes wake", async () => {
  const { dozer, socket } = await doze("naps");
  for (let nap = 2; nap <= 4; nap++) {
    await dozer.sleep();
    const text = "x".repeat(nap * 10_000);
    assert.equal(await socket.ask(text), `${nap} ${text}`);
  }
  socket.close(4000, "enough");
  await eventually(async () => assert.ok((await dozer.log()).includes("close 4000 enough")));
});

test("a socket that is closed while its actor sleeps is noticed when it wakes", async () => {
  const { dozer, socket } = await doze("closes");
  const other = await RawSocket.open(dozer, "/other");
  assert.equal(await other.ask("here"), "1 here");
  await asleep(server, dozer);
  socket.close(4001, "while asleep");
  assert.equal((await socket.closed).code, 4001);
  assert.equal(await other.ask("there"), "2 there");
  const log = await dozer.log();
  const wake = log.lastIndexOf("wake 2");
  assert.ok(wake > 0, String(log));
  assert.ok(log.indexOf("close 4001 while asleep") > wake, String(log));
  assert.ok(log.indexOf("disconnect after 1") > wake, String(log));
  // The last one to leave is cause enough to wake up.
  await asleep(server, dozer);
  other.close(4002, "last");
  await said("dozer closes: close 4002 last");
  assert.ok((await dozer.log()).includes("close 4002 last"));
});

test("only messages that were not handled are told again after a wake", async () => {
  const { dozer, socket } = await doze("unhandled");
  socket.send("hang");
  await eventually(async () => assert.ok((await dozer.heard()).includes("hang")));
  // The listener is not done when the time to stop is over.
  await dozer.sleep();
  await eventually(async () => {
    assert.deepEqual(await dozer.heard(), ["hello", "hang", "hang"]);
  });
  await dozer.release();
  assert.equal(await socket.next(), "2 hang");
  assert.equal(await socket.ask("next"), "3 next");
  assert.deepEqual(await dozer.heard(), ["hello", "hang", "hang", "next"]);
  socket.close();
});

test("an actor that is destroyed closes its hibernating sockets", async () => {
  const { dozer, socket } = await doze("destroyed");
  await asleep(server, dozer);
  await dozer.end();
  assert.deepEqual(await socket.closed, { code: 1000, reason: "" });
});

test("sockets of many sleeping actors stay open and wake their own", async () => {
  const sockets = await Promise.all(Array.from({ length: 20 }, (_, index) => doze(`many-${index}`)));
  await Promise.all(sockets.map(({ dozer }) => asleep(server, dozer)));
  const answers = sockets.map(({ socket }, index) => socket.ask(`text ${index}`));
  assert.deepEqual(
    await Promise.all(answers),
    sockets.map((_, index) => `2 text ${index}`),
  );
  for (const { socket } of sockets) socket.close();
});
