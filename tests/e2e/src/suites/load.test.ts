/**
 * Much of everything at once, against a server process. `GREENROOM_LOAD=full` makes it ten thousand connections and a
 * thousand subscribers; without it there is less of all.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { createClient } from "../harness/client.js";
import { crowd, handshake } from "../harness/crowd.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import { Vitals } from "../harness/vitals.js";
import type { registry } from "../server/load-registry.js";

const IS_FULL = process.env.GREENROOM_LOAD === "full";
const ON_BUN = process.env.GREENROOM_E2E_RUNTIME === "bun";
/** As many of something as the run has room for. */
const many = (full: number, usual: number, bun = Math.ceil(usual / 2)) =>
  IS_FULL ? full : ON_BUN ? bun : usual;
const MB = 1024 * 1024;
const skip = process.platform === "linux" ? false : "looks into /proc";

let server: ServerProcess;
let vitals: Vitals;
let client: ReturnType<typeof createClient<typeof registry>>;
before(async () => {
  if (skip) return;
  server = await ServerProcess.start({
    script: join(DIST, "server/load-main.js"),
    env: { NODE_OPTIONS: "--expose-gc" },
  });
  client = createClient<typeof registry>(server.url);
  // A small one of each first, so that everything is loaded that stays.
  const members = await crowd(server.port, "room", "warm", 200);
  for (const member of members) member.subscribe("news");
  await client.room.getOrCreate(["warm"]).tell(0, 64, 1024);
  await Promise.all(members.map((member) => member.leave()));
  await Promise.all(upTo(64).map((n) => client.sleeper.getOrCreate([`warm ${n}`]).add()));
  vitals = await Vitals.atRest(pid(), look);
});
after(async () => {
  await client?.dispose();
  await server?.dispose();
});

const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);
const look = () => client.gauge.getOrCreate().look();

function pid(): number {
  if (server.pid === undefined) throw new Error("the server runs");
  return server.pid;
}

/** Waits until the server is as it was, and says how much memory it has kept. */
async function isBack(t: TestContext): Promise<void> {
  const kept = await vitals.areBack();
  t.diagnostic(`${Math.round(kept / MB)} MB more than at rest`);
}

/** Most of what was in memory while `work` was done, beyond what is at rest. */
async function peakOf(work: Promise<unknown>): Promise<number> {
  let peak = 0;
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    peak = Math.max(peak, await vitals.grown());
    await new Promise((next) => setTimeout(next, 20));
  }
  await over;
  return Math.max(peak, await vitals.grown());
}

test("idle connections cost little, hear what they should, and leave nothing behind", { skip }, async (t) => {
  const count = many(10_000, 1_000);
  const room = client.room.getOrCreate(["idle"]);
  const members = await crowd(server.port, "room", "idle", count);
  const each = (await vitals.grown()) / count;
  t.diagnostic(`${count} connections, ${Math.round(each / 1024)} kB each`);
  assert.ok(each < 64 * 1024, `${each} bytes for an idle connection`);
  const heard = members.map(() => 0);
  for (const [index, member] of members.entries()) {
    member.subscribe("news");
    member.listen((message) => {
      heard[index] = (heard[index] ?? 0) + Number(message.includes('"news"'));
    });
  }
  assert.equal(await room.add(), 1);
  // Who is told last has been told after all others have subscribed.
  await eventually(
    async () => {
      await room.tell(0, 1, 10);
      assert.ok(heard.every((times) => times > 0));
    },
    { within: 60_000, every: 200 },
  );
  await Promise.all(members.map((member, index) => (index % 2 === 0 ? member.leave() : member.reset())));
  await isBack(t);
});

test("a storm of connections that come, go and hang does not disturb calls", { skip }, async (t) => {
  const waves = many(10, 3);
  const count = many(2_000, 400);
  let isOver = false;
  let added = 0;
  const room = client.room.getOrCreate(["calm"]).connect();
  const calling = Promise.all(
    upTo(4).map(async () => {
      while (!isOver) {
        await room.add();
        added += 1;
      }
    }),
  );
  for (let wave = 0; wave < waves; wave++) {
    const silent = upTo(count / 4).map(() => connect(server.port, "127.0.0.1"));
    const halves = upTo(count / 4).map((n) => half(n));
    const members = await crowd(server.port, "room", `storm-${wave % 5}`, count / 2);
    await Promise.all([...silent, ...halves].map(reset));
    await Promise.all(members.map((member, index) => (index % 2 === 0 ? member.leave() : member.reset())));
  }
  isOver = true;
  await calling;
  assert.equal(await room.count(), added, "each call that was answered happened once, and no other");
  await room.dispose();
  t.diagnostic(`${waves * count} connections, ${added} calls meanwhile`);
  await isBack(t);
});

