/** Sockets through servers that are not ours: who answers what, and what is said to those who get it wrong. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { createClient } from "@greenroom/client";
import { WebSocket } from "ws";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { freePort, ServerProcess } from "../harness/server.js";
import { registry as mounted, type registry } from "../server/mounted-registry.js";

const script = join(DIST, "server/mounted-main.js");
let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script });
});
after(() => server.dispose());

const CONNECT =
  "/gateway/counter/connect?rvt-namespace=default&rvt-method=getOrCreate&rvt-key=raw&rvt-runner=default";
const HANDSHAKE =
  "host: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n" +
  "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/** Sends `text`, and gives what comes until the connection ends. */
async function tell(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(text, "latin1");
  return heard(socket);
}

async function heard(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("latin1").on("data", (piece: string) => {
    text += piece;
  });
  await once(socket, "close");
  return text;
}

function client(t: TestContext, url: string, transport?: "sse" | "websocket") {
  const made = createClient<typeof registry>({ endpoint: url, ...(transport && { transport }) });
  t.after(() => made.dispose());
  return made;
}

test("connections use WebSockets below each of the usual base paths", async (t) => {
  for (const base of ["/api/rivet", "/api/greenroom", ""]) {
    const conn = client(t, server.url + base, "websocket")
      .counter.getOrCreate(`path${base}`)
      .connect();
    const events: number[] = [];
    conn.on("n", (n: number) => events.push(n));
    assert.equal(await conn.add(2), 2);
    await eventually(() => assert.deepEqual(events, [2]));
  }
});

test("the program's own routes and sockets are left alone", async () => {
  assert.equal(await (await fetch(`${server.url}/own`)).text(), "mine");
  const own = new WebSocket(`${server.url.replace("http", "ws")}/own`);
  const [said] = await once(own, "message");
  assert.equal(String(said), "mine");
  own.close();
});

test("with a base path only what is below it is ours", async (t) => {
  const own = await ServerProcess.start({ script, env: { BASE_PATH: "/actors" } });
  t.after(() => own.dispose());
  const conn = client(t, `${own.url}/actors`, "websocket").counter.getOrCreate("k").connect();
  assert.equal(await conn.add(1), 1);
  for (const path of [`/api/rivet${CONNECT}`, CONNECT, `/actorsx${CONNECT}`]) {
    const refused = await tell(own.port, `GET ${path} HTTP/1.1\r\n${HANDSHAKE}`);
    assert.match(refused, /^HTTP\/1\.1 404 [\s\S]*not mine/, path);
  }
});

test("a path below the base path that is none is answered, and the connection ends", async () => {
  const answer = await tell(server.port, `GET /api/rivet/nowhere HTTP/1.1\r\n${HANDSHAKE}`);
  assert.match(answer, /^HTTP\/1\.1 404 /);
  assert.match(answer, /"code":"no_route"/);
});

test("a second request on a connection that was handed over is not answered", async () => {
  // The program's own server would not have seen it.
  const request = `GET /api/rivet/health HTTP/1.1\r\n${HANDSHAKE}`;
  const answers = await tell(server.port, request + request);
  assert.equal(answers.match(/HTTP\/1\.1 /g)?.length, 1, answers);
});

test("a handshake that is none is refused with a reason", async () => {
  const answer = await tell(
    server.port,
    `GET /api/rivet${CONNECT} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 4\d\d /);
});

test("a path that begins with two slashes names no host", async () => {
  for (const prefix of ["//x", "//", "//x:80"]) {
    const target = `${prefix}/api/rivet`;
    const refused = await tell(server.port, `GET ${target}${CONNECT} HTTP/1.1\r\n${HANDSHAKE}`);
    assert.match(refused, /^HTTP\/1\.1 404 [\s\S]*not mine/, target);
    const answer = await tell(
      server.port,
      `GET ${target}/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 404 [\s\S]*guard/, target);
  }
  const absolute = "GET http://x/api/rivet/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
  assert.match(await tell(server.port, absolute), /^HTTP\/1\.1 200 /);
});

