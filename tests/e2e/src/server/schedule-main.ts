/** The server process of the suite about schedules, see `main.ts`. */

import { registry } from "./schedule-registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
