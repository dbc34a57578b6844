import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { type Client, createClient } from "@greenroom/client";
import type { Browser } from "playwright-core";
import type { PageSpec, PanelSpec } from "../react/app.js";
import type { registry } from "../server/react-registry.js";
import { launchBrowser } from "./browser.js";
import { eventually } from "./eventually.js";
import { DIST } from "./paths.js";
import { type ReactPage, ReactSite, type ReactVersion } from "./react-site.js";
import { ServerProcess } from "./server.js";

/** The server of suites about React. */
export const SCRIPT = join(DIST, "server/react-main.js");
/** Options of those who only watch. */
export const WATCHING = { params: { me: "test" } } as const;

/** What a test cleans up with. */
export type Test = { after(done: () => Promise<void>): void };

/** Who is in a lobby, and how often somebody was let in, asked to be, and subscribed to lines. */
export interface LobbyReport {
  readonly present: readonly string[];
  readonly entered: number;
  readonly asked: number;
  readonly subscriptions: number;
}

/** What tests with one version of React have. Its parts are there when tests run. */
export interface ReactSuite {
  readonly version: ReactVersion;
  readonly site: ReactSite;
  readonly server: ServerProcess;
  readonly client: Client<typeof registry>;
  /** A key of this version's own. */
  key(name: string): string;
  /** A page, to be closed with the test, that shows nothing yet. @param html what the server rendered. */
  open(t: Test, endpoint?: string, html?: string): Promise<ReactPage>;
  /** A page that shows something. */
  show(t: Test, spec: PageSpec, endpoint?: string): Promise<ReactPage>;
  /** What a lobby knows about its connections. */
  report(lobby: string): Promise<LobbyReport>;
  /** Waits until this is what a lobby knows. */
  knows(lobby: string, expected: LobbyReport): Promise<void>;
  /** Waits until nobody is in a lobby. */
  isEmpty(lobby: string): Promise<void>;
}

/** A panel of Ann's. */
export function panel(id: string, key: string, more: Partial<PanelSpec> = {}): PanelSpec {
  return { id, options: { name: "lobby", key: [key], params: { me: "ann" } }, ...more };
}

/** Declares tests that run with React 19 and with React 18, against one server and in one browser. */
export function withReact(define: (suite: ReactSuite) => void): void {
  let browser: Browser;
  let server: ServerProcess;
  let client: Client<typeof registry>;
  before(async () => {
    server = await ServerProcess.start({ script: SCRIPT });
    client = createClient<typeof registry>(server.url);
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await client?.dispose();
    await server?.dispose();
  });
  for (const version of [19, 18] as const) {
    describe(`React ${version}`, () => {
      let site: ReactSite;
      before(async () => {
        site = await ReactSite.start(version);
      });
      after(() => site?.close());
      const suite: ReactSuite = {
        version,
        get site() {
          return site;
        },
        get server() {
          return server;
        },
        get client() {
          return client;
        },
        key: (name) => `${name}-${version}`,
        async open(t, endpoint = server.url, html = "") {
          const opened = await site.open(browser, html);
          t.after(() => opened.page.close());
          await opened.call("connectTo", endpoint);
          return opened;
        },
        async show(t, spec, endpoint) {
          const opened = await suite.open(t, endpoint);
          await opened.call("show", spec);
          return opened;
        },
        report: (lobby) => client.lobby.getOrCreate(lobby, WATCHING).report(),
        knows: (lobby, expected) =>
          eventually(async () => assert.deepEqual(await suite.report(lobby), expected)),
        isEmpty: (lobby) =>
          eventually(async () => assert.deepEqual((await suite.report(lobby)).present, [], lobby), {
            within: 20_000,
          }),
      };
      define(suite);
    });
  }
}
