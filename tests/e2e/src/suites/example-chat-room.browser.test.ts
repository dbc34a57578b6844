/** The demo as two people see it: both ways, history, a killed server. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient } from "@greenroom/client";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { launchBrowser, person, screenshot } from "../harness/browser.js";
import { exampleScript } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

let browser: Browser;
let server: ServerProcess;
let ann: Page;
let bob: Page;
const contexts: BrowserContext[] = [];
const problems: string[] = [];

before(async () => {
  server = await ServerProcess.start({ script: exampleScript("chat-room") });
  browser = await launchBrowser();
  ann = await enter("Ann");
  bob = await enter("Bob");
});
after(async () => {
  await browser?.close();
  await server?.dispose();
});

async function enter(name: string): Promise<Page> {
  const context = await person(browser);
  contexts.push(context);
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(`${name}: ${error.message}`));
  await page.goto(`${server.url}/#stage`);
  await page.fill("#name", name);
  await page.click("#welcome button");
  await live(page);
  return page;
}

const live = (page: Page) => page.waitForSelector('#status[data-status="connected"]', { timeout: 30_000 });

async function say(page: Page, text: string): Promise<void> {
  await page.fill("#text", text);
  await page.press("#text", "Enter");
}

/** Waits until the page shows `text` in a confirmed message. */
const shows = (page: Page, text: string) =>
  page.waitForSelector(`#log li:not(.pending) .bubble:text-is(${JSON.stringify(text)})`, { timeout: 30_000 });

const texts = (page: Page) => page.locator("#log .bubble").allTextContents();

test("messages travel both ways and show who is here", async () => {
  await say(ann, "Hello, is anybody backstage?");
  await shows(bob, "Hello, is anybody backstage?");
  await say(bob, "In the green room, waiting for my cue.");
  await shows(ann, "In the green room, waiting for my cue.");
  await ann.waitForSelector("#people li:nth-child(2)");
  assert.deepEqual(await ann.locator("#people li").allTextContents(), ["AAnn", "BBob"]);
});

test("what people write stays text", async () => {
  const markup = '<img src=x onerror="document.title=1"><b>bold</b>';
  await say(bob, markup);
  await shows(ann, markup);
  assert.equal(await ann.locator("#log img, #log b").count(), 0);
});

test("a reload shows the history", async () => {
  const before = await texts(ann);
  await ann.reload();
  await ann.click("#welcome button");
  await live(ann);
  await shows(ann, "In the green room, waiting for my cue.");
  assert.deepEqual(await texts(ann), before);
});

test("the server is killed and comes back: both pages go on, and nothing is missing", async () => {
  const before = await texts(bob);
  await server.kill();
  await ann.waitForSelector('#status:not([data-status="connected"])');
  await say(ann, "Can you hear me?");
  await ann.waitForSelector("#log li.pending");
  await screenshot(ann, "chat-server-killed");
  await server.restart();
  await Promise.all([live(ann), live(bob)]);
  await shows(bob, "Can you hear me?");
  await shows(ann, "Can you hear me?");
  await say(bob, "Loud and clear. Nothing got lost.");
  await shows(ann, "Loud and clear. Nothing got lost.");
  assert.deepEqual(await texts(ann), [...before, "Can you hear me?", "Loud and clear. Nothing got lost."]);
  assert.deepEqual(await texts(bob), await texts(ann));
  await screenshot(ann, "chat-ann");
  await screenshot(bob, "chat-bob");
  assert.deepEqual(problems, []);
});

test("messages written while the server is frozen and gone arrive in one order, the same in every window", async () => {
  const before = await texts(bob);
  if (server.pid === undefined) throw new Error("the server runs");
  // Frozen, it takes a message but does not answer: nobody can know what became of it.
  process.kill(server.pid, "SIGSTOP");
  await say(ann, "first");
  await ann.waitForSelector('#log li.pending .bubble:text-is("first")');
  await server.kill();
  await ann.waitForSelector('#status:not([data-status="connected"])');
  await say(ann, "second");
  await say(ann, "third");
  await say(bob, "from the other side");
  await server.restart();
  await Promise.all([live(ann), live(bob)]);
  for (const page of [ann, bob]) {
    for (const text of ["first", "second", "third", "from the other side"]) await shows(page, text);
  }
  const seen = await texts(ann);
  assert.deepEqual(await texts(bob), seen);
  assert.deepEqual(seen.slice(0, before.length), before);
  assert.deepEqual(
    seen.filter((text) => ["first", "second", "third"].includes(text)),
    ["first", "second", "third"],
  );
  const late = await enter("Late");
  await shows(late, "third");
  assert.deepEqual(await texts(late), seen);
});

test("no name, no entry: the page says why", async () => {
  const context = await person(browser);
  const page = await context.newPage();
  await page.goto(`${server.url}/#stage`);
  await page.fill("#name", "   ");
  await page.click("#welcome button");
  assert.equal(await page.locator("body.entered").count(), 0);
  const said = await page.locator("#name").evaluate((input) => (input as HTMLInputElement).validationMessage);
  assert.match(said, /who you are/);
  await screenshot(page, "chat-welcome");
});

test("programs talk in the room without being people in it", async (t) => {
  const client = createClient(server.url);
  t.after(() => client.dispose());
  const room = client.getOrCreate("chatRoom", ["stage"]);
  const people = await bob.locator("#people li").allTextContents();
  await room.action({ name: "sendMessage", args: ["user-123", "Hello everyone!"] });
  await shows(bob, "Hello everyone!");
  assert.deepEqual(await bob.locator("#people li").allTextContents(), people);
  const all = await room.action({ name: "getMessages", args: [] });
  assert.ok(Array.isArray(all));
  assert.equal(all.at(-1).userId, "user-123");
});

test("what is no message is refused, with the reason", async (t) => {
  const client = createClient(server.url);
  t.after(() => client.dispose());
  const room = client.getOrCreate("chatRoom", ["stage"]);
  const send = (...args: unknown[]) => room.action({ name: "sendMessage", args });
  await assert.rejects(send("user-123", "  "), { group: "user", code: "empty_message" });
  await assert.rejects(send("user-123", 7), { group: "user", code: "empty_message" });
  await assert.rejects(send("user-123", "x".repeat(2_001)), { group: "user", code: "message_too_long" });
  await assert.rejects(send("", "Hello"), { group: "user", code: "name_missing" });
  await assert.rejects(send(undefined, "Hello"), { group: "user", code: "name_missing" });
  const nameless = client.getOrCreate("chatRoom", ["stage"], { params: { name: " " } }).connect();
  await assert.rejects(nameless.ready, { group: "user", code: "name_missing" });
  await nameless.dispose();
});
