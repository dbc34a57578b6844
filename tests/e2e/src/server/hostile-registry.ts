/** Actors for the suites that are hostile: one that echoes, so that frames can be seen to go both ways, and one to call. */

import { actor, event, setup } from "greenroom";

/** Sends back what it hears. */
export const echo = actor({
  onWebSocket: (_c, socket) => {
    socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => socket.send(data));
  },
  actions: {},
});

export const counter = actor({
  state: { count: 0 },
  events: { counted: event<number>() },
  onRequest: async (_c, request) => {
    const url = new URL(request.url);
    if (url.pathname === "/large") return new Response(new Uint8Array(Number(url.searchParams.get("size"))));
    const body = await request.arrayBuffer();
    return Response.json({ method: request.method, path: url.pathname + url.search, size: body.byteLength });
  },
  actions: {
    increment(c, by: number): number {
      c.state.count += by;
      c.broadcast("counted", c.state.count);
      return c.state.count;
    },
    echo: (_c, value: unknown): unknown => value,
  },
});

const LARGEST = 32 * 1024 * 1024;

export const registry = setup({
  use: { echo, counter },
  // Some of Autobahn's messages have 16 MiB.
  ...(process.env.LARGE_MESSAGES === undefined
    ? {}
    : { maxIncomingMessageSize: LARGEST, maxOutgoingMessageSize: LARGEST }),
});
