/** The server process of the suite about load, see `main.ts`. */

import { registry } from "./load-registry.js";
import { serve } from "./serve.js";

await serve(registry);
