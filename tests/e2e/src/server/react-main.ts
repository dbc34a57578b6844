/** The server process of the suites about React hooks, see `main.ts`. */

import { registry } from "./react-registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
