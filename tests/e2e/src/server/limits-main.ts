/** The server process of the suite about limits, see `main.ts`. */

import { registry } from "./limits-registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
