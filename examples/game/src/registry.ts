import { fileURLToPath } from "node:url";
import { setup } from "greenroom";
import { game } from "./game.js";

export const registry = setup({
  use: { game },
  staticDir: fileURLToPath(new URL("../public", import.meta.url)),
});
