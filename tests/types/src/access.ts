// Who may do what: `onAuth`, what it gives, and guards.
import {
  type AuthData,
  type AuthIntent,
  actor,
  event,
  Forbidden,
  type GuardContext,
  setup,
  Unauthorized,
} from "greenroom";
import { same } from "./equal.js";

declare module "greenroom" {
  interface Register {
    auth: { uid: string; staff: boolean };
  }
}

interface Member {
  role: "reader" | "writer";
}

const board = actor({
  state: { notes: [] as string[] },
  onBeforeConnect: (c) => {
    same<typeof c.auth, { uid: string; staff: boolean } | undefined>();
    // @ts-expect-error it may be undefined: other actors are not asked about
    c.auth.uid;
  },
  createConnState: (c): Member => ({ role: c.auth?.staff === true ? "writer" : "reader" }),
  events: {
    note: event<string>({
      canSubscribe: (c: GuardContext<Member>) => {
        same<typeof c.conn.state, Member>();
        same<typeof c.conn.auth, AuthData | undefined>();
        // @ts-expect-error a context has no other members
        c.somethingElse;
        return c.conn.state.role === "reader";
      },
    }),
    open: event<string>({ canSubscribe: async (c) => c.conn.state.role === "reader" }),
    // @ts-expect-error a guard says yes or no
    odd: event<string>({ canSubscribe: () => "yes" }),
    // @ts-expect-error no such option
    misspelt: event<string>({ canSubscibe: () => true }),
  },
  actions: {
    who(c) {
      same<typeof c.conn.auth, { uid: string; staff: boolean } | undefined>();
      // @ts-expect-error no such member
      c.conn.auth?.name;
      return c.conn.auth?.uid;
    },
  },
});

setup({
  use: { board },
  onAuth: ({ intents, name, key, actorId, params, token, remoteAddress, request }) => {
    same<typeof intents, ReadonlySet<AuthIntent>>();
    same<typeof name, string | undefined>();
    same<typeof key, readonly string[] | undefined>();
    same<typeof actorId, string | undefined>();
    same<typeof params, unknown>();
    same<typeof token, string | undefined>();
    same<typeof remoteAddress, string | undefined>();
    same<typeof request, Request>();
    // @ts-expect-error no such intent
    intents.has("creat");
    if (token === undefined) throw new Unauthorized();
    if (intents.has("create")) throw new Forbidden("not you", { metadata: { why: "because" } });
    return { uid: token, staff: false };
  },
  rateLimit: { requestsPerMinute: 10 },
  trustProxy: true,
});

// @ts-expect-error not what the program has registered
setup({ use: { board }, onAuth: () => ({ uid: "ann" }) });
setup({ use: { board }, onAuth: async () => ({ uid: "ann", staff: true }) });
// @ts-expect-error no such limit
setup({ use: { board }, rateLimit: { perMinute: 10 } });
