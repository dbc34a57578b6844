/** React hooks in a real browser, with both versions of React, against a server process. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../harness/eventually.js";
import { renderOnServer } from "../harness/react-site.js";
import { panel, SCRIPT, WATCHING, withReact } from "../harness/react-suite.js";
import { ServerProcess } from "../harness/server.js";

withReact((suite) => {
  const { key, open, show, report, knows, isEmpty } = suite;

  test("two components under StrictMode share one connection, which their unmounting closes", async (t) => {
    const lobby = key("shared");
    const page = await show(t, {
      strict: true,
      panels: [panel("a", lobby), panel("b", lobby, { child: true })],
    });
    assert.match(await page.call("version"), new RegExp(`^${suite.version}\\.`));
    await page.has("a", "connected");
    await page.has("b", "connected");
    await knows(lobby, { present: ["ann"], entered: 1, asked: 1, subscriptions: 1 });
    await page.click("a", "say");
    await page.page.waitForSelector("#a li");
    await page.page.waitForSelector("#b li");
    assert.equal(await page.page.locator("#b .heard").textContent(), "1");
    await page.call("show", { strict: true, panels: [panel("b", lobby)] });
    await page.page.waitForSelector("#a", { state: "detached" });
    assert.deepEqual((await report(lobby)).present, ["ann"]);
    await page.call("unmount");
    await isEmpty(lobby);
    assert.equal((await report(lobby)).entered, 1);
    assert.deepEqual([page.console, page.uncaught], [[], []]);
  });

  test("renderings with new objects neither connect nor subscribe again, and the newest handler is called", async (t) => {
    const lobby = key("steady");
    const page = await show(t, { strict: true, panels: [panel("a", lobby)] });
    await page.has("a", "connected");
    for (let round = 0; round < 20; round++)
      await page.call("show", { strict: true, panels: [panel("a", lobby)] });
    await page.click("a", "say");
    await page.page.waitForSelector("#a li");
    await page.click("a", "prefix");
    await page.click("a", "call");
    await page.page.waitForSelector("#a li:nth-child(2)");
    await page.click("a", "say");
    await page.page.waitForSelector("#a li:nth-child(3)");
    assert.deepEqual(await page.lines("a"), ["from a button", "> over HTTP", "> from a button"]);
    // The call over HTTP came and went as well.
    await knows(lobby, { present: ["ann"], entered: 2, asked: 2, subscriptions: 1 });
  });

  test("events arrive in the order they were sent, and all of them", async (t) => {
    const page = await show(t, { panels: [panel("a", key("order"))] });
    await page.has("a", "connected");
    await page.click("a", "count");
    const expected = Array.from({ length: 100 }, (_, number) => number).join(" ");
    const numbers = page.page.locator("#a .numbers");
    await eventually(async () => assert.equal(await numbers.textContent(), expected));
  });

  test("another key, other parameters and `enabled` open and close connections", async (t) => {
    const [one, other] = [key("one"), key("other")];
    const page = await show(t, { panels: [panel("a", one)] });
    await page.has("a", "connected");
    await page.call("show", { panels: [panel("a", other)] });
    await eventually(async () => assert.deepEqual((await report(other)).present, ["ann"]));
    await page.has("a", "connected");
    await isEmpty(one);
    const named = (me: string, enabled?: boolean) => ({
      panels: [panel("a", other, { options: { name: "lobby", key: other, params: { me }, enabled } })],
    });
    await page.call("show", named("bob"));
    await eventually(async () => assert.deepEqual((await report(other)).present, ["bob"]));
    await page.has("a", "connected");
    await page.call("show", named("bob", false));
    await page.has("a", "idle");
    assert.equal(await page.page.locator("#a").getAttribute("data-handle"), "false");
    await isEmpty(other);
    await page.call("show", named("bob", true));
    await page.has("a", "connected");
    await knows(other, { present: ["bob"], entered: 3, asked: 3, subscriptions: 3 });
    assert.deepEqual([page.console, page.uncaught], [[], []]);
  });

  test("edits that fast refresh applies keep the connection", async (t) => {
    const lobby = key("edited");
    const page = await open(t);
    await page.call("showWritten", panel("a", lobby));
    await page.has("a", "connected");
    const heard = (version: string, count: number) =>
      page.page.waitForSelector(`#a[data-version=${version}][data-heard="${count}"]`, {
        state: "attached",
      });
    const say = () => suite.client.lobby.getOrCreate(lobby, WATCHING).say("hello");
    await say();
    await heard("written", 1);
    await page.call("edit", "reworded");
    await heard("reworded", 1);
    await say();
    await heard("reworded", 2);
    await page.call("edit", "restructured");
    await heard("restructured", 0);
    await say();
    await heard("restructured", 10);
    await page.has("a", "connected");
    assert.equal((await report(lobby)).entered, 1);
    assert.deepEqual([page.console, page.uncaught], [[], []]);
  });

  test("components of one actor never show different states of it", async (t) => {
    const [one, other] = [key("crowd"), key("crowd-2")];
    const page = await open(t);
    const options = (lobby: string) => ({ name: "lobby", key: lobby, params: { me: "ann" } }) as const;
    const all = (status: string) =>
      page.page.waitForFunction(
        (wanted) => document.querySelectorAll(`[data-member="${wanted}"]`).length === 20,
        status,
      );
    await page.call("showCrowd", options(one));
    await all(`connected ${one}`);
    // Its socket closes and opens while React is at work in the background.
    const kicked = suite.client.lobby.getOrCreate(one, WATCHING).kick();
    await page.call("moveCrowd", options(other));
    await kicked;
    await all(`connected ${other}`);
    await suite.client.lobby.getOrCreate(other, WATCHING).kick();
    await eventually(async () => assert.equal((await report(other)).entered, 2));
    await all(`connected ${other}`);
    const { statuses, torn } = await page.call("seen");
    assert.ok(statuses.includes(`disconnected ${other}`), statuses.join(", "));
    assert.equal(torn, 0, statuses.join(", "));
  });

  test("many components that come and go at once leave no connection", async (t) => {
    const lobbies = Array.from({ length: 8 }, (_, index) => key(`rush-${index}`));
    const page = await open(t);
    const specs = Array.from({ length: 80 }, (_, index) => {
      const lobby = lobbies[index % lobbies.length] ?? "";
      const suspense = index % 3 === 0;
      return { strict: index % 2 === 0, panels: [panel("a", lobby, { suspense }), panel("b", lobby)] };
    });
    await page.call("rush", specs);
    for (const lobby of lobbies) {
      await isEmpty(lobby);
      assert.ok((await report(lobby)).entered <= 1, lobby);
    }
    await page.call("show", { panels: [panel("a", lobbies[0] ?? "")] });
    await page.has("a", "connected");
    // Chromium says so of sockets that were not open yet.
    const others = page.console.filter(
      (line) => !line.includes("closed before the connection is established"),
    );
    assert.deepEqual([others, page.uncaught], [[], []]);
  });

  test("a server that is killed and comes back is found again by the same component", async (t) => {
    const own = await ServerProcess.start({ script: SCRIPT });
    t.after(() => own.dispose());
    const page = await show(t, { strict: true, panels: [panel("a", "survivor")] }, own.url);
    await page.has("a", "connected");
    await page.click("a", "say");
    await page.page.waitForSelector("#a li");
    await own.kill();
    await page.has("a", "disconnected", "client.connection_open_failed");
    await own.restart();
    await page.has("a", "connected");
    assert.equal(await page.page.locator("#a").getAttribute("data-error"), null);
    await page.click("a", "say");
    await page.page.waitForSelector("#a li:nth-child(2)");
    assert.deepEqual(page.uncaught, []);
  });

  test("a page rendered on the server connects to nothing there, and hydrates without a warning", async (t) => {
    const lobby = key("hydrated");
    const spec = { panels: [panel("a", lobby)] };
    const html = await renderOnServer(suite.version, suite.server.url, spec);
    assert.match(html, /data-status="idle"/);
    const page = await open(t, suite.server.url, html);
    await page.call("hydrate", spec);
    await page.has("a", "connected");
    await knows(lobby, { present: ["ann"], entered: 1, asked: 1, subscriptions: 1 });
    assert.deepEqual([page.console, page.uncaught], [[], []]);
  });
});
