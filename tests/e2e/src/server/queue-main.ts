/** The server process of the suite about queues, see `main.ts`. */

import { registry } from "./queue-registry.js";
import { serve } from "./serve.js";

await serve(registry);
