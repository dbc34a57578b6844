/** The server process of the suite that goes through what users count on, see `main.ts`. */

import { registry } from "./checklist-registry.js";
import { serve } from "./serve.js";

await serve(registry);
