/** React hooks in a real browser, with both versions of React, against a server process. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Client, createClient } from "@greenroom/client";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../harness/browser.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { type ReactPage, ReactSite, renderOnServer } from "../harness/react-site.js";
import { freePort, ServerProcess } from "../harness/server.js";
import type { PageSpec, PanelSpec } from "../react/app.js";
import type { registry } from "../server/react-registry.js";

const SCRIPT = join(DIST, "server/react-main.js");
/** A parameter of those who only watch. */
const TEST = { params: { me: "test" } } as const;

type Test = { after(done: () => Promise<void>): void };

let browser: Browser;
let server: ServerProcess;
let client: Client<typeof registry>;

before(async () => {
  server = await ServerProcess.start({ script: SCRIPT });
  client = createClient<typeof registry>(server.url);
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await client?.dispose();
  await server?.dispose();
});

/** What the actor knows about its connections. */
const report = (lobby: string) => client.lobby.getOrCreate(lobby, TEST).report();

const isEmpty = (lobby: string) =>
  eventually(async () => assert.deepEqual((await report(lobby)).present, [], lobby), { within: 20_000 });

/** A panel of Ann's. */
function panel(id: string, key: string, more: Partial<PanelSpec> = {}): PanelSpec {
  return { id, options: { name: "lobby", key: [key], params: { me: "ann" } }, ...more };
}

