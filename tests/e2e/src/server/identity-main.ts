/** A server in a region of its own, whose actors say who they are. */

import { actor, setup, UserError } from "greenroom";
import { serve } from "./serve.js";

export const teller = actor({
  createState: (c) => ({ bornIn: c.region }),
  actions: {
    who: (c) => ({ id: c.actorId, name: c.name, key: c.key, region: c.region, bornIn: c.state.bornIn }),
    fail: () => {
      throw new UserError("it failed");
    },
    nap: (c) => c.sleep(),
  },
});

/** Cannot start. */
export const stillborn = actor({
  state: {},
  onWake: () => {
    throw new UserError("not today", { code: "not_today" });
  },
  actions: { who: () => null },
});

export const registry = setup({ use: { teller, stillborn } });
await serve(registry);
