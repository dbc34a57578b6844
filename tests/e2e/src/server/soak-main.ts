/** The server process of the soak, see `soak/main.ts`. */

import { serve } from "./serve.js";
import { registry } from "./soak-registry.js";

await serve(registry);
