/** What a server does with the components of `app.tsx`. */

import { renderToString } from "react-dom/server";
import { App, makeHooks, type PageSpec } from "./app.js";

/** The HTML of a page. */
export function render(endpoint: string, spec: PageSpec): string {
  return renderToString(<App hooks={makeHooks(endpoint)} spec={spec} />);
}