test("what is sent right behind the handshake is not lost", async () => {
  const ping = "\x89\x82\0\0\0\0hi";
  const close = "\x88\x82\0\0\0\0\x03\xe8";
  const answer = await tell(server.port, `GET /api/rivet${CONNECT} HTTP/1.1\r\n${HANDSHAKE}${ping}${close}`);
  assert.match(answer, /^HTTP\/1\.1 101 /);
  assert.ok(answer.includes("\x8a\x02hi") && answer.endsWith("\x88\x02\x03\xe8"), JSON.stringify(answer));
});

test("the address of the client is known, to hooks and limits", async (t) => {
  const own = client(t, `${server.url}/api/rivet`);
  assert.equal(await own.counter.getOrCreate("address").who(), "127.0.0.1");
  assert.equal(await own.counter.getOrCreate("address").connect().who(), "127.0.0.1");
});

test("without the sockets mounted, clients use event streams by themselves", async (t) => {
  const own = await ServerProcess.start({ script, env: { WITHOUT_SOCKETS: "1" } });
  t.after(() => own.dispose());
  const conn = client(t, `${own.url}/api/rivet`).counter.getOrCreate("k").connect();
  const events: number[] = [];
  conn.on("n", (n: number) => events.push(n));
  assert.equal(await conn.add(1), 1);
  await eventually(() => assert.deepEqual(events, [1]));
});

test("a socket that is handed over twice is an error of the program's", async () => {
  await tell(server.port, `GET /twice${CONNECT} HTTP/1.1\r\n${HANDSHAKE}\x88\x82\0\0\0\0\x03\xe8`);
  await eventually(() => assert.match(server.stderr, /twice: request\.invalid this socket was handed over/));
});

test("what is no upgrade of Node's is an error of the program's", () => {
  for (const wrong of [[], [{}, {}, new Uint8Array()], [{ rawHeaders: [] }, { on() {} }, "head"]]) {
    assert.throws(() => Reflect.apply(mounted.upgrade, undefined, wrong), {
      group: "request",
      code: "invalid",
      message: /\(request, socket, head\)/,
    });
  }
});

test("sockets that come after a shutdown are told so", async (t) => {
  const own = await ServerProcess.start({ script });
  t.after(() => own.dispose());
  const conn = client(t, `${own.url}/api/rivet`, "websocket").counter.getOrCreate("k").connect();
  assert.equal(await conn.add(1), 1);
  assert.equal((await fetch(`${own.url}/shutdown`)).status, 202);
  const answer = await tell(own.port, `GET /api/rivet${CONNECT} HTTP/1.1\r\n${HANDSHAKE}`);
  assert.match(answer, /^HTTP\/1\.1 503 [\s\S]*x-rivet-error: actor\.restarting[\s\S]*"code":"restarting"/);
});

test("a registry that cannot start says so to sockets, and answers when it can", async (t) => {
  const port = await freePort();
  const own = await ServerProcess.start({ script, port, env: { BROKEN_ONCE: "1" } });
  t.after(() => own.dispose());
  const answer = await tell(port, `GET /api/rivet${CONNECT} HTTP/1.1\r\n${HANDSHAKE}`);
  assert.match(answer, /^HTTP\/1\.1 503 [\s\S]*guard\.service_unavailable/);
  assert.equal((await fetch(`${own.url}/repair`)).status, 204);
  const conn = client(t, `${own.url}/api/rivet`, "websocket").counter.getOrCreate("k").connect();
  assert.equal(await conn.add(1), 1);
});

test("clients that go away at any moment leave nothing behind", async (t) => {
  const text = Buffer.from(`GET /api/rivet${CONNECT} HTTP/1.1\r\n${HANDSHAKE}\x89\x82\0\0\0\0hi`, "latin1");
  for (let cut = 1; cut <= text.length; cut += 7) {
    const socket = connect(server.port, "127.0.0.1");
    socket.write(text.subarray(0, cut), () => socket.destroy());
    await once(socket, "close");
  }
  const own = client(t, `${server.url}/api/rivet`);
  await eventually(async () => assert.equal(await own.counter.getOrCreate("raw").connections(), 0));
});
