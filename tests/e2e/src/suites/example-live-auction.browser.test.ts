/** The auction as two bidders see it: bids both ways, being outbid, refusals, a killed server, the hammer. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import type { registry, Timing } from "../../../../examples/live-auction/dist/registry.js";
import { launchBrowser, person, screenshot } from "../harness/browser.js";
import { createClient } from "../harness/client.js";
import { exampleScript } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

let browser: Browser;
let server: ServerProcess;
const problems: string[] = [];

before(async () => {
  server = await ServerProcess.start({ script: exampleScript("live-auction") });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await server?.dispose();
});

/** An auction of its own, with its own times. */
async function auction(room: string, timing: Timing): Promise<void> {
  await createClient<typeof registry>(server.url).liveAuction.create(["tide", room], { input: timing });
}

async function enter(room: string, name: string): Promise<Page> {
  const page = await (await person(browser)).newPage();
  page.on("pageerror", (error) => problems.push(`${name}: ${error.message}`));
  await page.goto(`${server.url}/#tide/${room}`);
  await page.fill("#name", name);
  await page.click(".entrance button");
  await live(page);
  return page;
}

const live = (page: Page) => page.waitForSelector('.status[data-status="connected"]', { timeout: 30_000 });
/** Waits until this is the highest bid. */
const price = async (page: Page, text: string) => {
  await page.locator(`.history [data-top="true"] .sum:text-is("${text}")`).waitFor();
  await page.locator(`#price:text-is("${text}")`).waitFor();
};
const standing = (page: Page, text: string) => page.locator(`.standing:text-is("${text}")`).waitFor();
const bidOf = (page: Page) => page.locator(".offers button").first();
const history = (page: Page) => page.locator(".history .sum").allTextContents();

async function offer(page: Page, amount: string): Promise<void> {
  await page.fill(".own input", amount);
  await page.click(".own button");
}

test("two people outbid each other, and each sees how it stands", async () => {
  await auction("two", { openFor: 3_600_000, lastCall: 1_000 });
  const ann = await enter("two", "Ann");
  const bob = await enter("two", "Bob");
  await ann.locator('#watchers:text-is("2")').waitFor();

  await bidOf(ann).click();
  await Promise.all([price(ann, "$400"), price(bob, "$400")]);
  await standing(ann, "You lead with $400.");
  assert.equal(await bidOf(ann).isDisabled(), true, "nobody bids against themselves");

  await bidOf(bob).click();
  await standing(ann, "Bob has outbid you by $20.");
  await standing(bob, "You lead with $420.");

  // The page offers no such bid, so it is typed: what the actor says to it is on the page.
  await offer(ann, "421");
  await ann.locator('.trouble:text-is("Bid at least $440.")').waitFor();
  await offer(ann, "900");
  await price(bob, "$900");
  assert.equal(await ann.locator(".bidding .trouble").textContent(), "", "what went wrong is over");
  assert.deepEqual(await history(bob), ["$900", "$420", "$400"]);

  await bob.reload();
  await live(bob);
  await standing(bob, "Ann has outbid you by $480.");
  await screenshot(ann, "live-auction-ann");
  await screenshot(bob, "live-auction-bob");
});

test("the server is killed in the middle: price, bids and deadline are the same, and it goes on", async () => {
  await auction("killed", { openFor: 3_600_000, lastCall: 1_000 });
  const ann = await enter("killed", "Ann");
  const bob = await enter("killed", "Bob");
  await bidOf(ann).click();
  await price(bob, "$400");
  await bidOf(bob).click();
  await price(ann, "$420");
  await server.kill();
  await ann.waitForSelector('.status:not([data-status="connected"])');
  assert.equal(await bidOf(ann).isDisabled(), true, "nothing can be bid meanwhile");
  assert.deepEqual(await history(ann), ["$420", "$400"], "what was there still is");
  await screenshot(ann, "live-auction-server-killed");
  await server.restart();
  await Promise.all([live(ann), live(bob)]);
  await standing(ann, "Bob has outbid you by $20.");
  await bidOf(ann).click();
  await price(bob, "$440");
  assert.deepEqual(await history(bob), ["$440", "$420", "$400"]);
});

test("the hammer falls while the server is down, and everybody learns of it", async () => {
  await auction("hammer", { openFor: 8_000, lastCall: 8_000 });
  const ann = await enter("hammer", "Ann");
  const bob = await enter("hammer", "Bob");
  // However long it took to come: everybody is there when it is offered again.
  await ann.locator('.stamp:text-is("Passed")').waitFor({ timeout: 60_000 });
  await ann.click("text=Offer it again");
  await bidOf(ann).click();
  await price(bob, "$400");
  await server.kill();
  // The page's own clock goes on, and says when it is time.
  await bob.locator('.countdown:has-text("the hammer falls")').waitFor({ timeout: 60_000 });
  await server.restart();
  await ann.locator('.stamp:text-is("Sold")').waitFor({ timeout: 30_000 });
  await standing(ann, "It is yours, for $400.");
  await bob.locator('.standing:has-text("Sold to Ann")').waitFor();
  await screenshot(ann, "live-auction-sold");

  await bob.click("text=Offer it again");
  await ann.locator('.history:has-text("None yet")').waitFor();
  await bidOf(bob).click();
  await standing(bob, "You lead with $400.");
});

test("a narrow window holds everything", async () => {
  await auction("narrow", { openFor: 3_600_000, lastCall: 1_000 });
  const ann = await enter("narrow", "Bartholomew Featherstonehaugh");
  await ann.setViewportSize({ width: 390, height: 800 });
  await offer(ann, "9000000");
  await price(ann, "$9,000,000");
  const width = await ann.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 390, `${width} pixels`);
});

test("what people call themselves stays text", async () => {
  await auction("markup", { openFor: 3_600_000, lastCall: 1_000 });
  const eve = await enter("markup", "<img src=x onerror=alert()>");
  const ann = await enter("markup", "Ann");
  await bidOf(eve).click();
  await ann.locator('.name:text-is("<img src=x onerror=alert()>")').waitFor();
  await bidOf(ann).click();
  await bidOf(eve).click();
  await ann.locator('.standing:has-text("<img src=x onerror=alert()> has outbid you")').waitFor();
  assert.equal(await ann.locator("img").count(), 0);
});

test("a bidder who is turned away: the page says why", async () => {
  const page = await (await person(browser)).newPage();
  await page.addInitScript(() => {
    sessionStorage.setItem("secret", "short");
    sessionStorage.setItem("name", "Eve");
  });
  await page.goto(`${server.url}/#lamp`);
  await page.locator('.trouble:has-text("A bidder needs a secret of 16 to 64 letters")').waitFor();
  assert.equal(await page.locator(".offers").count(), 0);
});

test("an auction by another name is one of the last lot", async () => {
  const page = await (await person(browser)).newPage();
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`${server.url}/#auction-123`);
  await live(page);
  await page.locator('.plate h2:text-is("Orchard, Moving")').waitFor();
  assert.equal(await page.locator(".tonight .card").count(), 3);
  assert.deepEqual(problems, []);
});
