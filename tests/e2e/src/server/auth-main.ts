/** The server process of the suite about `onAuth`, see `main.ts`. */

import { registry } from "./auth-registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
