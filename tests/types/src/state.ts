// State, variables and connection state are inferred, however they are made.
import { actor } from "rivetkit";
import { same } from "./equal.js";

actor({
  state: { total: 0, last: null as string | null },
  actions: {
    add(c, by: number) {
      same<typeof c.state, { total: number; last: string | null }>();
      c.state = { total: by, last: "x" };
      // @ts-expect-error not the type of `total`
      c.state.total = "1";
      // @ts-expect-error no such member
      c.state.totl;
      // @ts-expect-error no variables are declared
      c.vars.x;
      // @ts-expect-error no connection state is declared
      c.conn.state.x;
    },
  },
});

actor({
  createState: (_c, input: { n: number }) => ({ n: input.n, tags: new Set<string>() }),
  createVars: (c) => ({ double: c.state.n * 2 }),
  createConnState: (c, params: { who: string }) => ({ who: params.who, seen: c.vars.double }),
  onCreate: (c, input) => {
    same<typeof input, { n: number }>();
    same<typeof c.vars, { double: number }>();
  },
  onStateChange: (c, next) => {
    same<typeof next, typeof c.state>();
  },
  onConnect: (c, conn) => {
    same<typeof conn.state, { who: string; seen: number }>();
    same<typeof conn.params, { who: string }>();
    same<typeof c.conn, typeof conn>();
  },
  actions: {
    get: (c) => {
      same<typeof c.state, { n: number; tags: Set<string> }>();
      for (const conn of c.conns.values()) same<typeof conn.state, { who: string; seen: number }>();
    },
  },
});

actor({
  createState: async (_c, input: { n: number }) => ({ n: input.n }),
  createVars: async () => ({ cache: new Map<string, number>() }),
  createConnState: async (_c, params: string) => ({ who: params }),
  actions: {
    get(c) {
      same<typeof c.state, { n: number }>();
      same<typeof c.vars, { cache: Map<string, number> }>();
      same<typeof c.conn.state, { who: string }>();
    },
  },
});

actor({
  actions: {
    get(c) {
      // @ts-expect-error there is no state
      c.state.n;
    },
  },
});

actor({
  createState: (c) => {
    // @ts-expect-error there is no state yet
    c.state;
    // @ts-expect-error nor are there connections
    c.broadcast("x");
    return { name: c.name, key: c.key };
  },
  actions: {},
});
