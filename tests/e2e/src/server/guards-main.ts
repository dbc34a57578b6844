/** The server process of the suite about guards, see `main.ts`. */

import { registry } from "./guards-registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
