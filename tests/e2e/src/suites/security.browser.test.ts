/** What pages of strangers can do, through a real browser, to a server on the machine that the browser runs on. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "../harness/browser.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/security-registry.js";

let browser: Browser;
let pages: Server;
let pagesPort: number;

before(async () => {
  // As the name servers of whoever owns these names could say.
  browser = await launchBrowser(
    "--host-resolver-rules=MAP *.evil.example 127.0.0.1, MAP evil.example 127.0.0.1",
  );
  pages = createServer((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end('<!doctype html><link rel="icon" href="data:,"><title>a page</title>');
  });
  pages.listen(0, "127.0.0.1");
  await once(pages, "listening");
  pagesPort = (pages.address() as AddressInfo).port;
});
after(async () => {
  await browser?.close();
  pages?.closeAllConnections();
  pages?.close();
});

const QUERY =
  "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=k&rvt-crash-policy=sleep";

async function serverWith(env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  const server = await ServerProcess.start({ script: join(DIST, "server/security-main.js"), env });
  after(() => server.dispose());
  return server;
}

async function pageAt(url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  return page;
}

/** All that a page can try without the client, and what came of each: an error's code, a status, or "nothing". */
function attack(page: Page, server: string): Promise<Record<string, string>> {
  return page.evaluate(
    async ({ server, query }) => {
      const of = (path: string) => `${server}/gateway/target${path}?${query}`;
      const codeOf = async (response: Response): Promise<string> => {
        const { group, code } = (await response.json().catch(() => ({}))) as {
          group?: string;
          code?: string;
        };
        return group === undefined ? String(response.status) : `${group}.${code}`;
      };
      const tries: Record<string, () => Promise<string>> = {
        "a call": async () => codeOf(await fetch(of("/action/hit"), { method: "POST", body: '{"args":[]}' })),
        "a call with credentials": async () =>
          codeOf(
            await fetch(of("/action/hit"), { method: "POST", credentials: "include", body: '{"args":[]}' }),
          ),
        "a call with headers of its own": async () =>
          codeOf(
            await fetch(of("/action/hit"), {
              method: "POST",
              headers: { "x-rivet-encoding": "json" },
              body: "{}",
            }),
          ),
        "a call that it cannot read": async () =>
          String(
            (await fetch(of("/action/hit"), { method: "POST", mode: "no-cors", body: '{"args":[]}' })).status,
          ),
        "a raw request": async () => codeOf(await fetch(of("/request/x"))),
        "a look-up": async () => codeOf(await fetch(`${server}/actors?name=target&key=k`)),
        "a list": async () => codeOf(await fetch(`${server}/actors`)),
        "a creation": async () =>
          codeOf(await fetch(`${server}/actors`, { method: "PUT", body: '{"name":"target","key":"k"}' })),
        "an event stream": () =>
          new Promise((resolve) => {
            const stream = new EventSource(of("/sse"));
            stream.onmessage = () => resolve("a message");
            stream.onerror = () => {
              stream.close();
              resolve("nothing");
            };
          }),
        "a socket": () =>
          new Promise((resolve) => {
            const socket = new WebSocket(of("/connect").replace("http", "ws"), [
              "rivet",
              "rivet_encoding.json",
            ]);
            socket.onmessage = ({ data }) => {
              if (String(data).includes("Init")) resolve("a connection");
            };
            socket.onclose = ({ reason }) => resolve(reason || "nothing");
          }),
        "a raw socket": () =>
          new Promise((resolve) => {
            const socket = new WebSocket(of("/websocket/x").replace("http", "ws"), ["rivet"]);
            socket.onopen = () => socket.send("hello");
            socket.onmessage = () => resolve("an echo");
            socket.onclose = ({ reason }) => resolve(reason || "nothing");
          }),
        "an image": () =>
          new Promise((resolve) => {
            const image = new Image();
            image.onerror = () => resolve("nothing");
            image.onload = () => resolve("an image");
            image.src = of("/request/image");
          }),
        "a frame": () =>
          new Promise((resolve) => {
            const frame = document.createElement("iframe");
            frame.onload = () => resolve("nothing");
            frame.src = of("/request/frame");
            document.body.append(frame);
          }),
        "a form": () =>
          new Promise((resolve) => {
            const frame = document.createElement("iframe");
            frame.name = `answer-${Math.random()}`;
            document.body.append(frame);
            const form = document.createElement("form");
            form.method = "post";
            form.action = of("/action/hit");
            form.target = frame.name;
            form.enctype = "text/plain";
            document.body.append(form);
            frame.onload = () => resolve("nothing");
            form.submit();
          }),
      };
      const outcomes: Record<string, string> = {};
      for (const [name, attempt] of Object.entries(tries))
        outcomes[name] = await Promise.race([
          attempt().catch((error: Error) => error.name),
          new Promise<string>((resolve) => setTimeout(() => resolve("no end"), 20_000)),
        ]);
      return outcomes;
    },
    { server, query: QUERY },
  );
}

const clientOf = (server: ServerProcess) => createClient<typeof registry>(server.url);

/** Whether anything has happened to the actor, even only that it exists. */
async function isUntouched(server: ServerProcess): Promise<boolean> {
  const found = await fetch(`${server.url}/actors?name=target&key=k`);
  return ((await found.json()) as { actors: unknown[] }).actors.length === 0;
}

const READ = [
  "a call",
  "a call with credentials",
  "a call with headers of its own",
  "a raw request",
  "a look-up",
  "a list",
  "a creation",
  "a socket",
  "a raw socket",
];

