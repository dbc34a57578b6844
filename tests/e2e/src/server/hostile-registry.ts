/** Actors for the suites that are hostile: one that echoes, so that frames can be seen to go both ways, and one to call. */

import { actor, event, queue, setup } from "greenroom";

/** Sends back what it hears. */
export const echo = actor({
  onWebSocket: (_c, socket) => {
    socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => socket.send(data));
  },
  actions: {},
});

export const counter = actor({
  createState: (_c, input: unknown) => ({ count: 0, kept: input }),
  createConnState: (_c, params: unknown) => ({ params }),
  events: { counted: event<number>() },
  queues: { notes: queue<unknown>() },
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
    keep(c, value: unknown): void {
      c.state.kept = value;
    },
    kept: (c): unknown => c.state.kept,
    params: (c): unknown => c.conn.state.params,
    note: async (c): Promise<unknown> => (await c.queue.next())?.body,
    sleep: (c) => c.sleep(),
    /** What all objects of the process have, which nobody may add to. */
    common: () =>
      [Object.prototype, Array.prototype, Function.prototype].map((each) => Reflect.ownKeys(each).length),
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
