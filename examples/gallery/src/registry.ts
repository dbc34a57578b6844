import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { actor, event, Forbidden, setup, UserError } from "greenroom";
import { isKillToken } from "./kill-token.js";
import { dataDir } from "./settings.js";
import { type Showing, Stage } from "./stage/stage.js";

/** The examples that run beside this program. */
export const stage = new Stage();

/** Tells every page what the examples are doing. It has nothing to store: they end when this program does. */
export const gallery = actor({
  events: { changed: event<Showing[]>() },
  options: { noSleep: true },
  createConnState: (_c, params?: { readonly token?: string }) => ({ mayKill: isKillToken(params?.token) }),

  run: async (c) => {
    for await (const _ of stage.changes(c.abortSignal)) c.broadcast("changed", stage.showings());
  },

  actions: {
    list: () => stage.showings(),

    mayKill: (c) => c.conn.state.mayKill,

    /** `kill -9`, to see that an example comes back with all that it had said. */
    kill: (c, name: string) => {
      if (!c.conn.state.mayKill)
        throw new Forbidden("open the address that the gallery printed when it started");
      const killed = stage.kill(name);
      if (killed === undefined)
        throw new UserError(`there is no example \`${name}\``, { code: "unknown_example" });
      if (!killed) throw new UserError(`${name} is not running just now`, { code: "not_running" });
    },
  },
});

export const registry = setup({
  use: { gallery },
  dataDir: join(dataDir, "gallery"),
  noWelcome: true,
  staticDir: fileURLToPath(new URL("../public", import.meta.url)),
  // The examples end first: see server.ts.
  shutdown: { disableSignalHandlers: true },
});
