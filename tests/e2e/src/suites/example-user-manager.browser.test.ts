/** The user manager, a React page, as two people see it: adding, looking up, removing, companies, a killed server. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, person, screenshot } from "../harness/browser.js";
import { exampleScript } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

let browser: Browser;
let server: ServerProcess;
let ann: Page;
let bob: Page;
const problems: string[] = [];

before(async () => {
  server = await ServerProcess.start({ script: exampleScript("user-manager") });
  browser = await launchBrowser();
  ann = await open("Ann");
  bob = await open("Bob");
});
after(async () => {
  await browser?.close();
  await server?.dispose();
});

async function open(name: string): Promise<Page> {
  const page = await (await person(browser)).newPage();
  page.on("pageerror", (error) => problems.push(`${name}: ${error.message}`));
  await page.goto(server.url);
  await live(page);
  return page;
}

const live = (page: Page) => page.waitForSelector('.status[data-status="connected"]');
const user = (page: Page, name: string) => page.locator("#users li", { hasText: name });

async function add(page: Page, name: string): Promise<void> {
  await page.fill("#name", name);
  await page.click('button:text-is("Add user")');
}

test("who is added in one window is there in the other, and is shown", async () => {
  await ann.getByText("Nobody here yet").waitFor();
  await add(ann, "Alice");
  await user(bob, "Alice").waitFor();
  await ann.locator(".profile h2", { hasText: "Alice" }).waitFor();
  await ann.locator(".profile pre", { hasText: '"email": "alice@example.com"' }).waitFor();
  await add(bob, "<b>Bert</b>");
  await user(ann, "<b>Bert</b>").waitFor();
  assert.equal(await ann.locator("#users b").count(), 0);
  await user(bob, "Alice").getByRole("button").click();
  await bob.locator(".profile h2", { hasText: "Alice" }).waitFor();
});

test("each company has users of its own", async () => {
  await ann.getByRole("button", { name: "Globe" }).click();
  await ann.getByText("Nobody here yet").waitFor();
  await add(ann, "Will");
  await user(ann, "Will").waitFor();
  assert.equal(await user(bob, "Will").count(), 0);
  await ann.getByRole("button", { name: "default" }).click();
  await user(ann, "Alice").waitFor();
  assert.equal(await user(ann, "Will").count(), 0);
});

test("what is refused is said, and stays in the form", async () => {
  await add(ann, "  ");
  await ann.locator(".trouble", { hasText: "a user needs a name" }).waitFor();
  assert.equal(await ann.inputValue("#name"), "  ");
});

test("the server is killed: nobody can be added, and both windows go on where they were", async () => {
  await server.kill();
  await ann.waitForSelector('.status:not([data-status="connected"])');
  assert.equal(await ann.isDisabled('button:text-is("Add user")'), true);
  await server.restart();
  await Promise.all([live(ann), live(bob)]);
  await add(ann, "Clara");
  await user(bob, "Clara").waitFor();
  assert.equal(await bob.locator("#users li").count(), 3);
  await screenshot(ann, "user-manager");
});

test("who is removed is gone in every window", async () => {
  await user(ann, "Alice").getByRole("button").click();
  await ann.getByRole("button", { name: "Remove" }).click();
  await user(bob, "Alice").waitFor({ state: "detached" });
  await bob.getByText("Choose somebody.").waitFor();
  assert.deepEqual(problems, []);
});
