/** The server process of the suite about what never ends. */

import { registry } from "./never-registry.js";
import { serve } from "./serve.js";

await serve(registry);
