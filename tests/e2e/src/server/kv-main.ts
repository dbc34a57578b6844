/** The server process of the suite about key-value pairs, see `main.ts`. */

import { registry } from "./kv-registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
