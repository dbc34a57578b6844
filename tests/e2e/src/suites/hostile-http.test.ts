/** Requests that no library would send, byte by byte, and clients that do not read. `HOSTILE_LONG=1` waits for limits of time. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent } from "node:http";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { send } from "../bad-input/raw-http.js";
import { openFiles, residentBytes } from "../bad-input/resident.js";
import { action, connect, query } from "../bad-input/urls.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import { dial, heard, tell } from "../hostile/tcp.js";
import { HANDSHAKES, WIRE_CASES, type WireCase } from "../hostile/wire-cases.js";

const MIB = 1024 * 1024;
let server: ServerProcess;
/** One connection, kept: what others do must not cost it. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/hostile-main.js") });
  await goodCall();
});
after(async () => {
  agent.destroy();
  await server.dispose();
});

let count = 0;
/** An ordinary call, which has to work and to have run exactly as often as it was made. */
async function goodCall(): Promise<void> {
  count += 1;
  const call = { path: action("increment", { changes: { "rvt-key": "good" } }), body: '{"args":[1]}' };
  const answer = await send(server.port, call, agent);
  assert.equal(answer.body.toString(), JSON.stringify({ output: count }));
}

async function check({ request, status, code }: WireCase): Promise<void> {
  const said = await tell(server.port, request);
  assert.equal(said.isReset, false, said.text);
  assert.ok(status.includes(said.status), `${said.status}: ${said.text.slice(0, 200)}`);
  if (code !== undefined) assert.match(said.text, new RegExp(`"code":"${code}"`));
}

describe("requests byte by byte", () => {
  afterEach(goodCall);
  for (const each of WIRE_CASES) {
    test(`${each.what} gets ${each.status.join(" or ")}`, () => check(each));
  }
});

describe("handshakes byte by byte", () => {
  afterEach(goodCall);
  for (const each of HANDSHAKES) {
    test(`${each.what} gets ${each.status}`, () => check({ ...each, request: closing(each.request) }));
  }
});

/** The same, whose sender wants the connection to end. */
function closing(request: string): string {
  return request.replace("connection: upgrade", "connection: close, upgrade");
}

const line = (target: string, headers = "", method = "GET") =>
  `${method} ${target} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}\r\n`;

describe("many at once, and few bytes", () => {
  afterEach(goodCall);

  test("hundreds of requests at once are answered in order", async () => {
    const calls = Array.from({ length: 400 }, (_, n) => {
      const body = JSON.stringify({ args: [n] });
      const end = n === 399 ? "connection: close\r\n" : "";
      return line(action("echo"), `content-length: ${body.length}\r\n${end}`, "POST") + body;
    });
    const { text } = await tell(server.port, calls.join(""));
    const outputs = [...text.matchAll(/\{"output":(\d+)\}/g)].map(([, output]) => Number(output));
    assert.deepEqual(
      outputs,
      Array.from({ length: 400 }, (_, n) => n),
    );
  });

  test("a client that has said all may say so, and is not cut off", async () => {
    // Whoever hangs up is taken for gone: what is under way need not be answered. It ends, however.
    const health = await tell(server.port, line("/health"), true);
    assert.equal(health.isReset, false);
    assert.ok([0, 200].includes(health.status), String(health.status));
    for (const headers of [
      "content-length: 12\r\n",
      "content-length: 100\r\n",
      "transfer-encoding: chunked\r\n",
    ]) {
      const { isReset } = await tell(
        server.port,
        `${line(action("echo"), headers, "POST")}{"args":[1]}`,
        true,
      );
      assert.equal(isReset, false);
    }
  });

  test("nothing at all, half a line and half a head end with the client", async () => {
    for (const beginning of ["", "G", "GET /health HTTP/1.1\r\n", "GET /health HTTP/1.1\r\nhost: 127.0"]) {
      const { isReset } = await tell(server.port, beginning, true);
      assert.equal(isReset, false, beginning);
    }
  });
});

