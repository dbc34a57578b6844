/** The server process of the suites about calls, see `main.ts`. */

import { registry } from "./calls-registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
