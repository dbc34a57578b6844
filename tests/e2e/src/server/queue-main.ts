/** The server process of the suite about queues, see `main.ts`. */

import { registry } from "./queue-registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
