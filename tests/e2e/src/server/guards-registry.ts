/** Actors whose events are not for everybody, for the suite about guards. */

import { actor, event, type GuardContext, setup, UserError } from "greenroom";

interface Member {
  readonly role: string;
  asked: number;
}

/** Who hears `note` is decided by the connection's state, `odd` never in a way that counts. */
export const board = actor({
  state: { asked: 0, woken: 0 },
  createConnState: (_c, params: { readonly role: string } | undefined): Member => ({
    role: params?.role ?? "nobody",
    asked: 0,
  }),
  onWake: (c) => {
    c.state.woken += 1;
  },
  events: {
    open: event<string>(),
    note: event<string>({
      canSubscribe: (c: GuardContext<Member>) => {
        c.conn.state.asked += 1;
        return c.conn.state.role === "reader";
      },
    }),
    late: event<string>({
      canSubscribe: async (c) => {
        c.state.asked += 1;
        const gate = new Promise<void>((open) => c.vars.gates.push(open));
        c.broadcast("open", "asked");
        await gate;
        return true;
      },
    }),
    odd: event<string>({ canSubscribe: (() => "yes") as never }),
    rude: event<string>({
      canSubscribe: () => {
        throw new UserError("ask nicely", { code: "rude", metadata: { magic: "please" } });
      },
    }),
    broken: event<string>({ canSubscribe: () => Promise.reject(new Error("a secret of the guard")) }),
    hanging: event<string>({ canSubscribe: () => new Promise<boolean>(() => {}) }),
  },
  createVars: () => ({ gates: [] as (() => void)[] }),
  options: { sleepTimeout: 200, onBeforeConnectTimeout: 4_000 },
  actions: {
    say(c, name: "open" | "note" | "late" | "odd" | "rude" | "broken" | "hanging", text: string) {
      c.broadcast(name, text);
    },
    decide(c) {
      for (const open of c.vars.gates.splice(0)) open();
    },
    report: (c) => ({ asked: c.state.asked, woken: c.state.woken, ofConn: c.conn.state.asked }),
    nap: (c) => c.sleep(),
  },
});

export const registry = setup({ use: { board } });
