/** The agent as people see it: streams, a second window, stopping, reloading, a killed server, and markup that stays text. */

import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";
import { launchBrowser, person, screenshot } from "../harness/browser.js";
import { exampleScript } from "../harness/paths.js";
import { DONE, delta, Provider, refuses, streams } from "../harness/provider.js";
import { ServerProcess } from "../harness/server.js";

const SCRIPT = exampleScript("ai-agent");
/** What a page must not run, wherever it stands. */
const MARKUP = '<img src=x onerror="window.ran=1"><script>window.ran=1</script><b>bold</b>';

let browser: Browser;
let server: ServerProcess;
const problems: string[] = [];

before(async () => {
  server = await ServerProcess.start({ script: SCRIPT, env: { AGENT_PAUSE: "15" } });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await server?.dispose();
});

/** A window of a conversation, of a person with no other window. */
async function open(address: string, { url } = server): Promise<Page> {
  const page = await (await person(browser)).newPage();
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`${url}/${address}`);
  await live(page);
  return page;
}

const live = (page: Page) => page.waitForSelector('.status[data-status="connected"]', { timeout: 30_000 });
const answers = (page: Page, status: string): Locator => page.locator(`.answer[data-status="${status}"]`);

async function say(page: Page, text: string): Promise<void> {
  await page.fill("textarea", text);
  await page.press("textarea", "Enter");
}

/** Waits until the last answer shows `text`. */
const shows = (page: Page, text: string) =>
  page
    .locator(".answer")
    .last()
    .locator(`.markdown:has-text(${JSON.stringify(text)})`)
    .waitFor();

test("an answer grows word by word in the window that asks and in every other one", async () => {
  const ann = await open("#desk-1/both");
  const bob = await open("#desk-1/both");
  const grown = await Promise.all([watchGrowth(ann), watchGrowth(bob)]);
  await say(ann, "Count to 60");
  await Promise.all([answers(ann, "done").waitFor(), answers(bob, "done").waitFor()]);
  for (const lengths of grown)
    assert.ok((await lengths()) > 3, "it shows what there is, before the rest is there");
  const text = await ann.locator(".answer .markdown").textContent();
  assert.equal(text, `${Array.from({ length: 60 }, (_, index) => index + 1).join(", ")}. Done.`);
  assert.equal(await bob.locator(".answer .markdown").textContent(), text);
});

test("tools are shown with what went in and what came out, and notes are kept", async () => {
  const ann = await open("#desk-1/tools");
  await say(ann, "What is 17% of 2,340, and what time is it in Tokyo?");
  await answers(ann, "done").waitFor();
  const calculator = ann.locator('.tool[data-tool="calculator"]');
  assert.equal(await calculator.locator(".input").textContent(), "2,340 * 17 / 100");
  assert.equal(await calculator.locator(".output").textContent(), "397.8");
  assert.match((await ann.locator('.tool[data-tool="clock"] .input').textContent()) ?? "", /Asia\/Tokyo/);
  await say(ann, "Remember to water the plants");
  await ann.locator('.notes li:text-is("water the plants")').waitFor();
  await answers(ann, "done").nth(1).waitFor();
  await screenshot(ann, "ai-agent-tools");
  assert.equal(await ann.locator(".model").textContent(), "greenroom-fake-1");
});

test("stop ends an answer, in the window that asked and from another one", async () => {
  const ann = await open("#desk-1/stop");
  const bob = await open("#desk-1/stop");
  await say(ann, "Count to 500");
  await shows(ann, "1, 2, 3");
  await ann.click('[aria-label="Stop"]');
  await Promise.all([answers(ann, "stopped").waitFor(), answers(bob, "stopped").waitFor()]);
  await ann.click('button:text-is("Try again")');
  await shows(bob, "1, 2, 3");
  await bob.click('[aria-label="Stop"]');
  await Promise.all([answers(ann, "stopped").waitFor(), answers(bob, "stopped").waitFor()]);
  assert.equal(await ann.locator(".answer").count(), 1, "another attempt takes the place of the first one");
  assert.doesNotMatch((await ann.locator(".answer .markdown").textContent()) ?? "", /500/);
});

