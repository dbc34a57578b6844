/** The server process of the suite about schedules, see `main.ts`. */

import { registry } from "./schedule-registry.js";
import { serve } from "./serve.js";

await serve(registry);
