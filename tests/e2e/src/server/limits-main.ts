/** The server process of the suite about limits, see `main.ts`. */

import { registry } from "./limits-registry.js";
import { serve } from "./serve.js";

await serve(registry);
