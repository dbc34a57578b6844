/** The server process of the suites about raw HTTP and WebSockets, see `main.ts`. */

import { registry } from "./raw-registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
