/** The server process of the suites about the life of actors, see `main.ts`. */

import { registry } from "./life-registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
