/** The server process of the suite about clients that are slow, see `main.ts`. */

import { serve } from "./serve.js";
import { registry } from "./slow-registry.js";

await serve(registry);
