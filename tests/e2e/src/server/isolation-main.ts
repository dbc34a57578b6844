/** The server process of the suite about isolation. */

import { registry } from "./isolation-registry.js";
import { serve } from "./serve.js";

await serve(registry);
