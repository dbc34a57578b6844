/** What coming back looks like on the wire: to other clients, to clients that claim what they should not, by hand. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "../bad-input/urls.js";
import { TestSocket } from "../bad-input/ws-client.js";
import { createClient } from "../harness/client.js";
import { RawEventStream } from "../harness/event-stream.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/resume-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/resume-main.js") });
});
after(() => server.dispose());

const speakerOf = (key: string) => createClient<typeof registry>(server.url).feed.getOrCreate(key);

type Body = { readonly tag: string; readonly val: Readonly<Record<string, unknown>> };

const OURS = ["rivet", "rivet_encoding.json", "greenroom.1"];
const PARAMS = `rivet_conn_params.${encodeURIComponent('{"name":"raw"}')}`;

function open(key: string, ...more: readonly string[]): Promise<TestSocket> {
  const path = connect({ actor: "feed", changes: { "rvt-key": key } });
  return TestSocket.open(server.port, path, [PARAMS, ...more]);
}

async function read(socket: TestSocket): Promise<Body> {
  return (JSON.parse(String(await socket.next())) as { readonly body: Body }).body;
}

const say = (socket: TestSocket, tag: string, val: object) =>
  socket.send(JSON.stringify({ body: { tag, val } }));

const number = (value: number) => ["$BigInt", String(value)];

/** The proof of a connection that begins, and its socket. */
async function begin(key: string): Promise<{ socket: TestSocket; proof: string }> {
  const socket = await open(key, ...OURS);
  const { val } = await read(socket);
  const proof = /^1 resume\.([0-9a-f]{48})\.0$/.exec(String(val.extensions))?.[1];
  assert.ok(proof, String(val.extensions));
  return { socket, proof };
}

test("other clients see nothing of it, whatever they say", async () => {
  for (const protocols of [
    ["rivet", "rivet_encoding.json"],
    ["rivet", "rivet_encoding.json", `greenroom_resume.${"0".repeat(48)}.0`],
  ]) {
    const socket = await open("others", ...protocols);
    const init = await read(socket);
    assert.deepEqual(Object.keys(init.val).sort(), ["actorId", "connectionId"]);
    say(socket, "SubscriptionRequest", { eventName: "tick", subscribe: true });
    say(socket, "ActionRequest", { id: number(1), name: "shout", args: ["tick", "hello"] });
    assert.deepEqual(await read(socket), { tag: "Event", val: { name: "tick", args: ["hello"] } });
    assert.equal((await read(socket)).tag, "ActionResponse");
    socket.close();
  }
});

test("clients of ours are told numbers, and where subscriptions begin", async () => {
  const { socket, proof } = await begin("ours");
  await speakerOf("ours").say("tick", "before");
  say(socket, "SubscriptionRequest", { eventName: "tick", subscribe: true });
  assert.deepEqual(await read(socket), { tag: "Subscribed", val: { number: number(1), eventName: "tick" } });
  await speakerOf("ours").say("tick", "2", "3");
  const event = (count: number) => ({
    tag: "Event",
    val: { name: "tick", args: [String(count)], number: number(count) },
  });
  assert.deepEqual([await read(socket), await read(socket)], [event(2), event(3)]);
  const back = await open("ours", ...OURS, `greenroom_resume.${proof}.2`);
  assert.equal((await read(back)).val.extensions, `1 resume.${proof}.2`);
  assert.deepEqual(await socket.ended, { code: 1008, reason: "connection.replaced" });
  say(back, "ResumeRequest", { events: ["tick"] });
  assert.deepEqual(await read(back), event(3));
  back.close();
});

test("claims that are none end the attempt", async () => {
  const proof = "0".repeat(48);
  for (const claim of [
    "",
    "x",
    proof,
    `${proof}.`,
    `${proof}.-1`,
    `${proof}.1e3`,
    `${proof}.${"9".repeat(30)}`,
  ]) {
    const socket = await open("claims", ...OURS, `greenroom_resume.${claim}`);
    assert.equal((await socket.ended).reason, "actor.invalid_request", claim);
  }
});

