/** The server process of the suite that kills it, see `main.ts`. `KILL_PLANT=relaxed` makes it one that loses data. */

import { diaries } from "./kill-registry.js";
import { serve } from "./serve.js";

await serve(diaries(process.env.KILL_PLANT === "relaxed" ? "relaxed" : "strict"));
