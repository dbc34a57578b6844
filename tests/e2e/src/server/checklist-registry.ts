/** The actors of the suite that goes through what users count on. */

import { actor, queue, setup } from "greenroom";

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Keeps a value, in every way that it can be reached: actions, a queue, a raw request. */
export const box = actor({
  createState: (_c, input: { value: string } | undefined) => ({ value: input?.value, sleeps: 0 }),
  queues: { values: queue<string>() },
  onSleep: (c) => {
    c.state.sleeps += 1;
  },
  run: async (c) => {
    for await (const message of c.queue.iter()) c.state.value = message.body;
  },
  onRequest: (c, request) => Response.json({ value: c.state.value ?? null, url: request.url }),
  actions: {
    get: (c) => c.state.value,
    set: (c, value: string) => {
      c.state.value = value;
    },
    sleeps: (c) => c.state.sleeps,
    napTwice(c) {
      c.sleep();
      c.sleep();
    },
    end: (c) => c.destroy(),
    nap: (c) => c.sleep(),
    hang: () => new Promise<void>(() => {}),
    /** Not `async`, but gives a promise. */
    later: (_c, value: string) => pause(1).then(() => value),
    whichConnection: (c) => c.conn.id,
  },
});

/** Stores by itself only after a minute. */
export const lazy = actor({
  state: { value: 0 },
  options: { durability: "relaxed", stateSaveInterval: 60_000 },
  actions: {
    set(c, value: number, maxWait?: number) {
      c.state.value = value;
      if (maxWait !== undefined) void c.saveState({ maxWait });
    },
    get: (c) => c.state.value,
  },
});

/** Has little time. */
export const hasty = actor({
  options: { actionTimeout: 50 },
  actions: {
    block(_c, ms: number) {
      const until = performance.now() + ms;
      while (performance.now() < until);
      return "done";
    },
    wait: (_c, ms: number) => pause(ms),
  },
});

/** Answers slowly, and would rather sleep. */
export const drowsy = actor({
  state: { sleeps: 0 },
  options: { sleepTimeout: 50 },
  onSleep: (c) => {
    c.state.sleeps += 1;
  },
  onRequest: async (c) => {
    const before = c.state.sleeps;
    await pause(400);
    return Response.json({ before, after: c.state.sleeps });
  },
  actions: { sleeps: (c) => c.state.sleeps },
});

export const registry = setup({ use: { box, lazy, hasty, drowsy } });
