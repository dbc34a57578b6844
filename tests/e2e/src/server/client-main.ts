/** The server process of the suites about the client, see `main.ts`. */

import { registry } from "./client-registry.js";
import { serve } from "./serve.js";

await serve(registry);
