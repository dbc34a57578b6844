/** The server process of the hostile suites, see `main.ts`. */

import { registry } from "./hostile-registry.js";
import { serve } from "./serve.js";

await serve(registry);
