/** How a connection comes back to the events of an actor that keeps them. */

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createClient, type Resync } from "@greenroom/client";
import { FakeClock, settle } from "./support/fake-clock.js";
import { type FakeSocket, fakeWebSockets } from "./support/fake-socket.js";

const PROOF = "0a".repeat(24);

async function setUp(t: TestContext) {
  const clock = new FakeClock();
  const { sockets, WebSocket } = fakeWebSockets();
  const client = createClient({
    endpoint: "http://host:1",
    transport: "websocket",
    disableMetadataLookup: true,
    runtime: {
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      random: () => 0,
      loadWebSocket: async () => WebSocket,
      fetch: () => Promise.reject(new TypeError("there is no network here")),
    },
  });
  t.after(() => void client.dispose());
  const conn = client.getOrCreate("lot", "9").connect();
  const log: string[] = [];
  const resyncs: Resync[] = [];
  conn.onResync((resync) => {
    resyncs.push(resync);
    log.push(`resync ${resync.reason}, ${conn.connStatus}`);
  });
  const on = (event: string) => conn.on(event, (text) => log.push(`${event} ${String(text)}`));
  const last = (): FakeSocket => {
    const socket = sockets.at(-1);
    assert.ok(socket, "no socket was opened");
    return socket;
  };
  /** Breaks the socket, and gives the next one. */
  const again = async (): Promise<FakeSocket> => {
    last().drop();
    await clock.advance(2_000);
    await settle();
    return last();
  };
  await settle();
  return { conn, log, resyncs, on, socket: last(), again };
}

const claimOf = ({ protocols }: FakeSocket) =>
  protocols.find((entry) => entry.startsWith("greenroom_resume"));

/** What the client sent to say what it had subscribed to, and its subscriptions. */
const said = ({ sent }: FakeSocket) =>
  sent.flatMap((packet) => {
    const bytes = Buffer.from(packet, "hex");
    if (bytes[2] === 34) return [`resume ${bytes[3]}`];
    return bytes[2] === 1 ? [`subscribe ${bytes.subarray(4, -1)}`] : [];
  });

/** Loading what it takes is done when the client has sent something. */
async function opened(socket: FakeSocket, number: number, proof = PROOF): Promise<void> {
  const answered = new Promise<void>((resolve) => {
    socket.onsend = resolve;
  });
  socket.extendedInit("a1", "c1", `1 resume.${proof}.${number}`);
  // Loading a file does not keep a process.
  const alive = setInterval(() => {}, 60_000);
  await answered;
  clearInterval(alive);
}

test("it says who it was and what it has heard last, and goes on with what was confirmed", async (t) => {
  const { log, resyncs, on, socket, again } = await setUp(t);
  on("sold");
  on("bid");
  await opened(socket, 5);
  assert.deepEqual(said(socket), ["subscribe sold", "subscribe bid"]);
  assert.equal(claimOf(socket), undefined);
  socket.subscribed("sold", 6);
  socket.numbered(8, "sold", "first");
  let next = await again();
  assert.equal(claimOf(next), `greenroom_resume.${PROOF}.8`);
  // Of `bid` nobody knows whether it began, so it begins now.
  await opened(next, 8);
  assert.deepEqual(said(next), ["resume 1", "subscribe bid"]);
  next.numbered(9, "sold", "missed");
  next.subscribed("bid", 11);
  next = await again();
  assert.equal(claimOf(next), `greenroom_resume.${PROOF}.11`);
  await opened(next, 11);
  assert.deepEqual(said(next), ["resume 2"]);
  assert.deepEqual(log, ["sold first", "sold missed"]);
  assert.deepEqual(resyncs, []);
});

test("a confirmation counts for the subscription that it is of", async (t) => {
  const { on, socket, again } = await setUp(t);
  const stop = on("sold");
  await opened(socket, 0);
  stop();
  on("sold");
  // That of the first one.
  socket.subscribed("sold", 1);
  let next = await again();
  await opened(next, 1);
  assert.deepEqual(said(next), ["resume 0", "subscribe sold"]);
  next.subscribed("sold", 2);
  next = await again();
  await opened(next, 2);
  assert.deepEqual(said(next), ["resume 1"]);
});

test("it is told what is missing for good, once it is open again", async (t) => {
  const { log, resyncs, on, socket, again } = await setUp(t);
  on("sold");
  await opened(socket, 5);
  socket.subscribed("sold", 5);
  let next = await again();
  await opened(next, 5);
  next.resync(9, "expired", 5);
  assert.deepEqual(resyncs, [{ reason: "expired", from: 5, to: 9 }]);
  next = await again();
  assert.equal(claimOf(next), `greenroom_resume.${PROOF}.9`);
  // Another actor, which knows nobody.
  await opened(next, 2, "0b".repeat(24));
  assert.deepEqual(said(next), ["subscribe sold"]);
  assert.deepEqual(resyncs[1], { reason: "unknown", from: 9, to: 2 });
  // One that keeps nothing any more.
  next = await again();
  next.extendedInit();
  assert.deepEqual(resyncs[2], { reason: "off" });
  next = await again();
  assert.equal(claimOf(next), undefined);
  next.extendedInit();
  assert.deepEqual(resyncs[3], { reason: "off" });
  assert.deepEqual(
    log.filter((line) => !line.endsWith(", connected")),
    [],
  );
});

test("more than one message can name is several, of which the last is not full", async (t) => {
  const { on, socket, again } = await setUp(t);
  for (let count = 0; count < 64; count++) on(`e${count}`);
  await opened(socket, 0);
  for (let count = 0; count < 64; count++) socket.subscribed(`e${count}`, 0);
  const next = await again();
  await opened(next, 0);
  assert.deepEqual(said(next), ["resume 64", "resume 0"]);
});