test("a reload in the middle of an answer finds it where it is, and sees the rest", async () => {
  const ann = await open("#desk-1/reload");
  await say(ann, "Count to 100");
  await shows(ann, "1, 2, 3");
  await ann.reload();
  await live(ann);
  await shows(ann, "1, 2, 3");
  await answers(ann, "done").waitFor();
  assert.match((await ann.locator(".answer .markdown").textContent()) ?? "", /^1, 2, .* 99, 100\. Done\.$/);
});

test("the server is killed between answers and in the middle of one: what was said stays", async () => {
  const ann = await open("#desk-1/killed");
  const bob = await open("#desk-1/killed");
  await say(ann, "My name is Ann");
  await answers(bob, "done").waitFor();
  await server.kill();
  await ann.waitForSelector('.status:not([data-status="connected"])');
  assert.equal(await ann.locator('[aria-label="Ask"]').isDisabled(), true);
  await server.restart();
  await Promise.all([live(ann), live(bob)]);
  await say(bob, "What is my name?");
  await shows(ann, "You are Ann");
  await Promise.all([answers(ann, "done").nth(1).waitFor(), answers(bob, "done").nth(1).waitFor()]);

  await say(ann, "Count to 500");
  await shows(bob, "1, 2, 3");
  await server.kill();
  const seen = (await bob.locator(".answer").last().locator(".markdown").textContent())?.trim() ?? "";
  await screenshot(ann, "ai-agent-server-killed");
  await server.restart();
  await Promise.all([live(ann), live(bob)]);
  await Promise.all([answers(ann, "interrupted").waitFor(), answers(bob, "interrupted").waitFor()]);
  const kept = await ann.locator(".answer").last().locator(".markdown").textContent();
  assert.ok(kept?.startsWith(seen), `what was seen (${seen}) is still there: ${kept}`);
  await screenshot(ann, "ai-agent-interrupted");
  await bob.click('button:text-is("Try again")');
  await shows(ann, "1, 2, 3");
  await ann.click('[aria-label="Stop"]');
  await answers(bob, "stopped").waitFor();
});

test("a question that is asked while the server is away comes back to who wrote it", async () => {
  const ann = await open("#desk-1/away");
  await say(ann, "Hello");
  await answers(ann, "done").waitFor();
  if (server.pid === undefined) throw new Error("the server runs");
  // Frozen, it never reads the question, but the page cannot know.
  process.kill(server.pid, "SIGSTOP");
  await say(ann, "Are you there?");
  await server.kill();
  await server.restart();
  await ann.waitForFunction(() => document.querySelector("textarea")?.value === "Are you there?");
  assert.equal(await ann.locator(".question").count(), 1);
  await ann.press("textarea", "Enter");
  await answers(ann, "done").nth(1).waitFor();
});

test("conversations are listed in every window of a desk, opened, and forgotten", async () => {
  const ann = await open("#desk-2/one");
  const bob = await open("#desk-2/one");
  await say(ann, "The first conversation");
  await answers(ann, "done").waitFor();
  await ann.click("text=New conversation");
  await ann.locator(".welcome").waitFor();
  await live(ann);
  await say(ann, "The second conversation");
  await bob.locator(".entry").nth(1).waitFor();
  assert.deepEqual(await bob.locator(".entry a").allTextContents(), [
    "The second conversation",
    "The first conversation",
  ]);
  await answers(ann, "done").waitFor();
  await ann.click("text=The first conversation");
  await ann.locator('.question:text-is("The first conversation")').waitFor();
  await ann.hover(".entry >> nth=1");
  await ann.click('[aria-label="Forget “The first conversation”"]');
  await bob.locator('.entry:has-text("The first conversation")').waitFor({ state: "detached" });
  await bob.locator(".welcome").waitFor();
});

test("markup stays text: of people, in titles, notes and tools", async () => {
  const ann = await open("#desk-3/markup");
  const bob = await open("#desk-3/markup");
  await say(ann, `Remember ${MARKUP}`);
  await answers(ann, "done").waitFor();
  await say(bob, `say ${MARKUP}`);
  await answers(ann, "done").nth(1).waitFor();
  for (const page of [ann, bob]) {
    await page.locator(".question", { hasText: MARKUP }).first().waitFor();
    await nothingRan(page);
  }
});

