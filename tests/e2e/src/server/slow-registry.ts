/** Actors that say more than some clients read, for the suite about them. */

import { actor, event, setup } from "greenroom";

interface Cursor {
  readonly user: string;
  readonly at: number;
  readonly trail: string;
}

interface News {
  readonly number: number;
  readonly text: string;
}

/** Most of what its tests keep waiting for one client. */
export const BACKLOG = 1024 * 1024;

export const feed = actor({
  createVars: () => ({ here: new Set<string>(), produced: 0, ended: false }),
  events: {
    news: event<News>(),
    spark: event<News>({ whenSlow: "drop" }),
    level: event<{ at: number; text: string }>({ whenSlow: "coalesce" }),
    cursor: event<Cursor>({ whenSlow: { coalesceBy: (cursor) => cursor.user } }),
    odd: event<{ about: object }>({
      // What comes from JavaScript may be wrong.
      whenSlow: { coalesceBy: ({ about }) => about as unknown as string },
    }),
  },
  options: { maxConnectionBacklog: BACKLOG },
  onConnect: (c, conn) => void c.vars.here.add(conn.id),
  onDisconnect: (c, conn) => void c.vars.here.delete(conn.id),
  actions: {
    /** Tells `count` pieces of news, from number `first` on. */
    tell(c, first: number, count: number, size: number) {
      for (let number = first; number < first + count; number++) {
        c.broadcast("news", { number, text: "x".repeat(size) });
      }
    },
    /** As many sparks, and one piece of news behind them. */
    sparkle(c, first: number, count: number, size: number) {
      for (let number = first; number < first + count; number++) {
        c.broadcast("spark", { number, text: "x".repeat(size) });
      }
      c.broadcast("news", { number: first / count, text: "" });
    },
    /** Moves the cursors of `users` one step each, and says that in between once. */
    move(c, users: number, at: number, size: number) {
      for (let user = 0; user < users; user++) {
        c.broadcast("cursor", { user: `user ${user}`, at, trail: "x".repeat(size) });
        c.broadcast("level", { at: at * users + user, text: "x".repeat(size) });
      }
      if (at % 100 === 0) c.broadcast("news", { number: at / 100, text: "" });
    },
    odd: (c) => c.broadcast("odd", { about: {} }),
    /** An answer without an end. */
    async *flood(c, size: number) {
      try {
        for (;;) {
          c.vars.produced += 1;
          yield "x".repeat(size);
        }
      } finally {
        c.vars.ended = true;
      }
    },
    flooded: (c) => ({ produced: c.vars.produced, ended: c.vars.ended }),
    text: (_c, size: number) => "x".repeat(size),
    /** How many connections there are, without the one that asks. */
    here: (c) => [...c.vars.here].filter((id) => id !== c.conn.id).length,
  },
});

export const registry = setup({ use: { feed } });
