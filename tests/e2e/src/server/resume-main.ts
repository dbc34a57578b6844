/** The server process of the suites about coming back to events, see `main.ts`. */

import { registry } from "./resume-registry.js";
import { serve } from "./serve.js";

await serve(registry);
