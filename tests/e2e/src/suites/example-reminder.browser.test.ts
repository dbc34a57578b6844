/** The reminder example as people see it: planning, counting down, cancelling, and a kill in between. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient } from "@greenroom/client";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, person, screenshot } from "../harness/browser.js";
import { exampleScript } from "../harness/paths.js";
import { run, ServerProcess } from "../harness/server.js";

let browser: Browser;
let server: ServerProcess;
let desk: Page;
let phone: Page;
const problems: string[] = [];

before(async () => {
  server = await ServerProcess.start({ script: exampleScript("reminder") });
  browser = await launchBrowser();
  desk = await open("desk");
  phone = await open("phone");
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

const live = (page: Page) => page.waitForSelector('#status[data-status="connected"]');

async function plan(page: Page, text: string, seconds: number): Promise<void> {
  await page.fill("#text", text);
  await page.fill("#seconds", String(seconds));
  await page.click("#plan .primary");
}

const planned = (page: Page, text: string) => page.locator("#planned li", { hasText: text });
const sent = (page: Page, text: string) => page.locator("#sent li", { hasText: text });

test("a reminder counts down in every window, and comes", async () => {
  await plan(desk, "call the prompter", 3_000);
  await planned(phone, "call the prompter").waitFor();
  assert.match((await planned(phone, "call the prompter").textContent()) ?? "", /in 50 min/);
  await plan(phone, "stretch", 0.3);
  await Promise.all([sent(desk, "stretch").waitFor(), sent(phone, "stretch").waitFor()]);
  assert.equal(await planned(desk, "stretch").count(), 0);
  // What comes first stands first.
  await plan(desk, "bow", 60);
  await planned(phone, "bow").waitFor();
  assert.match((await phone.locator("#planned li").first().textContent()) ?? "", /bow/);
});

test("what one window cancels is gone in the other", async () => {
  await planned(phone, "bow").getByRole("button", { name: "Cancel" }).click();
  await planned(desk, "bow").waitFor({ state: "detached" });
  await planned(phone, "bow").waitFor({ state: "detached" });
});

test("a reminder that comes due while the server is dead comes once, after it is back, and says so", async () => {
  await plan(desk, "<i>curtain</i>", 2);
  await planned(phone, "<i>curtain</i>").waitFor();
  const due = Date.now() + 4_000;
  await server.kill();
  await desk.waitForSelector('#status:not([data-status="connected"])');
  // The time itself is the event: it has to pass while nobody is there.
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
  await server.restart();
  await Promise.all([live(desk), live(phone)]);
  for (const page of [desk, phone]) {
    const row = sent(page, "<i>curtain</i>");
    await row.waitFor({ timeout: 30_000 });
    assert.equal(await row.count(), 1);
    assert.match((await row.textContent()) ?? "", /late: the server was away/);
    assert.equal(await planned(page, "<i>curtain</i>").count(), 0);
    await planned(page, "call the prompter").waitFor();
  }
  assert.equal(await desk.locator("#sent i").count(), 0);
  await screenshot(desk, "reminder");
  assert.deepEqual(problems, []);
});

test("the client of the terminal hears its reminder, too", async () => {
  const script = exampleScript("reminder").replace("server.js", "client.js");
  const { code, stdout, stderr } = await run(script, { GREENROOM_ENDPOINT: server.url }, ["tea", "0.2"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /reminder: tea/);
  await sent(phone, "tea").waitFor();
});

test("what cannot be planned is refused, with the reason", async (t) => {
  const client = createClient(server.url);
  t.after(() => client.dispose());
  const mine = client.getOrCreate("reminder", "mine");
  const call = (name: string, ...args: unknown[]) => mine.action({ name, args });
  await assert.rejects(call("setReminder", " ", 10), { group: "user", code: "empty_text" });
  await assert.rejects(call("setReminder", "x".repeat(201), 10), { group: "user", code: "text_too_long" });
  for (const delay of [-1, Number.NaN, "10", undefined, 1e12])
    await assert.rejects(call("setReminder", "x", delay), { group: "user", code: "bad_delay" });
  await assert.rejects(call("sendReminder", "x", 0), { group: "user", code: "not_for_clients" });
  assert.equal(await call("cancel", "nothing"), false);
  for (let made = 0; made < 50; made++) await call("setReminder", `number ${made}`, 1e9);
  await assert.rejects(call("setReminder", "one more", 1e9), { group: "user", code: "too_many" });
});
