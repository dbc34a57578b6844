/** The server process of the suite about actors that call each other, see `main.ts`. */
import { registry } from "./peers-registry.js";
import { serve } from "./serve.js";

await serve(registry);
