/** The server process of the suites about calls, see `main.ts`. */

import { registry } from "./calls-registry.js";
import { serve } from "./serve.js";

await serve(registry);
