/** The server process of the suite about migrations: runs the code of the generation that `GENERATION` names. */

import { registryOf } from "./migration-registry.js";

const { url } = await registryOf(Number(process.env.GENERATION)).start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
