/** Actors behind a server that is not ours. */
import { actor, setup } from "greenroom";

const counter = actor({
  state: { n: 0 },
  onWake: (c): void => c.log.info("awake", { secret: 42 }),
  actions: {
    add(c, by: number): number {
      c.state.n += by;
      c.broadcast("n", c.state.n);
      return c.state.n;
    },
    read: (c): number => c.state.n,
    echo: (_c, bytes: Uint8Array): Uint8Array => bytes,
    /** Resolves when its caller gives up. */
    async waits(c, name: string): Promise<void> {
      c.broadcast("waiting", name);
      await new Promise<void>((resolve) => c.abortSignal.addEventListener("abort", () => resolve()));
      c.broadcast("ended", name);
    },
    params: (c): unknown => c.conn.params,
  },
});

export const registry = setup({
  use: { counter },
  maxIncomingMessageSize: 8 * 1024 * 1024,
  maxOutgoingMessageSize: 8 * 1024 * 1024,
  noWelcome: true,
  logging: { level: "info" },
  ...(process.env.BASE_PATH === undefined ? {} : { basePath: process.env.BASE_PATH }),
});
