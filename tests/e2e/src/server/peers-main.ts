/** The server process of the suite about actors that call each other, see `main.ts`. */
import { registry } from "./peers-registry.js";

const { url } = await registry.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
