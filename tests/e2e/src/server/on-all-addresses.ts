/** The server of `main.ts`, for suites that start it on all addresses of the machine: it says where it is on this one. */

import { registry } from "./registry.js";

const { port } = await registry.start();
process.stdout.write(`http://127.0.0.1:${port}\n`);
