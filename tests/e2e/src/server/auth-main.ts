/** The server process of the suite about `onAuth`, see `main.ts`. */

import { registry } from "./auth-registry.js";
import { serve } from "./serve.js";

await serve(registry);
