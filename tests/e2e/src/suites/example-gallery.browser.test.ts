/** The gallery: every example runs and answers, comes back when it is killed, and ends with the gallery. */

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import { createClient } from "@greenroom/client";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, person, screenshot } from "../harness/browser.js";
import { eventually } from "../harness/eventually.js";
import { exampleScript } from "../harness/paths.js";
import { run, ServerProcess } from "../harness/server.js";

/** Examples that start together on a busy machine take their time. */
const PATIENCE = 120_000;
const TOKEN = "the-token-of-this-suite";

let browser: Browser;
let server: ServerProcess;
let page: Page;
const problems: string[] = [];

before(async () => {
  server = await ServerProcess.start({
    script: exampleScript("gallery"),
    env: { GREENROOM_EXAMPLES_PORT: "0", GREENROOM_GALLERY_TOKEN: TOKEN },
  });
  browser = await launchBrowser();
  page = await (await person(browser)).newPage();
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`${server.url}/#${TOKEN}`);
});
after(async () => {
  await browser?.close();
  await server?.dispose();
});

const cards = () => page.locator(".card");
const card = (name: string) => page.locator(`#card-${name}`);
const isUp = (name: string) =>
  card(name).and(page.locator('[data-state="up"]')).waitFor({ timeout: PATIENCE });

/** Waits until every example is up, and gives their addresses. */
async function links(): Promise<string[]> {
  await cards().first().waitFor({ timeout: PATIENCE });
  await eventually(
    async () => {
      const problems = await page.locator(".problem:not(:empty)").allTextContents();
      const states = await cards().evaluateAll((all) => all.map((each) => each.getAttribute("data-state")));
      assert.ok(
        states.every((state) => state === "up"),
        `${states}: ${problems}`,
      );
    },
    { within: PATIENCE, every: 100 },
  );
  return page.locator("a.button").evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).href));
}

async function processOf(name: string): Promise<number> {
  const where = await card(name).locator(".where").textContent();
  const pid = /pid (\d+)/.exec(where ?? "")?.[1];
  assert.ok(pid, `the card says the process id: ${where}`);
  return Number(pid);
}

/** Whether somebody listens there. */
async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}

const nobodyAnswers = (urls: readonly string[]) =>
  eventually(
    async () => {
      for (const url of urls) assert.equal(await answers(url), false, `${url} still answers`);
    },
    { within: PATIENCE, every: 100 },
  );

test("every card links to a page that is there, and says what to try and where to read", async () => {
  const urls = await links();
  assert.ok(urls.length >= 4, `${urls.length} examples`);
  assert.equal(new Set(urls).size, urls.length, "each has an address of its own");
  for (const url of urls) {
    const answer = await fetch(url);
    assert.equal(answer.status, 200, url);
    assert.match(await answer.text(), /<!doctype html>/i, url);
  }
  for (const one of await cards().all()) {
    for (const part of ["h2", ".sentence", ".source"])
      assert.notEqual(await one.locator(part).textContent(), "");
    assert.ok((await one.locator(".tries li").count()) >= 2, (await one.locator("h2").textContent()) ?? "");
  }
  await screenshot(page, "gallery");
});

test("every page fits a phone and wears the common look", async (t) => {
  const phone = await browser.newContext({ viewport: { width: 390, height: 844 } });
  t.after(() => phone.close());
  for (const url of [server.url, ...(await links())]) {
    const view = await phone.newPage();
    const wrong: string[] = [];
    view.on("pageerror", (error) => wrong.push(error.message));
    view.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
    await view.goto(url);
    await view.locator('[data-status="connected"], input:visible').first().waitFor({ timeout: PATIENCE });
    const seen = await view.evaluate(async () => {
      await document.fonts.ready;
      const { fontFamily, colorScheme } = getComputedStyle(document.documentElement);
      return {
        isTooWide: document.documentElement.scrollWidth > innerWidth,
        hasFont: fontFamily.includes("Inter Variable") && document.fonts.check('16px "Inter Variable"'),
        colorScheme,
      };
    });
    assert.deepEqual(seen, { isTooWide: false, hasFont: true, colorScheme: "light dark" }, url);
    assert.deepEqual(wrong, [], url);
    await view.close();
  }
});

