/** What runs in the browser: see `app.tsx`. */

import "./before-react.js";

import { version } from "react";
import { flushSync } from "react-dom";
import { createRoot, hydrateRoot, type Root } from "react-dom/client";
import { App, type PageSpec, type PanelSpec, shown } from "./app.js";
import { Crowd, move, seen } from "./crowd.js";
import { edit, Written } from "./edited.js";
import { type Hooks, makeHooks } from "./hooks.js";

/** What the suites do with the page. */
export interface PageApi {
  /** Where the actors are. Before anything is shown. */
  connectTo(endpoint: string): void;
  show(spec: PageSpec): void;
  hydrate(spec: PageSpec): void;
  unmount(): void;
  /** See `shown`. */
  shown(id: string): { readonly changes: readonly string[]; readonly renderings: number };
  /** Shows and unmounts each spec at once, without waiting for anything. */
  rush(specs: readonly PageSpec[]): void;
  /** Shows one component that its author is at work on. */
  showWritten(spec: PanelSpec): void;
  edit(version: Parameters<typeof edit>[0]): void;
  /** Shows many components of one actor, and moves them to another one in the background. */
  showCrowd(options: PanelSpec["options"]): void;
  moveCrowd(options: PanelSpec["options"]): void;
  /** What there was to see of the crowd. */
  seen(): { readonly statuses: readonly string[]; readonly torn: number };
  disposeClient(): Promise<void>;
  /** The version of React. */
  version(): string;
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
  shown: (id) => shown.get(id) ?? { changes: [], renderings: 0 },
  rush(specs) {
    for (const spec of specs) {
      flushSync(() => api.show(spec));
      api.unmount();
    }
  },
  showWritten(spec) {
    root ??= createRoot(container());
    root.render(<Written hooks={hooks} spec={spec} />);
  },
  edit,
  showCrowd(options) {
    root ??= createRoot(container());
    root.render(<Crowd hooks={hooks} first={options} />);
  },
  moveCrowd: (options) => move(options),
  seen: () => ({ statuses: [...seen.statuses], torn: seen.torn }),
  disposeClient: () => hooks.client.dispose(),
  version: () => version,
};
Object.assign(globalThis, { api });
