/** What goes wrong with React hooks: it is their error, in words, and never a circle, a hang or an unhandled rejection. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../harness/eventually.js";
import { panel, SCRIPT, WATCHING, withReact } from "../harness/react-suite.js";
import { freePort, ServerProcess } from "../harness/server.js";
import type { PanelSpec } from "../react/app.js";

withReact((suite) => {
  const { key, show, report, isEmpty } = suite;

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
    await suite.client.lobby.create(key("nobody"), WATCHING);
    await page.has("missing", "connected");
  });

  test("an endpoint that is none, and one that is something else, are the hook's error", async (t) => {
    const none = await show(t, { strict: true, panels: [panel("a", "x")] }, "ftp://nowhere");
    await none.has("a", "disconnected", "client.invalid_options");
    const other = await show(t, { strict: true, panels: [panel("a", "x")] }, suite.site.url);
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
});
