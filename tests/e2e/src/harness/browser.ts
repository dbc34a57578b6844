import { existsSync } from "node:fs";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { ROOT } from "./paths.js";

const SCREENSHOTS = join(ROOT, "tests/e2e/screenshots");

const CANDIDATES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/**
 * A headless Chromium of the system. `GREENROOM_TEST_CHROMIUM` names another one.
 *
 * @param more Further arguments for it.
 */
export async function launchBrowser(...more: readonly string[]): Promise<Browser> {
  const executablePath = process.env.GREENROOM_TEST_CHROMIUM ?? CANDIDATES.find((path) => existsSync(path));
  if (executablePath === undefined)
    throw new Error("no Chromium found: install it, or name it with GREENROOM_TEST_CHROMIUM");
  return chromium.launch({
    executablePath,
    env: { ...process.env, HOME: await mkdtemp(join(tmpdir(), "greenroom-chromium-")) },
    // No sandbox inside containers; no calls home, which a closed network would only delay.
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...more,
    ],
  });
}

/** A person: their own cookies, storage and window. */
export function person(browser: Browser): Promise<BrowserContext> {
  return browser.newContext({ viewport: { width: 900, height: 760 }, colorScheme: "dark" });
}

/** Keeps a picture of the page, for people to look at. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}