/** A connection that says a part of what it has to say. */
function half(n: number): Socket {
  const socket = connect(server.port, "127.0.0.1");
  const whole = handshake("room", { "rvt-key": "half" });
  // Every other one says all of it, and does not wait for an answer.
  socket.write(n % 2 === 0 ? whole.slice(0, 1 + (n % (whole.length - 2))) : whole);
  return socket;
}

async function reset(socket: Socket): Promise<void> {
  socket.on("error", () => {});
  if (socket.connecting) await Promise.race([once(socket, "connect"), once(socket, "close")]);
  if (socket.destroyed) return;
  const closed = once(socket, "close");
  socket.resetAndDestroy();
  await closed;
}

test("of a thousand subscribers one is stalled: all others get everything, in order", { skip }, async (t) => {
  const count = many(1_000, 100);
  const room = client.room.getOrCreate(["stalled"]);
  const [stalled, ...members] = await crowd(server.port, "room", "stalled", count);
  assert.ok(stalled !== undefined);
  for (const member of [stalled, ...members]) {
    member.subscribe("news");
    await member.call("count", []);
  }
  const next = members.map(() => 0);
  let wrong = 0;
  for (const [index, member] of members.entries()) {
    member.listen((message) => {
      const number = Number(/"number":(\d+)/.exec(message)?.[1]);
      if (number !== next[index]) wrong += 1;
      next[index] = number + 1;
    });
  }
  stalled.stall();
  const SIZE = 16 * 1024;
  const told = 512;
  const telling = (async () => {
    for (let first = 0; first < told; first += 16) {
      await room.tell(first, 16, SIZE);
      await eventually(() => assert.ok(next.every((number) => number === first + 16)), { within: 60_000 });
    }
  })();
  const peak = await peakOf(telling);
  assert.equal(wrong, 0);
  // The actor has let go of it, and of what waited for it.
  assert.equal(await room.here(), count - 1);
  stalled.resume();
  await stalled.ended;
  assert.equal(stalled.closeCode, 1008);
  t.diagnostic(`${(count - 1) * told} events heard, at most ${Math.round(peak / MB)} MB more than at rest`);
  await Promise.all(members.map((member) => member.leave()));
  await isBack(t);
});

test("an actor that says more than anybody reads goes on, and its memory is bounded", { skip }, async (t) => {
  const count = many(100, 20);
  const room = client.room.getOrCreate(["loud"]);
  for (const name of ["noise", "level"] as const) {
    const members = await crowd(server.port, "room", "loud", count);
    for (const member of members) {
      member.subscribe(name);
      await member.call("count", []);
      member.stall();
    }
    const said = many(60_000, 20_000);
    const size = 2048;
    let answered = 0;
    const shouting = room.shout(name, said, size).then(async () => {
      // It speaks with others as before.
      answered += await room.add();
    });
    const peak = await peakOf(shouting);
    t.diagnostic(
      `${name}: ${Math.round((said * size) / MB)} MB said to ${count} each, at most ${Math.round(peak / MB)} MB more`,
    );
    assert.ok(answered > 0);
    // What waits is the same for all, so it is there once, and the limit of one is about that of all.
    assert.ok(peak < 150 * MB, `${peak} bytes more than at rest`);
    const isKept = name === "level";
    assert.equal(await room.here(), isKept ? count : 0);
    for (const member of members) member.resume();
    if (!isKept) await Promise.all(members.map((member) => member.ended));
    assert.ok(members.every((member) => member.closeCode === (isKept ? undefined : 1008)));
    await Promise.all(members.map((member) => (isKept ? member.leave() : undefined)));
  }
  await isBack(t);
});

