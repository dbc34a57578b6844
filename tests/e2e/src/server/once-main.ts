/** The server process of the suites about calls that run once, see `main.ts`. */

import { NativeRegistry } from "@greenroom/native";
import { losing, registry } from "./once-registry.js";
import { serve } from "./serve.js";

const { start } = NativeRegistry.prototype;
NativeRegistry.prototype.start = function (this: NativeRegistry, ...args) {
  losing.lose = (id) => this.crash(id);
  return start.apply(this, args);
};

await serve(registry);
