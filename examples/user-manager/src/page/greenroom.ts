import { createGreenroom } from "@greenroom/react";
import type { registry } from "../registry.js";

/** The hooks for the actors of the registry: all types of the page come from here. */
export const { useActor } = createGreenroom<typeof registry>(location.origin);
