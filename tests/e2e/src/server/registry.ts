/** The actors that the suites talk to. */

import { actor, event, queue, setup, UserError } from "greenroom";

/** What `conformance/rivetkit-client.mjs` expects of a server. */
export const counter = actor({
  state: { count: 0 },
  events: { newCount: event<number>() },
  actions: {
    increment(c, by: number) {
      c.state.count += by;
      c.broadcast("newCount", c.state.count);
      return c.state.count;
    },
    getCount: (c) => c.state.count,
    fail: () => {
      throw new UserError("it failed", { code: "my_code", metadata: { a: 1 } });
    },
    echo: (_c, value: unknown) => value,
  },
});

/** The queues that `conformance/rivetkit-client.mjs` expects. */
export const post = actor({
  state: { handled: 0 },
  queues: { jobs: queue<unknown, { echo: unknown }>(), parked: queue<unknown>() },
  run: async (c) => {
    for await (const job of c.queue.iter({ names: ["jobs"], completable: true })) {
      c.state.handled++;
      await job.complete({ echo: job.body });
    }
  },
  actions: { handled: (c) => c.state.handled },
});

/** Fails in every way that an action can. */
export const faulty = actor({
  state: { calls: 0, kept: null as unknown },
  createVars: () => ({ letGo: undefined as (() => void) | undefined }),
  actions: {
    userError: (c) => {
      c.state.calls += 1;
      throw new UserError("for your eyes");
    },
    codedError: () => {
      throw new UserError("balance too low", {
        code: "insufficient_funds",
        metadata: { have: 0n, want: 10 },
      });
    },
    crash: (c) => {
      c.state.calls += 1;
      throw new Error("a stack trace with secrets");
    },
    crashLater: async () => {
      await Promise.resolve();
      throw new Error("a stack trace with secrets");
    },
    throwNothing: () => {
      throw undefined;
    },
    slow: (_c, ms: number) => new Promise<void>((done) => setTimeout(done, ms)),
    /** Lasts until `letGo`. */
    async hold(c) {
      await new Promise<void>((done) => {
        c.vars.letGo = done;
      });
      c.vars.letGo = undefined;
      return "held";
    },
    isHolding: (c) => c.vars.letGo !== undefined,
    letGo: (c) => c.vars.letGo?.(),
    keepInstance: (c) => {
      class Socket {}
      c.state.kept = { users: [new Socket()] };
    },
    keepFunction: (c) => {
      c.state.kept = { call: () => 1 };
    },
    keepSymbol: (c) => {
      c.state.kept = [Symbol("s")];
    },
    returnFunction: () => () => 1,
    bigReply: (_c, size: number) => "x".repeat(size),
    calls: (c) => c.state.calls,
    nested: { deep: { act: (_c, n: number) => n + 1 } },
  },
  options: { actionTimeout: 1_000 },
});

/** Every kind of value that state can hold, and every hook that runs. */
export const memory = actor({
  createState: (_c, input: { seed: number } | undefined) => ({
    seed: input?.seed ?? -1,
    log: ["createState"],
    value: undefined as unknown,
  }),
  createVars: () => ({ born: Math.random() }),
  onCreate: (c) => {
    c.state.log.push("onCreate");
  },
  onWake: (c) => {
    c.state.log.push("onWake");
  },
  onSleep: (c) => {
    c.state.log.push("onSleep");
  },
  options: { sleepTimeout: 60_000 },
  actions: {
    seed: (c) => c.state.seed,
    log: (c) => c.state.log,
    born: (c) => c.vars.born,
    set: (c, value: unknown) => {
      c.state.value = value;
    },
    get: (c) => c.state.value,
    describe: (c) => ({ id: c.actorId, name: c.name, key: c.key }),
    nap: (c) => c.sleep(),
    end: (c) => c.destroy(),
    keep: async (c, value: unknown) => {
      c.state.value = value;
      await c.saveState({ immediate: true });
      return "stored";
    },
  },
});

/** Sleeps as soon as it can. */
export const napper = actor({
  state: { wakes: 0, count: 0 },
  onWake: (c) => {
    c.state.wakes += 1;
  },
  events: { counted: event<number>() },
  options: { sleepTimeout: 100 },
  actions: {
    wakes: (c) => c.state.wakes,
    count(c) {
      c.state.count += 1;
      c.broadcast("counted", c.state.count);
      return c.state.count;
    },
  },
});

/** Connections with parameters, state, admission and targeted messages. */
export const room = actor({
  state: { log: [] as string[] },
  onBeforeConnect: (_c, params: { user: string } | undefined) => {
    if (params?.user === "banned")
      throw new UserError("not you", { code: "banned", metadata: { user: "banned" } });
    if (params?.user === "crash") throw new Error("secrets in the gate");
  },
  createConnState: (_c, params: { user: string } | undefined) => ({
    user: params?.user ?? "anonymous",
    calls: 0,
  }),
  events: { welcome: event<string>(), whisper: event<[from: string, text: string]>(), said: event<string>() },
  onConnect: (c, conn) => {
    c.state.log.push(`+${conn.state.user}`);
    conn.send("welcome", conn.state.user);
  },
  onDisconnect: (c, conn) => {
    c.state.log.push(`-${conn.state.user}`);
  },
  actions: {
    who: (c) => [...c.conns.values()].map((conn) => conn.state.user).sort(),
    say: (c, text: string) => c.broadcast("said", text),
    whisper: (c, to: string, text: string) => {
      for (const conn of c.conns.values()) {
        if (conn.state.user === to) conn.send("whisper", c.conn.state.user, text);
      }
    },
    calls: (c) => {
      c.conn.state.calls += 1;
      return c.conn.state.calls;
    },
    kick: (c, user: string) => {
      for (const conn of c.conns.values()) if (conn.state.user === user) conn.disconnect("kicked");
    },
    log: (c) => c.state.log,
    nap: (c) => c.sleep(),
  },
});

/** State that grows, for counting what a change costs. */
export const list = actor({
  state: { items: [] as string[] },
  actions: {
    fill: (c, count: number) => {
      c.state.items = Array.from({ length: count }, (_, i) => `item ${i}`);
      return c.state.items.length;
    },
    append: (c, item: string) => c.state.items.push(item),
    length: (c) => c.state.items.length,
  },
});

/** One action for each setting of the durability dial. */
export const dial = actor({
  state: { strict: 0, relaxed: 0, ephemeral: 0 },
  options: { stateSaveInterval: 60_000 },
  actions: {
    strict: (c) => ++c.state.strict,
    relaxed: { durability: "relaxed", run: (c) => ++c.state.relaxed },
    ephemeral: { durability: "ephemeral", run: (c) => ++c.state.ephemeral },
    save: (c) => c.saveState({ immediate: true }),
    read: (c) => ({ ...c.state }),
  },
});

/** Cannot be created. */
export const broken = actor({
  createState: (): { n: number } => {
    throw new UserError("no luck", { code: "no_luck" });
  },
  actions: { get: (c) => c.state.n },
});

/** Remembers the request behind each caller. */
export const visitors = actor({
  createConnState: (c) => {
    const { method, url, headers } = c.request ?? new Request("http://nobody");
    const { pathname, search } = new URL(url);
    return { method, pathname, search, trace: headers.get("x-trace"), agent: headers.get("user-agent") };
  },
  actions: { whoAmI: (c) => c.conn.state },
});

export const registry = setup({
  use: { visitors, counter, post, faulty, memory, napper, room, list, dial, broken },
});
