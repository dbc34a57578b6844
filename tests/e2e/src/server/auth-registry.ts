/** Actors behind `onAuth`, for the suite about it. */

import { type AuthRequest, actor, event, Forbidden, queue, setup, Unauthorized, UserError } from "greenroom";

declare module "greenroom" {
  interface Register {
    auth: { readonly uid: string; readonly since?: Date };
  }
}

/** What happened to vaults, and what `onAuth` was asked, in this process. */
const happened: string[] = [];
const asked: object[] = [];
const gates: (() => void)[] = [];

export const vault = actor({
  state: { count: 0 },
  onBeforeConnect: (c) => void happened.push(`admit ${c.auth?.uid}`),
  createConnState: (c) => ({ greeted: c.auth?.uid ?? "nobody" }),
  onCreate: (c) => void happened.push(`create ${c.key.join("/")}`),
  onWake: (c) => void happened.push(`wake ${c.key.join("/")}`),
  events: { opened: event<string>() },
  queues: { jobs: queue<number>() },
  onRequest: (c) => Response.json({ auth: c.conn.auth?.uid }),
  onWebSocket: (c, socket) => socket.send(`auth ${c.conn.auth?.uid}`),
  actions: {
    who: (c) => ({ auth: c.conn.auth, greeted: c.conn.state.greeted }),
    since: (c) => c.conn.auth?.since,
    open(c) {
      c.state.count += 1;
      c.broadcast("opened", c.conn.auth?.uid ?? "nobody");
      return c.state.count;
    },
    nap: (c) => c.sleep(),
    forbid(): never {
      throw new Forbidden("not in here", { metadata: { why: "because" } });
    },
    /** Calls another vault from here: nobody is asked. */
    askOther: (c, key: string): Promise<unknown> => c.client<typeof registry>().vault.getOrCreate(key).who(),
  },
});

/** Open to everybody: tells what happened. */
export const probe = actor({
  actions: {
    happened: () => [...happened],
    asked: () => asked.splice(0),
    decide: () => {
      for (const open of gates.splice(0)) open();
    },
    waiting: () => gates.length,
  },
});

function note(request: AuthRequest): void {
  const { intents, name, key, actorId, params, token, remoteAddress } = request;
  const { method, url, headers } = request.request;
  const own = headers.get("x-own");
  asked.push({
    intents: [...intents],
    name,
    key,
    actorId,
    params,
    token,
    remoteAddress,
    request: `${method} ${url} ${own}`,
  });
}

export const registry = setup({
  use: { vault, probe },
  onAuthTimeout: 1_000,
  onAuth: (request) => {
    if (request.name === "probe") return { uid: "probe" };
    note(request);
    const given = (request.params as { token?: string } | undefined)?.token;
    const token = request.token ?? given;
    switch (token) {
      case undefined:
        throw new Unauthorized("who are you?");
      case "ann-s3cret":
        return { uid: "ann", since: new Date(7) };
      case "guest-s3cret":
        if (request.intents.has("create"))
          throw new Forbidden("guests create nothing", { metadata: { ask: "ann" } });
        return Promise.resolve({ uid: "guest" });
      case "slow":
        return new Promise((resolve) => gates.push(() => resolve({ uid: "slow" })));
      case "hanging":
        return new Promise<never>(() => {});
      case "user":
        return Promise.reject(new UserError("not today", { code: "closed" }));
      case "bug":
        throw new TypeError("the inner secret");
      case "odd":
        return { uid: (() => "no value") as never };
      default:
        throw new Forbidden();
    }
  },
});
