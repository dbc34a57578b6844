/** The server process of the suites: settings come from `GREENROOM_*`, the first line on stdout is the URL. */

import { registry } from "./registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