test("a killed example comes back at its address, with what it knew", async (t) => {
  await isUp("counter");
  const url = await card("counter").locator("a.button").getAttribute("href");
  assert.ok(url);
  const counter = await page.context().newPage();
  t.after(() => counter.close());
  await counter.goto(url);
  await counter.click('button[data-by="10"]');
  await counter.waitForSelector('#count:text-is("10")');
  const first = await processOf("counter");

  await card("counter").getByRole("button", { name: "kill -9" }).click();
  await card("counter").locator(".state", { hasText: "Up again (1)" }).waitFor({ timeout: PATIENCE });
  assert.notEqual(await processOf("counter"), first);
  assert.equal(await card("counter").locator("a.button").getAttribute("href"), url);
  await counter.waitForSelector('#status[data-status="connected"]', { timeout: PATIENCE });
  await counter.click('button[data-by="1"]');
  await counter.waitForSelector('#count:text-is("11")');

  // Nor does it matter who killed it.
  process.kill(await processOf("counter"), "SIGKILL");
  await card("counter").locator(".state", { hasText: "Up again (2)" }).waitFor({ timeout: PATIENCE });
});

test("what cannot be done is said", async (t) => {
  const client = createClient(server.url);
  t.after(() => client.dispose());
  const gallery = client.getOrCreate("gallery", "main", { params: { token: TOKEN } });
  const kill = (...args: unknown[]) => gallery.action({ name: "kill", args });
  for (const nobody of ["nobody", "__proto__", "", 7, undefined])
    await assert.rejects(kill(nobody), { group: "user", code: "unknown_example" });
  assert.deepEqual(problems, []);
});

test("only who knows the token of the start kills anything", async (t) => {
  const client = createClient(server.url);
  t.after(() => client.dispose());
  for (const params of [undefined, {}, { token: "" }, { token: `${TOKEN}x` }, { token: 7 }, TOKEN]) {
    const gallery = client.getOrCreate("gallery", "main", params === undefined ? {} : { params });
    await assert.rejects(gallery.action({ name: "kill", args: ["counter"] }), {
      group: "auth",
      code: "forbidden",
    });
  }
  const other = await page.context().newPage();
  t.after(() => other.close());
  await other.goto(server.url);
  await other.locator("#hint").waitFor();
  await other.locator("#card-counter[data-state=up]").waitFor({ timeout: PATIENCE });
  assert.ok(await other.locator("#card-counter button").isDisabled());
  await other.setViewportSize({ width: 390, height: 844 });
  await screenshot(other, "gallery-without-token");
});

test("killing the gallery leaves no example behind, and it can be started again", async () => {
  const urls = await links();
  await server.kill();
  await nobodyAnswers(urls);
  await server.restart();
});

for (const signal of ["SIGTERM", "SIGINT"] as const)
  test(`${signal} ends every example, then the gallery`, async () => {
    await page.reload();
    const urls = await links();
    assert.equal(await server.stop(signal), 0);
    // It waits for them: nobody is left when it is gone.
    for (const url of urls) assert.equal(await answers(url), false, `${url} still answers`);
    await page.waitForSelector('#status[data-status="disconnected"]');
    await server.restart();
  });

test("a gallery that cannot start says why", async () => {
  const taken = await run(exampleScript("gallery"), {
    GREENROOM_PORT: String(server.port),
    GREENROOM_DATA_DIR: `${server.dataDir}-other`,
  });
  assert.equal(taken.code, 1);
  assert.match(taken.stderr, /port \d+ .* is taken/);
  assert.equal(taken.stderr.trim().split("\n").length, 1, taken.stderr);
  const wrong = await run(exampleScript("gallery"), {
    GREENROOM_PORT: "0",
    GREENROOM_EXAMPLES_PORT: "many",
    GREENROOM_DATA_DIR: `${server.dataDir}-other`,
  });
  await rm(`${server.dataDir}-other`, { recursive: true, force: true });
  assert.equal(wrong.code, 1);
  assert.match(
    wrong.stderr,
    /GREENROOM_EXAMPLES_PORT has to be a whole number from 0 to 65535, and is `many`/,
  );
});