test("whoever claims to be another, or to be ahead, hears what begins", async () => {
  const { socket, proof } = await begin("foreign");
  socket.close();
  const stranger = await open("elsewhere", ...OURS, `greenroom_resume.${proof}.0`);
  const fresh = String((await read(stranger)).val.extensions);
  assert.ok(!fresh.includes(proof), "a proof is of one actor");
  stranger.close();
  const ahead = await open("foreign", ...OURS, `greenroom_resume.${proof}.18446744073709551615`);
  await read(ahead);
  say(ahead, "ResumeRequest", { events: ["tick"] });
  const from = ["$BigInt", "18446744073709551615"];
  const resync = { tag: "Resync", val: { number: number(0), reason: "unknown", from } };
  assert.deepEqual(await read(ahead), resync);
  ahead.close();
});

test("what a client says that it had subscribed to has limits", async () => {
  for (const events of [Array(65).fill("tick"), ["e".repeat(257)], [1], "tick", { 0: "tick" }, null]) {
    const { socket } = await begin("limits");
    say(socket, "ResumeRequest", { events });
    const { reason } = await socket.ended;
    assert.equal(reason, "actor.invalid_request", JSON.stringify(events)?.slice(0, 40));
  }
  // As many as there may be, twice, and then one more.
  const { socket, proof } = await begin("limits");
  const names = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => `e${from + index}`);
  const back = await open("limits", ...OURS, `greenroom_resume.${proof}.0`);
  socket.close();
  await read(back);
  // A full message is followed by another one.
  for (let first = 0; first < 1024; first += 64) say(back, "ResumeRequest", { events: names(first, 64) });
  say(back, "ResumeRequest", { events: [] });
  say(back, "ResumeRequest", { events: [...names(0, 1), ...names(5000, 1)] });
  assert.equal((await read(back)).tag, "Subscribed");
  const error = await read(back);
  assert.deepEqual([error.tag, error.val.group, error.val.code], ["Error", "actor", "overloaded"]);
  back.close();
});

test("with an EventSource, ids say where it was, and the query what it hears", async () => {
  const query = `rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=by-hand`;
  const params = `rvt-conn-params=${encodeURIComponent('{"name":"eve"}')}`;
  const url = `${server.url}/gateway/feed/sse?${query}&${params}&rvt-event=tick&rvt-event=tock`;
  const speaker = speakerOf("by-hand");
  const first = await RawEventStream.open(url);
  const init = await first.event();
  assert.match(init.first, /^id: [0-9a-f]{48}\.0$/);
  assert.deepEqual(Object.keys((init.data as { body: Body }).body.val).sort(), [
    "actorId",
    "connectionId",
    "connectionToken",
  ]);
  await speaker.say("tick", "1");
  const { first: id, data } = await first.event();
  assert.deepEqual(data, { body: { tag: "Event", val: { name: "tick", args: ["1"] } } });
  first.close();
  await speaker.say("secret", "nobody asked");
  await speaker.say("tock", "3");
  await speaker.say("tick", "4");
  const last = id.replace("id: ", "");
  const second = await RawEventStream.open(url, { "last-event-id": last });
  const again = await second.event();
  assert.equal(again.first, id, "until it has heard more, it is where it was");
  const proof = last.split(".")[0];
  for (const [text, number] of [
    ["3", 3],
    ["4", 4],
  ] as const) {
    const event = await second.event();
    assert.equal(event.first, `id: ${proof}.${number}`);
    assert.deepEqual((event.data as { body: Body }).body.val.args, [text]);
  }
  second.close();
  // One that was somewhere else, and one with an id that never was one of ours.
  const unknown = await RawEventStream.open(url, { "last-event-id": `${"1".repeat(48)}.7` });
  await unknown.event();
  const [, name, missing] = (await unknown.next()) ?? [];
  assert.deepEqual([name, missing], ["event: resync", 'data: {"from":7,"to":4,"reason":"unknown"}']);
  unknown.close();
  const plain = await RawEventStream.open(url, { "last-event-id": "3" });
  await plain.event();
  await speaker.say("tick", "5");
  assert.match((await plain.event()).first, /\.5$/);
  plain.close();
  await eventually(async () => assert.equal(await speaker.conns(), 0));
});
