/** Limits to the byte, and what is said when somebody has too much to do or too little to read. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { WebSocketConstructor } from "@greenroom/client";
import { WebSocket } from "ws";
import { createClient } from "../harness/client.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/calls-registry.js";

const INCOMING = 64 * 1024;
const OUTGOING = 256 * 1024;
const CALLS_IN_PROGRESS = 8192;
const MAILBOX = 4096;

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/calls-main.js") });
});
after(() => server.dispose());

/** The sizes of the last messages, in bytes on the wire. */
interface Sizes {
  sent: number;
  received: number;
}

const bytesIn = (data: unknown): number =>
  typeof data === "string" ? Buffer.byteLength(data) : (data as ArrayBuffer).byteLength;

/** A client that measures what it sends and gets. */
function measuring(encoding: "json" | "cbor" | "bare", sizes: Sizes) {
  const measuredFetch: typeof fetch = async (input, init) => {
    const isCall = String(input).includes("/action/");
    if (isCall) sizes.sent = bytesIn(init?.body);
    const response = await fetch(input, init);
    if (isCall) sizes.received = (await response.clone().arrayBuffer()).byteLength;
    return response;
  };
  class MeasuredSocket extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      this.on("message", (data: ArrayBuffer | Buffer) => {
        sizes.received = data.byteLength;
      });
    }

    override send(data: string | Uint8Array): void {
      sizes.sent = bytesIn(data);
      super.send(data);
    }
  }
  return createClient<typeof registry>({
    endpoint: server.url,
    encoding,
    transport: "websocket",
    runtime: {
      fetch: measuredFetch,
      loadWebSocket: async () => MeasuredSocket as unknown as WebSocketConstructor,
    },
  });
}

for (const encoding of ["json", "cbor", "bare"] as const) {
  for (const way of ["http", "websocket"] as const) {
    test(`requests and replies may be as long as the limits over ${way} in ${encoding}`, async () => {
      const sizes: Sizes = { sent: 0, received: 0 };
      const client = measuring(encoding, sizes);
      const handle = client.bulk.getOrCreate(["limits", encoding, way]);
      const callee = way === "http" ? handle : handle.connect();
      // What is around the text is the same for texts of about this length.
      await callee.size("x".repeat(INCOMING - 200));
      const request = sizes.sent - (INCOMING - 200);
      const longest = INCOMING - request;
      assert.equal(await callee.size("x".repeat(longest)), longest);
      assert.equal(sizes.sent, INCOMING);
      await callee.text(OUTGOING - 200);
      const reply = sizes.received - (OUTGOING - 200);
      assert.equal((await callee.text(OUTGOING - reply)).length, OUTGOING - reply);
      assert.equal(sizes.received, OUTGOING);
      await assert.rejects(callee.text(OUTGOING - reply + 1), {
        group: "message",
        code: "outgoing_too_long",
      });
      // An oversized reply costs the caller its call, an oversized message the connection.
      assert.equal(await callee.size(""), 0);
      const tooLong = callee.size("x".repeat(longest + 1));
      await assert.rejects(tooLong, { group: "message", code: "incoming_too_long" });
      assert.equal(sizes.sent, INCOMING + 1);
      assert.equal(await callee.size(""), 0);
      await client.dispose();
    });
  }
}

test("calls beyond those that an actor can have in progress are refused, and make room again", async () => {
  const client = createClient<typeof registry>(server.url);
  const handle = client.bulk.getOrCreate("busy");
  const connection = handle.connect();
  await connection.ready;
  const controller = new AbortController();
  const call = () => connection.action({ name: "hang", signal: controller.signal });
  const hanging = Array.from({ length: CALLS_IN_PROGRESS }, call);
  const settled = Promise.allSettled(hanging);
  for (const callee of [connection, handle]) {
    await assert.rejects(callee.size(""), { group: "actor", code: "overloaded", retryable: true });
  }
  controller.abort();
  const outcomes = await settled;
  assert.ok(outcomes.every(({ status }) => status === "rejected"));
  for (;;) {
    const size = await connection.size("abc").catch((error: { code: string }) => error.code);
    if (size === 3) break;
    assert.equal(size, "overloaded");
  }
  await client.dispose();
});

test("an actor whose mailbox is full refuses further calls at once, and loses none that it took", async () => {
  const client = createClient<typeof registry>(server.url);
  const handle = client.bulk.getOrCreate("full");
  const connection = handle.connect();
  await connection.nap();
  // It does not wake yet, so these wait: one wakes it, the others fill the mailbox and the socket.
  let answered = 0;
  const waiting = Array.from({ length: MAILBOX + 500 }, () => connection.size("x").then(() => answered++));
  let refused: { code: string } | undefined;
  while (refused === undefined && answered === 0) {
    const patience = AbortSignal.timeout(50);
    const outcome = await handle
      .action({ name: "size", args: [""], signal: patience })
      .catch((error: { code: string }) => error);
    if (typeof outcome === "object" && outcome.code !== "aborted") refused = outcome;
  }
  assert.equal(refused?.code, "overloaded");
  assert.equal(answered, 0);
  await client.porter.getOrCreate().open("full");
  await Promise.all(waiting);
  assert.equal(await handle.wakes(), 2);
  await client.dispose();
});

test("a client that does not read is let go, and the others hear everything", async () => {
  const client = createClient<typeof registry>(server.url);
  const handle = client.bulk.getOrCreate("slow");
  const connection = handle.connect();
  let heard = 0;
  connection.on("lump", () => heard++);
  await connection.ready;
  const url = `${await handle.getGatewayUrl()}`.replace("http", "ws").replace("?", "/connect?");
  const socket = new WebSocket(url, ["rivet", "rivet_encoding.json"]);
  await new Promise((resolve) => socket.once("message", resolve));
  const subscribe = { tag: "SubscriptionRequest", val: { eventName: "lump", subscribe: true } };
  socket.send(JSON.stringify({ body: subscribe }));
  const request = { tag: "ActionRequest", val: { id: 1, name: "size", args: [""] } };
  socket.send(JSON.stringify({ body: request }));
  await new Promise((resolve) => socket.once("message", resolve));
  socket.pause();
  const closed = new Promise<[number, string]>((resolve) =>
    socket.once("close", (code, reason) => resolve([code, String(reason)])),
  );
  const lumps = 300;
  for (let n = 0; n < lumps; n += 10) await connection.tell(200 * 1024, 10);
  assert.equal(await handle.size("a"), 1);
  socket.resume();
  assert.deepEqual(await closed, [1008, "actor.client_too_slow"]);
  assert.equal(heard, lumps);
  await client.dispose();
});