for (const version of [19, 18] as const) {
  describe(`React ${version}`, () => {
    let site: ReactSite;
    before(async () => {
      site = await ReactSite.start(version);
    });
    after(() => site?.close());

    async function open(t: Test, endpoint = server.url, html = ""): Promise<ReactPage> {
      const opened = await site.open(browser, html);
      t.after(() => opened.page.close());
      await opened.call("connectTo", endpoint);
      return opened;
    }

    /** A page that shows something, to be closed with the test. */
    async function show(t: Test, spec: PageSpec, endpoint = server.url): Promise<ReactPage> {
      const opened = await open(t, endpoint);
      await opened.call("show", spec);
      return opened;
    }

    const key = (name: string) => `${name}-${version}`;

    test("two components under StrictMode share one connection, which their unmounting closes", async (t) => {
      const lobby = key("shared");
      const page = await show(t, {
        strict: true,
        panels: [panel("a", lobby), panel("b", lobby, { child: true })],
      });
      assert.match(await page.call("version"), new RegExp(`^${version}\\.`));
      await page.has("a", "connected");
      await page.has("b", "connected");
      assert.deepEqual(await report(lobby), { present: ["ann"], entered: 1, asked: 1, subscriptions: 1 });
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
      assert.deepEqual(await report(lobby), { present: ["ann"], entered: 2, asked: 2, subscriptions: 1 });
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
      assert.deepEqual(await report(other), { present: ["bob"], entered: 3, asked: 3, subscriptions: 3 });
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
      const say = () => client.lobby.getOrCreate(lobby, TEST).say("hello");
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

    test("a server that is down at first is an error, a sentence in the console, and found later", async (t) => {
      const port = await freePort();
      const page = await show(t, { panels: [panel("a", "late")] }, `http://127.0.0.1:${port}`);
      await page.has("a", "disconnected", "client.endpoint_unreachable");
      const sentences = page.console.filter((line) => line.startsWith("useActor("));
      assert.equal(sentences.length, 1, page.console.join("\n"));
      assert.match(sentences[0] ?? "", /Is the server running/);
      const own = await ServerProcess.start({ script: SCRIPT, port });
      t.after(() => own.dispose());
      await page.has("a", "connected");
      assert.deepEqual(page.uncaught, []);
    });

    test("whoever is refused learns why, and asks again less and less often", async (t) => {
      const lobby = key("refused");
      const started = performance.now();
      const banned = { name: "lobby", key: [lobby], params: { me: "banned" } } as const;
      const page = await show(t, { strict: true, panels: [{ id: "a", options: banned }] });
      await page.has("a", "disconnected", "user.banned");
      await eventually(async () => assert.ok((await report(lobby)).asked >= 4));
      // Three pauses, of at least half of 250, 500 and 1,000 ms.
      assert.ok(performance.now() - started > 875);
      const { changes } = await page.call("shown", "a");
      const first = changes.indexOf("disconnected user.banned");
      assert.deepEqual(
        changes.slice(first).filter((change) => !change.endsWith(" user.banned")),
        [],
        "the error stays",
      );
      const sentences = page.console.filter((line) => line.includes("user.banned"));
      assert.equal(sentences.length, 1);
      assert.match(sentences[0] ?? "", /not you.*tries again/);
      assert.deepEqual((await report(lobby)).present, []);
      await page.call("show", { strict: true, panels: [panel("a", lobby)] });
      await page.has("a", "connected");
      assert.deepEqual(page.uncaught, []);
    });

    test("what is wrong is the hook's error, and nothing else happens", async (t) => {
      const name = "lobby" as const;
      const bad = (options: object) => options as PanelSpec["options"];
      const cases: Readonly<Record<string, readonly [error: string, options: PanelSpec["options"]]>> = {
        token: ["auth.unauthorized", { name, key: [key("t")], params: { me: "x", token: "expired" } }],
        missing: ["actor.not_found", { name, key: [key("nobody")], noCreate: true }],
        unknown: ["actor.not_registered", bad({ name: "loby", key: [] })],
        nameless: ["client.invalid_options", bad({ key: [] })],
        keyless: ["client.invalid_options", bad({ name })],
        number: ["client.invalid_options", bad({ name, key: [7] })],
        bigint: ["client.invalid_options", bad({ name, key: [], params: { n: 1n } })],
        misspelt: ["client.invalid_options", bad({ name, key: [], parms: {} })],
      };
      const panels = Object.entries(cases).map(([id, [, options]]) => ({ id, options }));
      const page = await show(t, { strict: true, panels });
      for (const [id, [error]] of Object.entries(cases)) {
        await page.has(id, "disconnected", error);
        const where = error === "client.invalid_options" ? "@greenroom/react: " : "useActor(";
        assert.ok(
          page.console.some((line) => line.startsWith(where) && line.includes(error)),
          id,
        );
      }
      assert.deepEqual(page.uncaught, []);
      await client.lobby.create(key("nobody"), TEST);
      await page.has("missing", "connected");
    });

    test("an endpoint that is none, and one that is something else, are the hook's error", async (t) => {
      const none = await show(t, { strict: true, panels: [panel("a", "x")] }, "ftp://nowhere");
      await none.has("a", "disconnected", "client.invalid_options");
      const other = await show(t, { strict: true, panels: [panel("a", "x")] }, site.url);
      await other.has("a", "disconnected", "client.endpoint_unreachable");
      assert.ok(
        none.console.some((line) => /^@greenroom\/react: .* is not an HTTP URL/.test(line)),
        none.console[0],
      );
      assert.ok(
        other.console.some((line) => /^useActor\(lobby.*is this its address/.test(line)),
        other.console[0],
      );
      assert.deepEqual([...none.uncaught, ...other.uncaught], []);
    });

    test("parameters that differ at each rendering end in an error instead of a circle", async (t) => {
      const lobby = key("restless");
      const page = await show(t, { panels: [panel("a", lobby, { restless: true })] });
      await page.has("a", "disconnected", "client.unstable_options");
      assert.ok(page.console.filter((line) => line.includes("useMemo")).length === 1);
      const { renderings } = await page.call("shown", "a");
      await page.call("show", { panels: [panel("a", lobby, { restless: true })] });
      await page.has("a", "disconnected", "client.unstable_options");
      assert.ok(
        (await page.call("shown", "a")).renderings <= renderings + 2,
        "only the one that was asked for",
      );
      await isEmpty(lobby);
      assert.ok((await report(lobby)).asked <= 12);
      await page.call("show", { panels: [panel("a", lobby)] });
      await page.call("show", { panels: [panel("a", lobby)] });
      await page.has("a", "connected");
      assert.deepEqual(page.uncaught, []);
    });

    test("a handler that throws and a subscription that is refused leave the connection alone", async (t) => {
      const lobby = key("handlers");
      const page = await show(t, {
        panels: [panel("a", lobby, { throws: true }), panel("b", lobby)],
      });
      await page.has("b", "connected");
      await page.click("b", "say");
      await page.page.waitForSelector("#a li");
      await page.page.waitForSelector("#b li");
      assert.equal(await page.page.locator("#b").getAttribute("data-error"), null);
      assert.ok(page.console.some((line) => line.includes("a handler of the page")));
      const options = { name: "lobby", key: lobby, params: { me: "bob" } } as const;
      await page.call("show", { panels: [panel("c", lobby, { options, curious: true })] });
      await page.has("c", "connected", "auth.forbidden");
      await page.click("c", "say");
      await page.page.waitForSelector("#c li");
      assert.deepEqual(page.uncaught, []);
    });

    test("a client that is disposed says so", async (t) => {
      const page = await show(t, { panels: [panel("a", key("disposed"))] });
      await page.has("a", "connected");
      await page.call("disposeClient");
      await page.has("a", "idle", "client.connection_disposed");
      await page.call("show", { panels: [panel("b", key("disposed-2"))] });
      await page.has("b", "disconnected", "client.disposed");
      assert.deepEqual(page.uncaught, []);
    });

    test("a page rendered on the server connects to nothing there, and hydrates without a warning", async (t) => {
      const lobby = key("hydrated");
      const spec = { panels: [panel("a", lobby)] };
      const html = await renderOnServer(version, server.url, spec);
      assert.match(html, /data-status="idle"/);
      const page = await open(t, server.url, html);
      await page.call("hydrate", spec);
      await page.has("a", "connected");
      assert.deepEqual(await report(lobby), { present: ["ann"], entered: 1, asked: 1, subscriptions: 1 });
      assert.deepEqual([page.console, page.uncaught], [[], []]);
    });

    describe("Suspense", () => {
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
        assert.deepEqual(await report(lobby), { present: ["ann"], entered: 1, asked: 1, subscriptions: 1 });
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
        const html = await renderOnServer(version, server.url, spec);
        assert.match(html, /data-status="waiting"/);
        const page = await open(t, server.url, html);
        await page.call("hydrate", spec);
        await page.has("a", "connected");
        assert.deepEqual((await report(lobby)).asked, 1);
        assert.deepEqual(page.uncaught, []);
      });
    });
  });
}
