import { createGreenroom } from "@greenroom/react";
import type { registry } from "../registry.js";

export const { useActor } = createGreenroom<typeof registry>(location.origin);
