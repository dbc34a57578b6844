/** Actors that keep their events, for the suites about coming back to them. */

import { actor, event, type GuardContext, setup } from "greenroom";

/** An event as the actor remembers it: its name, whose it is, and its text. */
export type Sent = readonly [name: "tick" | "tock" | "secret" | "whisper", to: string, text: string];

interface Listener {
  readonly name: string;
  readonly mayHear?: boolean;
}

const events = {
  tick: event<string>(),
  tock: event<string>(),
  whisper: event<string>(),
  secret: event<string>({
    canSubscribe: (c: GuardContext<Listener>) => c.conn.state.mayHear !== false,
  }),
};

const common = {
  state: { sent: [] as Sent[], asked: 0 },
  createConnState: (_c: unknown, params: Listener): Listener => params,
  events,
};

/** Keeps all of its events. Each one is in its state as well, stored by the same turn. */
export const feed = actor({
  ...common,
  options: { resume: { maxEvents: 100_000, maxBytes: 8_000_000, maxAgeMs: Number.POSITIVE_INFINITY } },
  actions: {
    say(c, name: "tick" | "tock" | "secret", ...texts: string[]) {
      for (const text of texts) {
        c.state.sent.push([name, "", text]);
        c.broadcast(name, text);
      }
    },
    /** An event to the caller's connection alone. */
    whisper(c, text: string) {
      c.state.sent.push(["whisper", c.conn.state.name, text]);
      c.conn.send("whisper", text);
    },
    /** Events without a trace in the state. */
    shout: (c, name: "tick" | "tock", text: string) => c.broadcast(name, text),
    sync: () => {},
    sent: (c) => [...c.state.sent],
    nap: (c) => c.sleep(),
    end: (c) => c.destroy(),
    conns: (c) => c.conns.size,
  },
});

/** Keeps three events. */
export const short = actor({
  events,
  options: { resume: { maxEvents: 3 } },
  actions: {
    say: (c, name: "tick" | "tock", text: string) => c.broadcast(name, text),
    sync: () => {},
  },
});

/** Keeps none. */
export const deaf = actor({
  events,
  actions: {
    say: (c, name: "tick" | "tock", text: string) => c.broadcast(name, text),
    sync: () => {},
  },
});

export const registry = setup({ use: { feed, short, deaf } });