test("markup stays text: of a model, however it arrives", async (t) => {
  const outputs = [
    MARKUP,
    "[click](javascript:window.ran=1) [data](data:text/html,<script>window.ran=1</script>) [fine](https://example.com/)",
    "![stolen](http://127.0.0.1:9/what-was-said) <iframe src=http://127.0.0.1:9/></iframe>",
    "```html\n<script>window.ran=1</script>\n```\n<style>body{display:none}</style>",
  ];
  const page = await provided(
    t,
    ...outputs.map((text) => streams(...[...text].map((content) => delta({ content })), DONE)),
  );
  for (const [index, text] of outputs.entries()) {
    await say(page, `Output ${index}: ${text}`);
    await answers(page, "done").nth(index).waitFor();
    await nothingRan(page);
  }
  assert.equal(await page.locator(".answer iframe, .answer style").count(), 0);
  const links = await page
    .locator(".answer a")
    .evaluateAll((all) => all.map((each) => each.getAttribute("href")));
  assert.deepEqual(links, ["", "", "https://example.com/"]);
  await page.locator('.answer:has-text("[picture: stolen]")').waitFor();
});

test("a narrow window holds everything, however long its words are", async () => {
  const ann = await open("#desk-4/narrow");
  await ann.setViewportSize({ width: 390, height: 800 });
  const word = "x".repeat(400);
  await say(ann, `say \`${word}\` ${word}\n\n    ${word}`);
  await answers(ann, "done").waitFor();
  await say(ann, `Remember ${word}`);
  await answers(ann, "done").nth(1).waitFor();
  const widest = await ann.evaluate(() =>
    Math.max(
      ...[...document.querySelectorAll(".app, main, .column, .answer, .question")].map(
        (each) => each.scrollWidth,
      ),
    ),
  );
  assert.ok(widest <= 390, `${widest} pixels`);
  await ann.click(".menu");
  await ann.locator('.sidebar a:text-is("New conversation")').click();
  await ann.locator(".welcome").waitFor();
  await screenshot(ann, "ai-agent-narrow");
});

test("what is wrong with a model is said in the answer, which can be tried again", async (t) => {
  const page = await provided(
    t,
    refuses(401, "{}"),
    refuses(429, "{}", { "retry-after": "7" }),
    refuses(500, "{}"),
    streams(delta({ content: "I was about" })),
    streams(delta({ content: "All is well." }, "stop"), DONE),
  );
  const ending = (code: string) => page.locator(`.ending[data-code="${code}"]`);
  await say(page, "Hello");
  await ending("model_unauthorized").waitFor();
  assert.match((await ending("model_unauthorized").textContent()) ?? "", /check AGENT_API_KEY/);
  await page.click('button:text-is("Try again")');
  await ending("model_busy").waitFor();
  assert.match((await ending("model_busy").textContent()) ?? "", /in 7 s/);
  await page.click('button:text-is("Try again")');
  await ending("model_unavailable").waitFor();
  await page.click('button:text-is("Try again")');
  await ending("model_cut_off").waitFor();
  await shows(page, "I was about");
  await screenshot(page, "ai-agent-failed");
  await page.click('button:text-is("Try again")');
  await shows(page, "All is well.");
  await answers(page, "done").waitFor();
  assert.equal(await page.locator(".model").textContent(), "test-model");
  assert.deepEqual(problems, []);
});

/** A window of an agent whose model is a provider with these answers. */
async function provided(t: TestContext, ...answers: Parameters<typeof Provider.start>): Promise<Page> {
  const provider = await Provider.start(...answers);
  t.after(() => provider.stop());
  const own = await ServerProcess.start({
    script: SCRIPT,
    env: { AGENT_BASE_URL: provider.url, AGENT_MODEL: "test-model", AGENT_API_KEY: "sk-test" },
  });
  t.after(() => own.dispose());
  return open("#desk-1/provided", own);
}

/** Tells, later, how many lengths the first answer has had since. */
async function watchGrowth(page: Page): Promise<() => Promise<number>> {
  const lengths = await page.evaluateHandle(() => {
    const seen = new Set<number>();
    new MutationObserver(() => {
      seen.add(document.querySelector(".answer .markdown")?.textContent?.length ?? 0);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
    return seen;
  });
  return () => lengths.evaluate(({ size }) => size);
}

async function nothingRan(page: Page): Promise<void> {
  assert.equal(await page.evaluate(() => "ran" in globalThis), false);
  assert.equal(await page.locator("#page img, #page script, #page .markdown b").count(), 0);
}
