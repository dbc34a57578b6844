/** The hooks of the page: ours, or those of the unmodified `@rivetkit/react`, which the bundler puts in their place. */

import { createRivetKit, type Greenroom } from "@greenroom/react";
import type { registry } from "../server/react-registry.js";

/** Hooks, as a program has them. */
export type Hooks = Greenroom<typeof registry>;

/** Makes hooks as a program does. */
export function makeHooks(endpoint: string): Hooks {
  return createRivetKit<typeof registry>(endpoint);
}