test("a page of a stranger neither reads, calls, wakes nor creates anything", async () => {
  const server = await serverWith();
  const page = await pageAt(`http://www.evil.example:${pagesPort}/`);
  for (const url of [`http://127.0.0.1:${server.port}`, `http://localhost:${server.port}`]) {
    const outcomes = await attack(page, url);
    for (const name of READ) assert.equal(outcomes[name], "guard.origin_not_allowed", `${url}: ${name}`);
    assert.equal(outcomes["an event stream"], "nothing", url);
    assert.equal(outcomes["an image"], "nothing", url);
    assert.equal(outcomes["a call that it cannot read"], "0", "an opaque answer");
    assert.ok(await isUntouched(server), url);
  }
  assert.match(server.stderr, /WARN.*refused a request.*evil\.example/);
});

test("a sandboxed frame, whose origin is null, gets no further", async () => {
  const server = await serverWith();
  const page = await pageAt(`http://localhost:${pagesPort}/`);
  const outcome = await page.evaluate(
    ({ url }) =>
      new Promise<string>((resolve) => {
        addEventListener("message", ({ data }) => resolve(String(data)));
        const frame = document.createElement("iframe");
        frame.sandbox.add("allow-scripts");
        frame.srcdoc = `<script>fetch(${JSON.stringify(url)}, { method: "POST", body: "{}" })
          .then((answer) => answer.json()).then(({ code }) => parent.postMessage(code, "*"), () => parent.postMessage("x", "*"))</script>`;
        document.body.append(frame);
      }),
    { url: `${server.url}/gateway/target/action/hit?${QUERY}` },
  );
  assert.equal(outcome, "origin_not_allowed");
  assert.ok(await isUntouched(server));
});

test("a name that a stranger turns to this machine leads to no answer (DNS rebinding)", async () => {
  const server = await serverWith();
  const page = await pageAt(`http://rebound.evil.example:${server.port}/`);
  assert.match(await page.content(), /host_not_allowed/);
  const outcomes = await attack(page, `http://rebound.evil.example:${server.port}`);
  for (const name of READ) assert.equal(outcomes[name], "guard.host_not_allowed", name);
  assert.equal(outcomes["an event stream"], "nothing");
  for (const path of ["/metadata", "/health", "/"]) {
    const status = await page.evaluate((path) => fetch(path).then((answer) => answer.status), path);
    assert.equal(status, 403, path);
  }
  assert.ok(await isUntouched(server));
});

test("pages of other servers of this machine work, whatever they call it", async () => {
  const server = await serverWith();
  let hits = 0;
  const ways = [
    ["localhost", "127.0.0.1"],
    ["127.0.0.1", "localhost"],
    ["app.localhost", "localhost"],
  ] as const;
  for (const [own, its] of ways) {
    const page = await pageAt(`http://${own}:${pagesPort}/`);
    const outcomes = await attack(page, `http://${its}:${server.port}`);
    for (const name of READ)
      assert.doesNotMatch(outcomes[name] ?? "", /guard|Error/, `${own} to ${its}: ${name}`);
    assert.equal(outcomes["a socket"], "a connection");
    assert.equal(outcomes["a raw socket"], "an echo");
    assert.equal(outcomes["an event stream"], "a message");
    const now = await clientOf(server).target.getOrCreate("k").hits();
    assert.ok(now > hits, "it has called");
    hits = now;
    await page.close();
  }
});

test("a link of a stranger's that somebody follows is a request of theirs", async () => {
  const server = await serverWith();
  const page = await pageAt(`http://www.evil.example:${pagesPort}/`);
  await page.evaluate((href) => {
    location.href = href;
  }, `${server.url}/gateway/target/request/page?${QUERY}`);
  await eventually(async () => assert.match(page.url(), /request\/page/));
  assert.equal(await clientOf(server).target.getOrCreate("k").hits(), 1);
});

test("pages and names that the settings name are welcome", async () => {
  const server = await serverWith({
    GREENROOM_ALLOWED_ORIGINS: `http://friend.evil.example:${pagesPort}`,
    GREENROOM_ALLOWED_HOSTS: "tunnel.evil.example",
  });
  const friend = await pageAt(`http://friend.evil.example:${pagesPort}/`);
  assert.equal((await attack(friend, server.url))["a call"], "200");
  const other = await pageAt(`http://other.evil.example:${pagesPort}/`);
  assert.equal((await attack(other, server.url))["a call"], "guard.origin_not_allowed");
  const tunnel = await pageAt(`http://tunnel.evil.example:${server.port}/`);
  const outcomes = await attack(tunnel, `http://tunnel.evil.example:${server.port}`);
  assert.equal(outcomes["a call"], "200");
  assert.equal(outcomes["a socket"], "a connection");
});

test("a registry that is mounted in a server of the program's own is as closed", async () => {
  const server = await serverWith({ GREENROOM_E2E_MOUNTED: "1" });
  const stranger = await pageAt(`http://www.evil.example:${pagesPort}/`);
  const outcomes = await attack(stranger, server.url);
  const byPages = READ.filter((name) => name !== "a list");
  for (const name of byPages) assert.equal(outcomes[name], "guard.origin_not_allowed", name);
  assert.ok(await isUntouched(server));
  const rebound = await pageAt(`http://rebound.evil.example:${server.port}/`);
  const again = await attack(rebound, `http://rebound.evil.example:${server.port}`);
  for (const name of byPages) assert.equal(again[name], "guard.host_not_allowed", name);
  assert.ok(await isUntouched(server));
  const own = await pageAt(`http://localhost:${pagesPort}/`);
  assert.equal((await attack(own, server.url))["a socket"], "a connection");
});
