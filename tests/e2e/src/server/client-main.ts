/** The server process of the suites about the client, see `main.ts`. */

import { registry } from "./client-registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
