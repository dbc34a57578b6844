/** React hooks in a real browser, with both versions of React, against a server process. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Client } from "@greenroom/client";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../harness/browser.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { type ReactPage, ReactSite, renderOnServer } from "../harness/react-site.js";
import { ServerProcess } from "../harness/server.js";
import type { PageSpec } from "../react/app.js";
import type { registry } from "../server/react-registry.js";

let browser: Browser;
let server: ServerProcess;
let client: Client<typeof registry>;

before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/react-main.js") });
  client = createClient<typeof registry>(server.url);
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await client?.dispose();
  await server?.dispose();
});

/** What the actor knows about its connections. */
const report = (lobby: string) => client.lobby.getOrCreate(lobby, { params: { me: "test" } }).report();

for (const version of [19, 18] as const) {
  describe(`React ${version}`, () => {
    let site: ReactSite;
    before(async () => {
      site = await ReactSite.start(version);
    });
    after(() => site?.close());

    /** A page that shows something, to be closed with the test. */
    async function show(
      t: { after(done: () => Promise<void>): void },
      spec: PageSpec,
      endpoint = server.url,
    ): Promise<ReactPage> {
      const opened = await site.open(browser);
      t.after(() => opened.page.close());
      await opened.call("connectTo", endpoint);
      await opened.call("show", spec);
      return opened;
    }

    const key = (name: string) => `${name}-${version}`;

    test("two components under StrictMode share one connection, which their unmounting closes", async (t) => {
      const lobby = key("shared");
      const page = await show(t, {
        strict: true,
        panels: [
          { id: "a", lobby, params: { me: "ann" } },
          { id: "b", lobby, params: { me: "ann" }, child: true },
        ],
      });
      await page.has("a", "connected");
      await page.has("b", "connected");
      assert.deepEqual(await report(lobby), { present: ["ann"], entered: 1, asked: 1 });
      await page.click("a", "say");
      await page.page.waitForSelector("#a li");
      await page.page.waitForSelector("#b li");
      assert.equal(await page.page.locator("#b .heard").textContent(), "1");
      await page.call("show", { strict: true, panels: [{ id: "b", lobby, params: { me: "ann" } }] });
      await page.page.waitForSelector("#a", { state: "detached" });
      assert.deepEqual((await report(lobby)).present, ["ann"]);
      await page.call("unmount");
      await eventually(async () => assert.deepEqual((await report(lobby)).present, []));
      assert.equal((await report(lobby)).entered, 1);
      assert.deepEqual([page.console, page.uncaught], [[], []]);
    });

    test("a page rendered on the server connects to nothing there, and hydrates without a warning", async (t) => {
      const lobby = key("hydrated");
      const spec = { panels: [{ id: "a", lobby, params: { me: "ann" } }] };
      const html = await renderOnServer(version, server.url, spec);
      assert.match(html, /data-status="idle"/);
      const page = await site.open(browser, html);
      t.after(() => page.page.close());
      await page.call("connectTo", server.url);
      await page.call("hydrate", spec);
      await page.has("a", "connected");
      assert.deepEqual(await report(lobby), { present: ["ann"], entered: 1, asked: 1 });
      assert.deepEqual([page.console, page.uncaught], [[], []]);
    });
  });
}
