/** Actors behind limits, for the suite about them. */

import { actor, event, queue, setup } from "greenroom";

export const shop = actor({
  state: { sold: 0 },
  createVars: () => ({ waiting: [] as (() => void)[] }),
  events: { sold: event<number>(), waiting: event<number>() },
  queues: { orders: queue<{ n: number }>() },
  onRequest: () => new Response("open"),
  actions: {
    sell(c) {
      c.state.sold += 1;
      c.broadcast("sold", c.state.sold);
      return c.state.sold;
    },
    async wait(c) {
      await new Promise<void>((resolve) => {
        c.vars.waiting.push(resolve);
        c.broadcast("waiting", c.vars.waiting.length);
      });
      return "done";
    },
    letGo(c) {
      for (const resolve of c.vars.waiting.splice(0)) resolve();
    },
  },
});

export const registry = setup({
  use: { shop },
  rateLimit: { requestsPerMinute: Number(process.env.TEST_PER_MINUTE), inFlight: 3 },
  trustProxy: true,
});
