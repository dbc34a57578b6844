/** The server process of the suites about disks, see `main.ts`. */

import { randomBytes } from "node:crypto";
import { actor, event, setup } from "greenroom";
import { serve } from "./serve.js";

/** Keeps the lines that it is given, in its state, and something of any size as a pair. */
const notebook = actor({
  state: { lines: [] as string[] },
  events: { added: event<string>() },
  options: { actionTimeout: 400, sleepTimeout: 60_000 },
  actions: {
    add(c, line: string, ballast = 0) {
      c.state.lines.push(line);
      if (ballast > 0) void c.kv.put("ballast", randomBytes(ballast));
      c.broadcast("added", line);
      return c.state.lines.length;
    },
    read: (c) => [...c.state.lines],
    nap: (c) => c.sleep(),
  },
});

const registry = setup({ use: { notebook } });
export type DiskRegistry = typeof registry;
await serve(registry);
