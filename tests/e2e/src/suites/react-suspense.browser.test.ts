/** React components that wait for their connection under Suspense. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../harness/eventually.js";
import { renderOnServer } from "../harness/react-site.js";
import { panel, SCRIPT, withReact } from "../harness/react-suite.js";
import { freePort, ServerProcess } from "../harness/server.js";
import type { PanelSpec } from "../react/app.js";

withReact((suite) => {
  const { key, open, show, report, knows, isEmpty } = suite;

  const waiting = (id: string, lobby: string, more: Partial<PanelSpec> = {}) =>
    panel(id, lobby, { suspense: true, ...more });

  test("a component waits for its connection, shares it, and closes it", async (t) => {
    const lobby = key("suspense");
    const page = await show(t, {
      strict: true,
      panels: [waiting("a", lobby), waiting("b", lobby), panel("c", lobby)],
    });
    for (const id of ["a", "b", "c"]) await page.has(id, "connected");
    assert.deepEqual((await page.call("shown", "a")).changes, ["connected"]);
    await knows(lobby, { present: ["ann"], entered: 1, asked: 1, subscriptions: 1 });
    await page.click("a", "say");
    await page.page.waitForSelector("#b li");
    const other = key("suspense-2");
    await page.call("show", { strict: true, panels: [waiting("a", other)] });
    await page.has("a", "connected");
    await isEmpty(lobby);
    assert.deepEqual((await report(other)).present, ["ann"]);
    await page.call("unmount");
    await isEmpty(other);
    assert.deepEqual([page.console, page.uncaught], [[], []]);
  });

  test("a first attempt that fails goes to the error boundary, which may try again", async (t) => {
    const lobby = key("suspense-refused");
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const page = await show(t, { strict: true, panels: [waiting("a", lobby)] }, endpoint);
    await page.has("a", "failed", "client.endpoint_unreachable");
    const own = await ServerProcess.start({ script: SCRIPT, port });
    t.after(() => own.dispose());
    // A connection that failed is kept for a moment; then the next attempt is a new one.
    await eventually(async () => {
      if (await page.page.locator('#a[data-status="failed"]').count()) await page.page.click("#a");
      assert.equal(await page.page.locator('#a[data-status="connected"]').count(), 1);
    });
    const options = { name: "lobby", key: lobby, params: { me: "banned" } } as const;
    await page.call("show", { strict: true, panels: [waiting("b", lobby, { options })] });
    await page.has("b", "failed", "user.banned");
    // React 18 shows the page what error boundaries catch.
    const uncaught = page.uncaught.filter((text) => !/not you|no answer/.test(text));
    assert.deepEqual(uncaught, []);
  });

  test("parameters that differ at each rendering end at the error boundary", async (t) => {
    const page = await show(t, { panels: [waiting("a", key("suspense-restless"), { restless: true })] });
    await page.has("a", "failed", "client.unstable_options");
    await isEmpty(key("suspense-restless"));
  });

  test("on a server the fallback is rendered, and the browser goes on", async (t) => {
    const lobby = key("suspense-hydrated");
    const spec = { panels: [waiting("a", lobby)] };
    const html = await renderOnServer(suite.version, suite.server.url, spec);
    assert.match(html, /data-status="waiting"/);
    const page = await open(t, suite.server.url, html);
    await page.call("hydrate", spec);
    await page.has("a", "connected");
    assert.deepEqual((await report(lobby)).asked, 1);
    assert.deepEqual(page.uncaught, []);
  });
});
