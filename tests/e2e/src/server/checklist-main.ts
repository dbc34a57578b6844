/** The server process of the suite that goes through what users count on, see `main.ts`. */

import { registry } from "./checklist-registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
