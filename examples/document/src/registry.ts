import { fileURLToPath } from "node:url";
import { setup } from "greenroom";
import { document } from "./document.js";
import { shelf } from "./shelf.js";
import { MAX_BYTES } from "./text.js";

export const registry = setup({
  use: { document, shelf },
  // Everybody may write. This is the place to ask who they are.
  onAuth: () => ({ role: "writer" }),
  // Somebody who was offline for long sends a whole document at once.
  maxIncomingMessageSize: 2 * MAX_BYTES,
  staticDir: fileURLToPath(new URL("../public", import.meta.url)),
});
