/** The counter example as two people see it: counting together, keys, a killed server. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, person, screenshot } from "../harness/browser.js";
import { createClient } from "../harness/client.js";
import { exampleScript } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

let browser: Browser;
let server: ServerProcess;
let ann: Page;
let bob: Page;
const problems: string[] = [];

before(async () => {
  server = await ServerProcess.start({ script: exampleScript("counter") });
  browser = await launchBrowser();
  ann = await open("Ann");
  bob = await open("Bob");
});
after(async () => {
  await browser?.close();
  await server?.dispose();
});

async function open(name: string, hash = ""): Promise<Page> {
  const page = await (await person(browser)).newPage();
  page.on("pageerror", (error) => problems.push(`${name}: ${error.message}`));
  await page.goto(`${server.url}/${hash}`);
  await live(page);
  return page;
}

const live = (page: Page) => page.waitForSelector('#status[data-status="connected"]');
const press = (page: Page, by: number) => page.click(`button[data-by="${by}"]`);
const shows = (page: Page, count: number) =>
  page.waitForSelector(`#count:text-is("${count}")`, { timeout: 30_000 });

test("every window counts along, with the replies and events that made it", async () => {
  await shows(ann, 0);
  await press(ann, 10);
  await Promise.all([shows(ann, 10), shows(bob, 10)]);
  await press(bob, -1);
  await Promise.all([shows(ann, 9), shows(bob, 9)]);
  await ann.waitForSelector('#wire [data-kind="reply"]:has-text("increment(10) → 10")');
  await bob.waitForSelector('#wire [data-kind="event"]:has-text("newCount 9")');
});

test("each key is a counter of its own", async () => {
  await ann.click('#keys a:text-is("bar")');
  await shows(ann, 0);
  await press(ann, 1);
  await shows(ann, 1);
  await shows(bob, 9);
  const markup = "<b>x</b>";
  const guest = await open("guest", `#${encodeURIComponent(markup)}`);
  assert.equal(await guest.locator("#keys [aria-current=true]").textContent(), markup);
  await guest.context().close();
  await ann.click('#keys a:text-is("main")');
  await shows(ann, 9);
});

test("the server is killed: buttons wait, and both windows go on where they were", async () => {
  await server.kill();
  await ann.waitForSelector('#status:not([data-status="connected"])');
  assert.equal(await ann.isDisabled('button[data-by="1"]'), true);
  await server.restart();
  await Promise.all([live(ann), live(bob)]);
  await press(ann, 1);
  await Promise.all([shows(ann, 10), shows(bob, 10)]);
  await screenshot(ann, "counter");
  assert.deepEqual(problems, []);
});

test("programs call it as the page does", async (t) => {
  const client = createClient(server.url);
  t.after(() => client.dispose());
  const main = client.getOrCreate("counter", "main");
  const before = await main.action({ name: "getCount", args: [] });
  assert.equal(await main.action({ name: "increment", args: [5] }), Number(before) + 5);
  await shows(bob, Number(before) + 5);
});
