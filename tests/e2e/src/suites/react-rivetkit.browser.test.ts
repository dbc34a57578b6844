/** The unmodified npm package `@rivetkit/react` in a real browser, against our server. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Client, createClient } from "@greenroom/client";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../harness/browser.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { type ReactPage, ReactSite } from "../harness/react-site.js";
import { ServerProcess } from "../harness/server.js";
import type { PageSpec, PanelSpec } from "../react/app.js";
import type { registry } from "../server/react-registry.js";

let browser: Browser;
let server: ServerProcess;
let client: Client<typeof registry>;
let site: ReactSite;

before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/react-main.js") });
  client = createClient<typeof registry>(server.url);
  browser = await launchBrowser();
  site = await ReactSite.start(19, "@rivetkit/react");
});
after(async () => {
  await browser?.close();
  await site?.close();
  await client?.dispose();
  await server?.dispose();
});

const report = (lobby: string) => client.lobby.getOrCreate(lobby, { params: { me: "test" } }).report();

function panel(id: string, key: string, enabled = true): PanelSpec {
  return { id, options: { name: "lobby", key: [key], params: { me: "ann" }, enabled } };
}

async function show(t: { after(done: () => Promise<void>): void }, spec: PageSpec): Promise<ReactPage> {
  const opened = await site.open(browser);
  t.after(() => opened.page.close());
  await opened.call("connectTo", server.url);
  await opened.call("show", spec);
  return opened;
}

test("two of its components share a connection, hear events, call both ways, and leave", async (t) => {
  const page = await show(t, { panels: [panel("a", "shared"), panel("b", "shared")] });
  await page.has("a", "connected");
  await page.has("b", "connected");
  assert.deepEqual((await report("shared")).present, ["ann"]);
  await page.click("a", "say");
  await page.page.waitForSelector("#b li");
  await page.click("a", "call");
  await page.page.waitForSelector("#b li:nth-child(2)");
  assert.deepEqual(await page.lines("b"), ["from a button", "over HTTP"]);
  await page.call("unmount");
  await eventually(async () => assert.deepEqual((await report("shared")).present, []));
  assert.deepEqual(page.uncaught, []);
});

test("its events arrive in order", async (t) => {
  const page = await show(t, { panels: [panel("a", "order")] });
  await page.has("a", "connected");
  await page.click("a", "count");
  const expected = Array.from({ length: 100 }, (_, number) => number).join(" ");
  await eventually(async () => assert.equal(await page.page.locator("#a .numbers").textContent(), expected));
});

test("another key and `enabled` move its connection", async (t) => {
  const page = await show(t, { panels: [panel("a", "one")] });
  await page.has("a", "connected");
  await page.call("show", { panels: [panel("a", "other")] });
  await eventually(async () => assert.deepEqual((await report("other")).present, ["ann"]));
  await eventually(async () => assert.deepEqual((await report("one")).present, []));
  await page.call("show", { panels: [panel("a", "other", false)] });
  // Its `connStatus` stays what it was: the actor knows.
  await eventually(async () => assert.deepEqual((await report("other")).present, []));
  assert.deepEqual(page.uncaught, []);
});

test("it comes back after the server was killed", async (t) => {
  const page = await show(t, { panels: [panel("a", "survivor")] });
  await page.has("a", "connected");
  await server.kill();
  await page.page.waitForSelector('#a:not([data-status="connected"])');
  await server.restart();
  await page.has("a", "connected");
  await page.click("a", "say");
  await page.page.waitForSelector("#a li");
});
