/** The server process of the suites about the life of actors, see `main.ts`. */

import { registry } from "./life-registry.js";
import { serve } from "./serve.js";

await serve(registry);
