/** The server process of the suite about workers: makes its registry in a module of its own. */

import { serve } from "./serve.js";
import { registry } from "./workers-registry.js";

await serve(registry);
