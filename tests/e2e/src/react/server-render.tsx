/** What a server does with the components of `app.tsx`. */

import { renderToString } from "react-dom/server";
import { App, type PageSpec } from "./app.js";
import { makeHooks } from "./hooks.js";

/** The HTML of a page. */
export function render(endpoint: string, spec: PageSpec): string {
  return renderToString(<App hooks={makeHooks(endpoint)} spec={spec} />);
}
