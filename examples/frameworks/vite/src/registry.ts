/** The actors of this example: a counter that tells whoever watches, and takes requests and sockets of its own kind. */
import { actor, event, setup, UserError } from "greenroom";

const counter = actor({
  state: { count: 0 },
  events: { counted: event<number>() },
  actions: {
    add(c, by: number): number {
      if (!Number.isInteger(by)) throw new UserError("add takes a whole number", { code: "not_whole" });
      c.state.count += by;
      c.broadcast("counted", c.state.count);
      return c.state.count;
    },
  },
  // Sends back what it is sent, while it comes.
  onRequest: (_c, request) => new Response(request.body),
  onWebSocket: (_c, socket) => {
    socket.addEventListener("message", ({ data }) => socket.send(data));
  },
});

export const registry = setup({ use: { counter } });
