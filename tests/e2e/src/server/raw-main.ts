/** The server process of the suites about raw HTTP and WebSockets, see `main.ts`. */

import { registry } from "./raw-registry.js";
import { serve } from "./serve.js";

await serve(registry);
