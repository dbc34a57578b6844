/** Actors in a program with a server and sockets of its own. */
import { join } from "node:path";
import { actor, setup } from "greenroom";

/** Where data cannot be for as long as it is a file. */
export const IN_THE_WAY =
  process.env.BROKEN_ONCE === undefined ? undefined : join(process.env.GREENROOM_DATA_DIR ?? "", "data");

const counter = actor({
  state: { n: 0 },
  actions: {
    add(c, by: number): number {
      c.state.n += by;
      c.broadcast("n", c.state.n);
      return c.state.n;
    },
    /** Where the caller comes from. */
    who: (c): string => String(c.conn.auth?.uid),
    connections: (c): number => c.conns.size,
  },
});

export const registry = setup({
  use: { counter },
  onAuth: ({ remoteAddress }) => ({ uid: String(remoteAddress) }),
  noWelcome: true,
  ...(IN_THE_WAY === undefined ? {} : { dataDir: IN_THE_WAY }),
  ...(process.env.BASE_PATH === undefined ? {} : { basePath: process.env.BASE_PATH }),
});
