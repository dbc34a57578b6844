/** What runs in the browser: see `app.tsx`. */

import { createRoot, hydrateRoot, type Root } from "react-dom/client";
import { App, type PageSpec, shown } from "./app.js";
import { type Hooks, makeHooks } from "./hooks.js";

/** What the suites do with the page. */
export interface PageApi {
  /** Where the actors are. Before anything is shown. */
  connectTo(endpoint: string): void;
  show(spec: PageSpec): void;
  hydrate(spec: PageSpec): void;
  unmount(): void;
  renderings(id: string): number;
}

let hooks: Hooks;
let root: Root | undefined;

const container = (): HTMLElement => document.querySelector("main") ?? document.body;

const api: PageApi = {
  connectTo(endpoint) {
    hooks = makeHooks(endpoint);
  },
  show(spec) {
    root ??= createRoot(container());
    root.render(<App hooks={hooks} spec={spec} />);
  },
  hydrate(spec) {
    root = hydrateRoot(container(), <App hooks={hooks} spec={spec} />, {
      onRecoverableError: (error) => console.error("recoverable", error),
    });
  },
  unmount() {
    root?.unmount();
    root = undefined;
  },
  renderings: (id) => renderings.get(id) ?? 0,
};
Object.assign(globalThis, { api });