describe("clients that do not read", { skip: process.platform !== "linux" }, () => {
  afterEach(goodCall);

  test("what they asked for waits on their side, not in memory", async () => {
    const before = await residentBytes(server.pid ?? 0);
    const large = line(`/gateway/counter/request/large?size=${64 * MIB}&${query()}`);
    const sockets = await Promise.all(Array.from({ length: 8 }, () => dial(server.port)));
    for (const socket of sockets) {
      socket.pause();
      socket.write(large);
    }
    const flood = await dial(server.port);
    flood.pause();
    flood.on("error", () => {});
    // The server stops reading when nobody takes its answers.
    let isStuck = false;
    const many = Buffer.from(line("/health").repeat(1000));
    for (let sent = 0; sent < 64 * MIB && !isStuck; sent += many.length) {
      if (!flood.write(many)) {
        isStuck = await Promise.race([
          once(flood, "drain").then(() => false),
          goodCall()
            .then(goodCall)
            .then(() => flood.writableLength > 4 * MIB),
        ]);
      }
    }
    await goodCall();
    // Each of the handlers holds its own 64 MiB, which are not ours, and for a while perhaps what it made them of.
    await eventually(async () => {
      const grown = (await residentBytes(server.pid ?? 0)) - before - 8 * 64 * MIB;
      assert.ok(grown < 96 * MIB, `the server grew by ${grown} bytes`);
      await goodCall();
    });
    for (const socket of [...sockets, flood]) socket.destroy();
  });
});

describe("slow clients", () => {
  /** Opens many connections that say a byte now and then, and gives a way to end them. */
  async function drip(beginnings: readonly string[], each: number, pause: number) {
    const sockets = await Promise.all(
      beginnings.flatMap((text) => Array.from({ length: each }, () => begin(text))),
    );
    const timer = setInterval(() => {
      for (const { socket } of sockets) if (socket.writable) socket.write("x");
    }, pause);
    const stop = () => {
      clearInterval(timer);
      for (const { socket } of sockets) socket.destroy();
    };
    return { sockets, stop };
  }

  async function begin(text: string) {
    const socket = await dial(server.port);
    const began = Date.now();
    const said = heard(socket).then((end) => ({ ...end, text, after: Date.now() - began }));
    socket.write(text);
    return { socket, said };
  }

  const chunked = line(action("echo"), "transfer-encoding: chunked\r\n", "POST");
  const BEGINNINGS = [
    "GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ",
    line(action("echo"), "content-length: 60000\r\n", "POST"),
    `${chunked}c;`,
    `${chunked}ffff\r\n`,
    `GET ${connect()} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-slow: `,
  ];

  test("keep nobody waiting", async (t) => {
    const { stop } = await drip(BEGINNINGS, 100, 20);
    t.after(stop);
    for (let n = 0; n < 50; n++) await goodCall();
  });

  test("are cut off in time", { skip: process.env.HOSTILE_LONG === undefined }, async (t) => {
    const { sockets, stop } = await drip(BEGINNINGS, 20, 1000);
    t.after(stop);
    for (const { text, status, after } of await Promise.all(sockets.map(({ said }) => said))) {
      assert.ok(after > 29_000, `${text}: ${after} ms`);
      assert.equal(status, text.startsWith("POST") ? 408 : 0, text);
    }
    await goodCall();
  });
});

test("all of it over and over leaves nothing behind", { skip: process.platform !== "linux" }, async () => {
  const { pid } = server;
  assert.ok(pid !== undefined);
  const cases = [...WIRE_CASES, ...HANDSHAKES.map((each) => ({ ...each, request: closing(each.request) }))];
  const round = () => Promise.all(cases.map(({ request }) => tell(server.port, request)));
  for (let n = 0; n < 5; n++) await round();
  const [bytes, files] = [await residentBytes(pid), await openFiles(pid)];
  for (let n = 0; n < 20; n++) await round();
  const grown = (await residentBytes(pid)) - bytes;
  assert.ok(grown < 48 * MIB, `the server grew by ${grown} bytes`);
  await eventually(async () => assert.ok((await openFiles(pid)) <= files + 4, "sockets are left"));
  await goodCall();
  assert.doesNotMatch(server.stderr, /panicked|RangeError|TypeError/);
});
