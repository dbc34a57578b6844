import { fileURLToPath } from "node:url";
import { setup } from "greenroom";
import { agent } from "./agent.js";
import { desk } from "./desk.js";

export const registry = setup({
  use: { agent, desk },
  staticDir: fileURLToPath(new URL("../public", import.meta.url)),
});
