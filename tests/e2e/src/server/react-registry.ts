/** What the pages of the suites about React hooks talk to. */

import { actor, event, setup, Unauthorized, UserError } from "greenroom";

/** How often this process was asked to let somebody in, by the key of the actor. */
const asked = new Map<string, number>();
/** How often somebody subscribed to lines, by the key of the actor. */
const subscriptions = new Map<string, number>();

function count(counts: Map<string, number>, key: readonly string[]): void {
  counts.set(key.join("/"), (counts.get(key.join("/")) ?? 0) + 1);
}

/** Who comes. Somebody called `test` watches, and does not count. */
export interface LobbyParams {
  readonly me: string;
  readonly token?: string;
}

export const lobby = actor({
  createState: (_c, input: { motto: string } | undefined) => ({ motto: input?.motto ?? "none", entered: 0 }),
  onBeforeConnect: (c, params: LobbyParams | undefined) => {
    if (params?.me === "test") return;
    count(asked, c.key);
    if (params?.me === "banned") throw new UserError("not you", { code: "banned" });
  },
  createConnState: (_c, params: LobbyParams | undefined) => ({ me: params?.me ?? "nobody" }),
  events: {
    line: event<{ from: string; text: string }>({
      canSubscribe: (c) => {
        count(subscriptions, c.key);
        return true;
      },
    }),
    counted: event<number>(),
    secret: event<string>({ canSubscribe: (c) => c.conn.state.me === "ann" }),
  },
  onConnect: (c, conn) => {
    if (conn.state.me !== "test") c.state.entered += 1;
  },
  actions: {
    say: (c, text: string) => c.broadcast("line", { from: c.conn.state.me, text }),
    /** Sends the numbers below `count`, each as an event of its own, from several turns. */
    async count(c, count: number) {
      for (let number = 0; number < count; number++) {
        c.broadcast("counted", number);
        if (number % 10 === 9) await c.saveState({ immediate: true });
      }
    },
    motto: (c) => c.state.motto,
    kick: (c) => {
      for (const conn of c.conns.values()) if (conn.state.me !== "test") conn.disconnect("kicked");
    },
    /** Who is connected, and how often somebody was let in, asked to be, and subscribed to lines. */
    report: (c) => ({
      present: [...c.conns.values()].map(({ state }) => state.me).filter((me) => me !== "test"),
      entered: c.state.entered,
      asked: asked.get(c.key.join("/")) ?? 0,
      subscriptions: subscriptions.get(c.key.join("/")) ?? 0,
    }),
  },
});

export const registry = setup({
  use: { lobby },
  onAuth: ({ params }) => {
    if ((params as LobbyParams | undefined)?.token === "expired")
      throw new Unauthorized("your token is too old");
    return { uid: "somebody" };
  },
});