test("an actor that is asked too much says so, and runs what it took once", { skip }, async (t) => {
  const desk = client.desk.getOrCreate(["overflow"]);
  const names = upTo(many(16_000, 10_000, 10_000)).map((n) => `call ${n}`);
  const connections = upTo(8).map(() => desk.connect());
  t.after(() => Promise.all(connections.map((connection) => connection.dispose())));
  await Promise.all(connections.map((connection) => connection.ready));
  const outcomes = names.map(async (name, index) => {
    try {
      return await (connections[index % 8] ?? assert.fail()).serve(name);
    } catch (error) {
      const { group, code, retryable } = error as { group: string; code: string; retryable: boolean };
      assert.deepEqual({ group, code, retryable }, { group: "actor", code: "overloaded", retryable: true });
      return undefined;
    }
  });
  // It takes no more than it can have in progress, and refuses the others at once.
  await outcomes.at(-1);
  await client.gauge.getOrCreate().openDesk();
  const served = (await Promise.all(outcomes)).filter((name) => name !== undefined);
  const refused = names.length - served.length;
  t.diagnostic(`${served.length} served, ${refused} refused`);
  assert.ok(refused > 0 && served.length > 0);
  const taken = new Set(served);
  const ran = await Promise.all(
    upTo(Math.ceil(names.length / 1000)).map((n) =>
      client.gauge.getOrCreate().runs(names.slice(n * 1000, (n + 1) * 1000)),
    ),
  );
  assert.deepEqual(
    ran.flat(),
    names.map((name) => (taken.has(name) ? 1 : 0)),
  );
  assert.equal((await desk.done()).length, taken.size);
  await Promise.all(connections.map((connection) => connection.dispose()));
  await isBack(t);
});

test("actors that wake all at once all answer, and all sleep again", { skip }, async (t) => {
  const count = many(5_000, 500);
  for (const round of [1, 2]) {
    // Fewer requests at once than there are actors: HTTP clients reuse connections, and lose requests when those have
    // idled for too long on a busy machine.
    for (let first = 0; first < count; first += 500) {
      const keys = upTo(Math.min(500, count - first)).map((n) => `s ${first + n}`);
      const answers = await Promise.all(keys.map((key) => client.sleeper.getOrCreate([key]).add()));
      assert.ok(answers.every((answer) => answer === round));
    }
    await eventually(async () => assert.equal((await look()).awake, 0), { within: 60_000 });
  }
  await isBack(t);
});

test("events of a megabyte for many are in memory once", { skip }, async (t) => {
  const count = many(200, 30);
  const room = client.room.getOrCreate(["large"]);
  const members = await crowd(server.port, "room", "large", count);
  let heard = 0;
  for (const member of members) {
    member.subscribe("news");
    await member.call("count", []);
    member.listen(() => {
      heard += 1;
    });
  }
  const told = 20;
  const telling = (async () => {
    for (let number = 0; number < told; number++) {
      await room.tell(number, 1, 1_000_000);
      await eventually(() => assert.equal(heard, (number + 1) * count), { within: 60_000 });
    }
  })();
  const peak = await peakOf(telling);
  t.diagnostic(`${heard} events of a megabyte, at most ${Math.round(peak / MB)} MB more than at rest`);
  assert.ok(peak < 150 * MB, `${peak} bytes more than at rest`);
  await Promise.all(members.map((member) => member.leave()));
  await isBack(t);
});

test("slow uploads and answers that are read half hold up nobody", { skip }, async (t) => {
  const count = many(500, 150, 80);
  const files = client.files.getOrCreate(["files"]);
  const uploads = upTo(count).map(() => upload());
  const downloads = await Promise.all(upTo(count).map(() => download(1_000)));
  const peak = await vitals.grown();
  t.diagnostic(`${count} uploads, ${count} answers of 64 MB, ${Math.round(peak / MB)} MB more than at rest`);
  // Each answer has a window, and what the server writes at once.
  assert.ok(peak < 100 * MB + count * MB, `${peak} bytes more than at rest`);
  assert.equal(await files.taken(), 0);
  // Every other one comes to its end.
  const ends = uploads.map(async ({ asked, ended }, index) => {
    if (index % 2 === 0) asked.end("b".repeat(1024));
    else asked.destroy();
    return await ended;
  });
  const bodies = await Promise.all(ends);
  assert.deepEqual(
    bodies,
    bodies.map((_, index) => (index % 2 === 0 ? "2048" : "broken off")),
  );
  assert.equal(await files.taken(), Math.ceil(count / 2));
  for (const response of downloads) response.destroy();
  await isBack(t);
});

/** A body whose first half is sent. */
function upload() {
  const asked = request(`${server.url}/gateway/files/request/?${filesQuery}`, {
    agent: false,
    method: "POST",
    headers: { "content-length": 2048 },
  });
  const ended = (async () => {
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) text += chunk as string;
    return text;
  })().catch(() => "broken off");
  asked.on("error", () => {});
  asked.write("a".repeat(1024));
  return { asked, ended };
}

/** An answer whose beginning is read. */
async function download(pieces: number): Promise<IncomingMessage> {
  const asked = request(`${server.url}/gateway/files/request/?${filesQuery}&pieces=${pieces}`, {
    agent: false,
  });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.on("error", () => {});
  await once(response, "readable");
  return response;
}

const filesQuery = "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=files";
