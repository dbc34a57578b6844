/** What the environment says, beside what the registry reads of it (port and host). */
import { resolve } from "node:path";

/** The folder for everything: each example has a folder of its own in it, and so has the gallery. */
export const dataDir = resolve(process.env.GREENROOM_DATA_DIR || ".greenroom");

/**
 * The port of the first example: `GREENROOM_EXAMPLES_PORT`, 0 for any that is free; else the one after the gallery's.
 *
 * @throws Error if the variable is no port.
 */
export function firstPort(galleryPort: number): number {
  const text = process.env.GREENROOM_EXAMPLES_PORT;
  if (!text) return galleryPort + 1;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`GREENROOM_EXAMPLES_PORT has to be a whole number from 0 to 65535, and is \`${text}\``);
}
