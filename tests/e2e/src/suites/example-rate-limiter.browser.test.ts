/** The rate limiter's page: buckets that drain and refill in every window, also over a killed server. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";
import { launchBrowser, person, screenshot } from "../harness/browser.js";
import { exampleScript } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

let browser: Browser;
let server: ServerProcess;
let sender: Page;
let watcher: Page;
const problems: string[] = [];

before(async () => {
  server = await ServerProcess.start({ script: exampleScript("rate-limiter") });
  browser = await launchBrowser();
  sender = await open();
  watcher = await open();
});
after(async () => {
  await browser?.close();
  await server?.dispose();
});

async function open(): Promise<Page> {
  const page = await (await person(browser)).newPage();
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(server.url);
  await live(page);
  return page;
}

const live = (page: Page) => page.waitForSelector('#status[data-status="connected"]', { timeout: 30_000 });
/** The card of anna's exports, the bucket that does not refill while the test looks. */
const exports = (page: Page): Locator => page.locator(".bucket").filter({ hasText: "/api/export" });
const tokens = (page: Page, count: number) => exports(page).locator(`.tokens:text-is("${count}")`).waitFor();
const press = (page: Page, count: number) => exports(page).locator(`[data-count="${count}"]`).click();

test("a bucket drains in every window, and says when the next token comes", async () => {
  await tokens(sender, 20);
  await press(sender, 10);
  await Promise.all([tokens(sender, 10), tokens(watcher, 10)]);
  await exports(sender).locator('.tally:text-is("10 passed, 0 refused")').waitFor();
  await exports(watcher).locator(".refill:has-text('Next token in 3 min')").waitFor();
});

test("what is more than the bucket holds is refused, and the page shows the answers", async () => {
  await press(sender, 50);
  await exports(sender).locator('.tally:text-is("20 passed, 40 refused")').waitFor();
  await Promise.all([tokens(sender, 0), tokens(watcher, 0)]);
  assert.equal(await exports(sender).locator('.answers [data-passed="false"]').count(), 40);
  await exports(sender).locator('dd:text-is("429")').waitFor();
  await screenshot(sender, "rate-limiter");
});

test("a bucket of the other plan refills while one looks", async () => {
  const forecast = sender.locator(".bucket").first();
  await forecast.locator('[data-count="50"]').click();
  await forecast.locator(".tally", { hasText: "refused" }).waitFor();
  await forecast.locator('.refill:text-is("Full")').waitFor();
});

test("the server is killed: both windows come back, and nobody got a token back", async () => {
  await server.kill();
  await sender.waitForSelector('#status:not([data-status="connected"])');
  await press(sender, 1);
  await sender.locator("#trouble", { hasText: "does not answer" }).waitFor();
  await server.restart();
  await Promise.all([live(sender), live(watcher)]);
  await watcher.reload();
  await live(watcher);
  await Promise.all([tokens(sender, 0), tokens(watcher, 0)]);
  await press(watcher, 1);
  await exports(watcher).locator('.tally:text-is("0 passed, 1 refused")').waitFor();
  assert.deepEqual(problems, []);
});
