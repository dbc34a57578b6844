/** The server process of the suites about security, see `main.ts`. */

import { registry } from "./security-registry.js";
import { serve } from "./serve.js";

await serve(registry);
