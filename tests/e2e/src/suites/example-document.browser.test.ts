/** The document example as two people see it: writing together, writing apart, a killed server. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, person, screenshot } from "../harness/browser.js";
import { eventually } from "../harness/eventually.js";
import { exampleScript } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

let browser: Browser;
let server: ServerProcess;
let ann: Page;
let bob: Page;
const problems: string[] = [];

before(async () => {
  server = await ServerProcess.start({ script: exampleScript("document") });
  browser = await launchBrowser();
  ann = await open("Ann");
  bob = await open("Bob");
});
after(async () => {
  await browser?.close();
  await server?.dispose();
});

async function open(name: string, hash = "#play"): Promise<Page> {
  const page = await (await person(browser)).newPage();
  page.on("pageerror", (error) => problems.push(`${name}: ${error.message}`));
  await page.goto(`${server.url}/${hash}`);
  await live(page);
  await page.fill("#name", name);
  await page.press("#name", "Enter");
  return page;
}

const live = (page: Page) => page.waitForSelector('#status[data-status="connected"]', { timeout: 30_000 });
const textOf = (page: Page) =>
  page.locator(".cm-line").evaluateAll((lines) =>
    lines
      .map((line) => {
        // Other people's cursors, with their names, are not text.
        const copy = line.cloneNode(true) as Element;
        for (const caret of copy.querySelectorAll(".cm-ySelectionCaret")) caret.remove();
        return copy.textContent;
      })
      .join("\n"),
  );
const shows = (page: Page, part: string) =>
  eventually(
    async () => assert.ok((await textOf(page)).includes(part), `no "${part}" in ${await textOf(page)}`),
    {
      within: 30_000,
    },
  );
/** Everything that was written is on the server's disk. */
const saved = (page: Page) => page.waitForSelector('#progress[data-waiting="0"]', { timeout: 30_000 });
const toggle = (page: Page) => page.click("#online");

/** Writes at the end of the text. */
async function write(page: Page, text: string): Promise<void> {
  await page.click(".cm-content");
  await page.keyboard.press("Control+End");
  await page.keyboard.insertText(text);
}

test("two windows write one text, and show each other's cursors by name", async () => {
  await write(ann, "# The tempest\n\n");
  await shows(bob, "# The tempest");
  await write(bob, "A ship at sea.");
  await shows(ann, "A ship at sea.");
  await ann.waitForSelector('.cm-ySelectionInfo:text-is("Bob")', { state: "attached" });
  await bob.waitForSelector('#people li[title="Ann"]');
  await ann.waitForSelector('#shelf a[aria-current="page"]:text-is("The tempest")');
});

test("what people write and call themselves stays text", async () => {
  const markup = "<img src=x onerror=alert(1)>";
  await bob.fill("#name", markup);
  await bob.press("#name", "Enter");
  await ann.waitForSelector(`#people li[title="${markup}"]`);
  const other = await open("Eve", "#markup");
  await write(other, `# ${markup}`);
  await ann.waitForSelector(`#shelf a:text-is(${JSON.stringify(markup)})`);
  assert.equal(await ann.locator('img[src="x"]').count(), 0);
  await other.context().close();
  await bob.fill("#name", "Bob");
  await bob.press("#name", "Enter");
  await ann.waitForSelector('#people li[title="Bob"]');
});

test("both write while one is offline: afterwards both have both", async () => {
  await toggle(bob);
  await bob.waitForSelector('#status[data-status="idle"]');
  await ann.waitForSelector('#people:not(:has(li[title="Bob"]))', { state: "attached" });
  await write(bob, "\nBob wrote this below deck.");
  await bob.waitForSelector('#progress:has-text("kept on this device")');
  await write(ann, "\nAnn wrote this on deck.");
  await saved(ann);
  assert.doesNotMatch(await textOf(ann), /below deck/);
  await screenshot(bob, "document-offline");
  await toggle(bob);
  await live(bob);
  for (const page of [ann, bob]) {
    await shows(page, "Bob wrote this below deck.");
    await shows(page, "Ann wrote this on deck.");
  }
  assert.equal(await textOf(ann), await textOf(bob));
});

test("what was written offline survives a reload of the page", async () => {
  await toggle(ann);
  await write(ann, "\nWritten on an island.");
  const database = "greenroom/play";
  await eventually(async () => assert.match(await kept(ann, database), /Written on an island/));
  assert.doesNotMatch(await textOf(bob), /island/);
  await ann.reload();
  await shows(ann, "Written on an island.");
  await live(ann);
  await shows(bob, "Written on an island.");
});

/** What the page's copy holds, in the letters among its bytes. */
function kept(page: Page, name: string): Promise<string> {
  return page.evaluate(
    (database) =>
      new Promise<string>((resolve, reject) => {
        const opening = indexedDB.open(database);
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const all = opening.result.transaction("updates").objectStore("updates").getAll();
          all.onerror = () => reject(all.error);
          all.onsuccess = () => {
            opening.result.close();
            const decoder = new TextDecoder();
            resolve(all.result.map((bytes: Uint8Array) => decoder.decode(bytes)).join(" "));
          };
        };
      }),
    name,
  );
}

test("the server is killed while both write: nothing confirmed is missing, and the rest follows", async () => {
  await write(ann, "\nConfirmed before the storm.");
  await saved(ann);
  await server.kill();
  await Promise.all([ann, bob].map((page) => page.waitForSelector('#status:not([data-status="connected"])')));
  await write(ann, "\nAnn in the storm.");
  await write(bob, "\nBob in the storm.");
  await ann.waitForSelector('#progress:not([data-waiting="0"])', { state: "attached" });
  await server.restart();
  await Promise.all([live(ann), live(bob)]);
  for (const page of [ann, bob]) {
    await shows(page, "Ann in the storm.");
    await shows(page, "Bob in the storm.");
    await saved(page);
  }
  const text = await textOf(ann);
  assert.equal(await textOf(bob), text);
  const late = await open("Late");
  await shows(late, "Confirmed before the storm.");
  assert.equal(await textOf(late), text);
  await late.context().close();
});

test("each address is a document of its own, and the shelf leads to all of them", async () => {
  await ann.click("#new");
  await ann.waitForSelector('#shelf a[aria-current="page"]:text-is("Untitled")');
  await live(ann);
  await write(ann, "# Notes\n\nOnly here.");
  await bob.waitForSelector('#shelf a:text-is("Notes")');
  assert.doesNotMatch(await textOf(bob), /Only here/);
  await ann.click('#shelf a:text-is("The tempest")');
  await live(ann);
  await shows(ann, "A ship at sea.");
  await screenshot(ann, "document");
  assert.deepEqual(problems, []);
});
