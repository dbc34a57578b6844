import { fileURLToPath } from "node:url";
import { actor, event, setup } from "greenroom";

/** One actor per key: the count of "main" knows nothing of that of "bar". */
export const counter = actor({
  state: { count: 0 },
  events: { newCount: event<number>() },
  actions: {
    increment(c, by: number) {
      c.state.count += by;
      c.broadcast("newCount", c.state.count);
      return c.state.count;
    },
    getCount: (c) => c.state.count,
  },
});

export const registry = setup({
  use: { counter },
  staticDir: fileURLToPath(new URL("../public", import.meta.url)),
});
