/** The server process of the suites: settings come from `GREENROOM_*`, the first line on stdout is the URL. */

import { registry } from "./registry.js";
import { serve } from "./serve.js";

await serve(registry);
