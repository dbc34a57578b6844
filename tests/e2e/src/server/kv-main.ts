/** The server process of the suite about key-value pairs, see `main.ts`. */

import { registry } from "./kv-registry.js";
import { serve } from "./serve.js";

await serve(registry);
