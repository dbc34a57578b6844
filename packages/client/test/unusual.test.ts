import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@greenroom/client";
import { loadCompleteCodec } from "../dist/codec/usual.js";
import { BareReader } from "../dist/protocol/bare.js";
import { FakeClock, settle } from "./support/fake-clock.js";
import { fakeWebSockets } from "./support/fake-socket.js";

/** The name and arguments of a call, from the hex of its frame. */
function callIn(frame: string): readonly [id: number, args: unknown] {
  const reader = new BareReader(Buffer.from(frame, "hex"));
  assert.equal(reader.uint(), 0);
  const id = reader.uint();
  reader.str();
  return [id, reader.value()];
}

// All in one test: in a process, the complete codec is loaded only once.
test("calls with unusual values wait for the complete codec, and later calls for them", async () => {
  const clock = new FakeClock();
  const { sockets, WebSocket } = fakeWebSockets();
  const posted: { readonly url: string; readonly body: Uint8Array }[] = [];
  const client = createClient({
    endpoint: "http://host:1",
    disableMetadataLookup: true,
    runtime: {
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      loadWebSocket: async () => WebSocket,
      fetch: async (url, init) => {
        posted.push({ url: String(url), body: init?.body as Uint8Array });
        return new Response(new Uint8Array([4, 0, 1, 0x05]));
      },
    },
  });
  const conn = client.getOrCreate("lot", "9").connect();
  const early = conn.action({ name: "bid", args: [/early/] });
  await settle();
  const [socket] = sockets;
  assert.ok(socket);
  assert.deepEqual(socket.sent, [], "nothing is sent before Init");

  const list = [1];
  const refused = conn.action({ name: "bid", args: [{ deep: [() => {}] }] });
  const late = conn.action({ name: "bid", args: [list] });
  list.push(2);
  socket.init();
  const after = conn.action({ name: "bid", args: [new RangeError("no")] });
  const overHttp = client.getOrCreate("lot", "9", { createWithInput: /input/ }).action({
    name: "bid",
    args: [/http/],
  });

  await assert.rejects(refused, /^TypeError: args\[0\]\.deep\[0\] is a function/);
  assert.equal(await overHttp, 5);
  await loadCompleteCodec();
  // Whether the refused call has taken a number depends on when the codec was there.
  const calls = socket.sent.map(callIn);
  assert.deepEqual(
    calls.map(([, args]) => args),
    [[/early/], [[1]], [new RangeError("no")]],
  );
  const [post] = posted;
  assert.ok(post);
  assert.deepEqual(new BareReader(post.body).value(), [/http/]);
  assert.match(post.url, /&rvt-input=2BuDZlJlZ0V4cGVpbnB1dGA&/);

  for (const [id] of calls) socket.response(id, true);
  assert.deepEqual(await Promise.all([early, late, after]), [true, true, true]);
  const closing = client.dispose();
  socket.drop(1000);
  await closing;
});
