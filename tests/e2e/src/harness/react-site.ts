import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildOptions, build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import type { PageApi } from "../react/page.js";
import { DIST, ROOT } from "./paths.js";

/** The versions of React that the suites run on. */
export type ReactVersion = 18 | 19;

/** Bundles one of the suites' files with a version of React, as a development build. */
async function bundle(
  file: string,
  react: ReactVersion,
  options: BuildOptions,
  alias: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(DIST, "react", file)],
    bundle: true,
    format: "esm",
    define: { "process.env.NODE_ENV": '"development"' },
    alias: { ...alias, ...(react === 18 && REACT_18) },
    ...options,
    write: false,
  });
  return outputFiles?.[0]?.text ?? "";
}

const REACT_18_FOLDER = join(ROOT, "tests/e2e/runtimes/node_modules");
const REACT_18 = {
  react: join(REACT_18_FOLDER, "react"),
  "react-dom": join(REACT_18_FOLDER, "react-dom"),
};

/** Serves pages that show actors with React, and renders them. */
export class ReactSite {
  readonly #server: Server;
  readonly url: string;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param hooks whose hooks the pages use. */
  static async start(
    react: ReactVersion,
    hooks: "@greenroom/react" | "@rivetkit/react" = "@greenroom/react",
  ): Promise<ReactSite> {
    const code = await bundle("page.js", react, { platform: "browser" }, { "@greenroom/react": hooks });
    const server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://site");
      if (pathname === "/") {
        response.setHeader("content-type", "text/html; charset=utf-8");
        const html = searchParams.get("html") ?? "";
        response.end(
          `<!doctype html><link rel="icon" href="data:,"><main>${html}</main><script type="module" src="/page.js"></script>`,
        );
      } else {
        response.setHeader("content-type", "text/javascript");
        response.end(code);
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ReactSite(server);
  }

  /** Opens the page. @param html what the server rendered. */
  async open(browser: Browser, html = ""): Promise<ReactPage> {
    const page = await browser.newPage();
    const opened = new ReactPage(page);
    await page.goto(`${this.url}/?html=${encodeURIComponent(html)}`);
    await page.waitForFunction(() => "api" in globalThis);
    return opened;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** A page of a {@link ReactSite}, and what went wrong in it. */
export class ReactPage {
  readonly page: Page;
  /** Warnings and errors of the console. */
  readonly console: string[] = [];
  /** What nobody caught, rejections included. */
  readonly uncaught: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on("console", (message) => {
      if (["warning", "error"].includes(message.type())) this.console.push(message.text());
    });
    page.on("pageerror", (error) => this.uncaught.push(error.message));
  }

  /** Calls the page's own functions. */
  call<Name extends keyof PageApi>(
    name: Name,
    ...args: Parameters<PageApi[Name]>
  ): Promise<Awaited<ReturnType<PageApi[Name]>>> {
    const given = { name, args } as unknown as { readonly name: string; readonly args: readonly unknown[] };
    return this.page.evaluate(({ name, args }) => {
      const { api } = globalThis as unknown as { api: Record<string, (...args: unknown[]) => unknown> };
      return api[name]?.(...args) as Awaited<ReturnType<PageApi[Name]>>;
    }, given);
  }

  /** Waits until a panel has a status, and gives its error. */
  async has(id: string, status: string, error?: string): Promise<void> {
    const which = error === undefined ? "" : `[data-error="${error}"]`;
    await this.page.waitForSelector(`#${id}[data-status="${status}"]${which}`, {
      timeout: 30_000,
      state: "attached",
    });
  }

  /** The lines that a panel shows. */
  lines(id: string): Promise<string[]> {
    return this.page.locator(`#${id} li`).allTextContents();
  }

  click(id: string, button: string): Promise<void> {
    return this.page.dispatchEvent(`#${id} .${button}`, "click");
  }
}

/** Renders panels as a server does. */
export async function renderOnServer(react: ReactVersion, endpoint: string, spec: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-react-"));
  try {
    const code = await bundle("server-render.js", react, {
      platform: "node",
      banner: {
        js: `import { createRequire } from "node:module"; const require = createRequire(${JSON.stringify(import.meta.url)});`,
      },
    });
    const file = join(folder, "render.mjs");
    await writeFile(file, code);
    const { render } = (await import(pathToFileURL(file).href)) as {
      render(endpoint: string, spec: object): string;
    };
    return render(endpoint, spec);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
