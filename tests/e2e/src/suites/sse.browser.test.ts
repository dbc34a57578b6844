/** Event streams in a browser: our client from a page of another origin, and the browser's own `EventSource`. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { BlockingProxy } from "../harness/blocking-proxy.js";
import { launchBrowser } from "../harness/browser.js";
import { createClient } from "../harness/client.js";
import { CuttingProxy } from "../harness/cutting-proxy.js";
import { DIST, ROOT } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/resume-registry.js";

let browser: Browser;
let server: ServerProcess;
let keeping: ServerProcess;
let site: Server;
let page: Page;
const problems: string[] = [];

/** What the page finds in its global object. */
interface Window {
  createClient: typeof import("@greenroom/client").createClient;
}

before(async () => {
  server = await ServerProcess.start();
  keeping = await ServerProcess.start({ script: join(DIST, "server/resume-main.js") });
  const bundled = await build({
    stdin: {
      contents: `import { createClient } from "@greenroom/client"; globalThis.createClient = createClient;`,
      resolveDir: join(ROOT, "tests/e2e"),
    },
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
  });
  const script = bundled.outputFiles[0]?.text ?? "";
  site = createServer((request, response) => {
    if (request.url === "/") {
      response.setHeader("content-type", "text/html");
      response.end('<link rel="icon" href="data:,"><script type="module" src="/client.js"></script>');
    } else {
      response.setHeader("content-type", "text/javascript");
      response.end(script);
    }
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  browser = await launchBrowser();
  page = await browser.newPage();
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  await page.waitForFunction(() => "createClient" in globalThis);
});
after(async () => {
  await browser?.close();
  site?.closeAllConnections();
  site?.close();
  await server?.dispose();
  await keeping?.dispose();
});

test("the client calls, hears events, survives the server, and leaves", async () => {
  await page.evaluate(async (endpoint) => {
    const { createClient } = globalThis as unknown as Window;
    const client = createClient({ endpoint, transport: "sse" });
    const connection = client.getOrCreate("room", "page", { params: { user: "Zoë" } }).connect();
    const said: unknown[] = [];
    connection.on("said", (text) => said.push(text));
    await connection.action({ name: "say", args: ["hello"] });
    Object.assign(globalThis, { client, connection, said });
  }, server.url);
  await server.kill();
  await page.waitForFunction(
    () => !(globalThis as unknown as { connection: { isConnected: boolean } }).connection.isConnected,
  );
  await server.restart();
  const seen = await page.evaluate(async () => {
    const { client, connection, said } = globalThis as unknown as {
      client: ReturnType<Window["createClient"]>;
      connection: import("@greenroom/client").ActorConn<unknown>;
      said: unknown[];
    };
    await connection.action({ name: "say", args: [new Map([["when", new Date(0)]])] });
    const who = await connection.action({ name: "who", args: [] });
    await client.dispose();
    return { who, said: said.map((each) => (each instanceof Map ? [...each.keys()] : each)) };
  });
  assert.deepEqual(seen, { who: ["Zoë"], said: ["hello", ["when"]] });
  assert.deepEqual(problems, []);
});

test("behind a proxy that blocks WebSockets the client falls back by itself", async () => {
  const proxy = await BlockingProxy.start(server.url, "answer");
  const count = await page.evaluate(async (endpoint) => {
    const { createClient } = globalThis as unknown as Window;
    const client = createClient(endpoint);
    const connection = client.getOrCreate("counter", "blocked").connect();
    const count = await connection.action({ name: "increment", args: [2] });
    await client.dispose();
    return count;
  }, proxy.url);
  assert.equal(count, 2);
  assert.equal(proxy.refused, 2);
  await proxy.stop();
});

test("an EventSource of the page's own reads what the actor says", async () => {
  const url = `${server.url}/gateway/room/sse?rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=own&rvt-conn-params=${encodeURIComponent('{"user":"eve"}')}`;
  const seen = await page.evaluate(
    ({ url, server }) =>
      new Promise<{ messages: unknown[]; ids: string[]; close: string }>((resolve, reject) => {
        const source = new EventSource(url);
        const messages: unknown[] = [];
        const ids: string[] = [];
        source.onerror = () => reject(new Error("the stream failed"));
        source.addEventListener("close", ({ data }) => {
          source.close();
          resolve({ messages, ids, close: data as string });
        });
        source.onmessage = ({ data, lastEventId }) => {
          const { body } = JSON.parse(data as string);
          ids.push(lastEventId);
          messages.push(body.tag === "Event" ? body.val.args : body.tag);
          if (body.tag !== "Init") return;
          const kick = { tag: "ActionRequest", val: { id: 0, name: "kick", args: ["eve"] } };
          void fetch(`${server}/connections/${body.val.connectionId}/message`, {
            method: "POST",
            headers: { "x-rivet-conn-token": body.val.connectionToken },
            body: JSON.stringify({ body: kick }),
          });
        };
      }),
    { url, server: server.url },
  );
  assert.deepEqual(seen.messages.slice(0, 2), ["Init", ["eve"]]);
  assert.deepEqual(seen.ids.slice(0, 2), ["1", "2"]);
  assert.deepEqual(JSON.parse(seen.close), { code: 1000, reason: "kicked" });
});

test("an EventSource comes back by itself, and gets what it missed", async () => {
  const proxy = await CuttingProxy.start(keeping.port);
  const speaker = createClient<typeof registry>(keeping.url).feed.getOrCreate("page");
  const query = "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=page&rvt-event=tick";
  const params = `rvt-conn-params=${encodeURIComponent('{"name":"page"}')}`;
  await page.evaluate((url) => {
    const heard: string[] = [];
    const source = new EventSource(url);
    source.onmessage = ({ data }) => {
      const { body } = JSON.parse(data as string);
      heard.push(body.tag === "Event" ? body.val.args[0] : body.tag);
    };
    source.addEventListener("resync", () => heard.push("resync"));
    Object.assign(globalThis, { heard, source });
  }, `${proxy.url}/gateway/feed/sse?${query}&${params}`);
  const heard = (count: number) =>
    page
      .waitForFunction((count) => {
        const { heard } = globalThis as unknown as { heard: string[] };
        return heard.length >= count && heard;
      }, count)
      .then((found) => found.jsonValue());
  await heard(1);
  await speaker.say("tick", "1");
  await heard(2);
  proxy.cutAll();
  await speaker.say("tick", "2", "3");
  await heard(5);
  proxy.cutAll(true);
  await speaker.say("tick", "4");
  assert.deepEqual(await heard(7), ["Init", "1", "Init", "2", "3", "Init", "4"]);
  await page.evaluate(() => (globalThis as unknown as { source: EventSource }).source.close());
  assert.deepEqual(problems, []);
});
