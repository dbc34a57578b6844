/** The actors of the suites about calls that run once. */

import { setTimeout as delay } from "node:timers/promises";
import { actor, setup, UserError } from "greenroom";

/** Keeps every effect apart: what was added by which call, in the state and as a pair of the same turn. */
export const account = actor({
  state: { entries: [] as string[], sum: 0, halves: [] as string[] },
  vars: { reads: 0, waits: 0 },
  options: { sleepTimeout: 1_000 },
  actions: {
    /** One turn. Gives how many entries there are. */
    add(c, entry: string) {
      c.state.sum += entry.length;
      c.state.entries.push(entry);
      void c.kv.put(`entry/${entry}`, String(c.state.entries.length));
      return c.state.entries.length;
    },
    /** The same, after a pause in which others store things. */
    async addLater(c, entry: string, pause: number) {
      await delay(pause);
      c.state.entries.push(entry);
      return c.state.entries.length;
    },
    /** Two turns, each of which stores something. */
    async addTwice(c, entry: string, pause: number) {
      c.state.halves.push(`${entry} 1`);
      await delay(pause);
      c.state.halves.push(`${entry} 2`);
      return c.state.halves.length;
    },
    /** Stores something and fails. */
    refuse(c, entry: string) {
      c.state.entries.push(entry);
      throw new UserError(`no ${entry}`, { code: "refused", metadata: { entries: c.state.entries.length } });
    },
    /** Stores nothing, but does something in memory. */
    count: (c) => ++c.vars.reads,
    /** Goes on until its caller gives up, or for `limit` milliseconds. */
    async waitForAbort(c, limit: number) {
      c.vars.waits++;
      const ended = await delay(limit, false, { signal: c.abortSignal }).catch(() => true);
      c.vars.waits--;
      return ended;
    },
    waits: (c) => c.vars.waits,
    async *items(_c, count: number) {
      for (let item = 0; item < count; item++) yield item;
    },
    read: (c) => ({ entries: [...c.state.entries], sum: c.state.sum, halves: [...c.state.halves] }),
    pairs: (c) => c.kv.list("entry/"),
  },
});

/** Keeps few answers. */
export const forgetful = actor({
  state: { entries: [] as string[] },
  options: { maxCallRecords: 2 },
  actions: {
    add(c, entry: string) {
      c.state.entries.push(entry);
      return c.state.entries.length;
    },
    read: (c) => [...c.state.entries],
  },
});

/** Ends instances of other actors as a crash would. Set by the process, because only tests can do that. */
export const losing = { lose: (_id: string): void => {} };

export const reaper = actor({
  actions: {
    lose: (_c, id: string) => losing.lose(id),
  },
});

/** Passes calls on. */
export const agent = actor({
  actions: {
    async add(c, key: string, entry: string): Promise<number> {
      const client = c.client<typeof registry>();
      return client.account.getOrCreate(key).add(entry);
    },
  },
});

export const registry = setup({
  use: { account, forgetful, agent, reaper },
});
