/** The game's page: two windows on one stage, by keys and by finger, over a killed server. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, type TestContext, test } from "node:test";
import { createClient } from "@greenroom/client";
import type { Browser, Page } from "playwright-core";
import type { Snapshot } from "../../../../examples/game/dist/game.js";
import type { registry } from "../../../../examples/game/dist/registry.js";
import { launchBrowser, person, screenshot } from "../harness/browser.js";
import { eventually } from "../harness/eventually.js";
import { exampleScript } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

let browser: Browser;
let server: ServerProcess;
const problems: string[] = [];

before(async () => {
  server = await ServerProcess.start({ script: exampleScript("game") });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await server?.dispose();
});

const live = (page: Page) => page.waitForSelector('#status[data-status="connected"]', { timeout: 30_000 });
const onStage = (page: Page, name: string) => page.locator("#players .who").filter({ hasText: name }).first();

/** A window on an arena, which goes with its test. */
async function open(t: TestContext, arena: string, isPhone = false): Promise<Page> {
  const context = isPhone
    ? await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
    : await person(browser);
  t.after(() => context.close());
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`${server.url}/#${arena}`);
  await live(page);
  return page;
}

async function play(page: Page, name: string): Promise<void> {
  await page.fill("#name", name);
  await page.click("#welcome button");
  await onStage(page, name).waitFor();
}

/** Where the players of these names are, as the actor tells a program. */
async function watch(t: TestContext, arena: string) {
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  const conn = client.game.getOrCreate([arena], { params: { player: randomUUID() } }).connect();
  let last: Snapshot | undefined;
  conn.on("snapshot", (snapshot) => {
    last = snapshot;
  });
  return async (name: string) => {
    const { players } = await conn.scores();
    const slot = players.find((player) => player.name === name)?.slot;
    const [, x, y] = last?.pucks.find(([one]) => one === slot) ?? [];
    assert.ok(x !== undefined && y !== undefined, `${name} is not there`);
    return { x, y };
  };
}

/** Waits for somebody to move by more than a stumble, `act` making them do so. */
async function moves(
  where: () => Promise<{ x: number; y: number }>,
  act: () => Promise<void>,
): Promise<void> {
  let from = { x: 0, y: 0 };
  await eventually(async () => {
    from = await where();
  });
  await act();
  await eventually(async () => {
    const now = await where();
    assert.ok(Math.hypot(now.x - from.x, now.y - from.y) > 60);
  });
}

const picture = (page: Page) =>
  page.locator("#stage").evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());

test("before one plays one sees the others, and the picture moves", async (t) => {
  const page = await open(t, "watching");
  await onStage(page, "Usher").waitFor();
  const first = await picture(page);
  await eventually(async () => assert.notEqual(await picture(page), first));
  await screenshot(page, "game-welcome");
});

test("two windows are two players: each sees the other, and keys move one's own disc", async (t) => {
  const ann = await open(t, "two");
  const bob = await open(t, "two");
  await play(ann, "Ann");
  await play(bob, "Bob");
  await Promise.all([onStage(ann, "Bob").waitFor(), onStage(bob, "Ann").waitFor()]);
  assert.equal(await ann.locator("#players .own .who").textContent(), "Ann");
  const where = await watch(t, "two");
  const { x } = await eventuallyGives(() => where("Ann"));
  const key = x > 0 ? "ArrowLeft" : "ArrowRight";
  await moves(
    () => where("Ann"),
    () => ann.keyboard.down(key),
  );
  await ann.keyboard.up(key);
  await screenshot(bob, "game");
  assert.deepEqual(problems, []);
});

async function eventuallyGives<T>(get: () => Promise<T>): Promise<T> {
  let value: { readonly got: T } | undefined;
  await eventually(async () => {
    value = { got: await get() };
  });
  if (!value) throw new Error("eventually fails otherwise");
  return value.got;
}

test("on a phone a finger steers, and the button leaps", async (t) => {
  const page = await open(t, "phone", true);
  await play(page, "Finger");
  const where = await watch(t, "phone");
  const touch = await page.context().newCDPSession(page);
  const send = (type: "touchStart" | "touchMove" | "touchEnd", points: { x: number; y: number }[]) =>
    touch.send("Input.dispatchTouchEvent", { type, touchPoints: points });
  await moves(
    () => where("Finger"),
    async () => {
      const { x } = await eventuallyGives(() => where("Finger"));
      await send("touchStart", [{ x: 195, y: 500 }]);
      await send("touchMove", [{ x: x > 0 ? 120 : 270, y: 500 }]);
      await page.waitForSelector("#stick:not([hidden])", { state: "attached" });
    },
  );
  await send("touchEnd", []);
  await page.waitForSelector("#stick[hidden]", { state: "attached" });
  await page.tap("#dash");
  await screenshot(page, "game-phone");
  assert.deepEqual(problems, []);
});

test("what players call themselves stays text", async (t) => {
  const ann = await open(t, "markup");
  const bob = await open(t, "markup");
  const markup = "<b>Bob</b>";
  await play(bob, markup);
  await onStage(ann, markup).waitFor();
  assert.equal(await ann.locator("#players b").count(), 0);
});

test("the server is killed: the game goes on by itself, with the scores that were seen", async (t) => {
  const page = await open(t, "killed");
  await play(page, "Ann");
  const best = page.locator("#best li").filter({ hasText: "Ann" });
  const keys = ["ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown"];
  // Round and round, until there is something to keep.
  for (let turn = 0; (await best.count()) === 0; turn++) {
    assert.ok(turn < 400, "somewhere there is a spark");
    const key = keys[turn % 4] ?? "ArrowLeft";
    await page.keyboard.down(key);
    await page.waitForTimeout(120 + (turn % 5) * 40);
    await page.keyboard.up(key);
  }
  const seen = Number(await best.locator(".number").textContent());
  await server.kill();
  await page.waitForSelector('#status:not([data-status="connected"])');
  await server.restart();
  await live(page);
  await page.locator("#players .own .who", { hasText: "Ann" }).waitFor();
  await eventually(async () => assert.ok(Number(await best.locator(".number").textContent()) >= seen));
  const first = await picture(page);
  await eventually(async () => assert.notEqual(await picture(page), first));
  assert.deepEqual(problems, []);
});
