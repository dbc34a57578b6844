/** The server process of the suite about guards, see `main.ts`. */

import { registry } from "./guards-registry.js";
import { serve } from "./serve.js";

await serve(registry);
