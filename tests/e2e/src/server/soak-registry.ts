/** Actors for the soak: a bit of everything that a server does for hours. */

import { actor, event, queue, setup } from "greenroom";

/** Lines that a ledger remembers at most. */
const REMEMBERED = 200;

/** Counts, remembers the last lines, and tells. */
export const ledger = actor({
  state: { count: 0, lines: [] as string[] },
  events: { counted: event<number>() },
  actions: {
    add(c, line: string) {
      c.state.lines.push(line);
      if (c.state.lines.length > REMEMBERED) c.state.lines.splice(0, REMEMBERED / 2);
      c.state.count++;
      c.broadcast("counted", c.state.count);
      return c.state.count;
    },
    count: (c) => c.state.count,
  },
});

/** Keeps long texts, so that the store has to write its tables and throw away what was replaced. */
export const album = actor({
  state: { pages: {} as Record<string, string> },
  actions: {
    put(c, name: string, text: string) {
      c.state.pages[name] = text;
      return Object.keys(c.state.pages).length;
    },
    page: (c, name: string) => c.state.pages[name],
  },
});

/** Sleeps soon after each call. */
export const sleeper = actor({
  state: { count: 0 },
  createVars: () => ({ calls: 0 }),
  options: { sleepTimeout: 250 },
  actions: {
    /** The count, and how many calls there were since it woke. */
    add(c) {
      c.vars.calls++;
      c.state.count++;
      return { count: c.state.count, sinceWake: c.vars.calls };
    },
    count: (c) => c.state.count,
  },
});

/** Does something later. */
export const bell = actor({
  state: { rung: 0 },
  options: { sleepTimeout: 250 },
  actions: {
    async ringIn(c, ms: number) {
      await c.schedule.after(ms, "ring");
    },
    ring: (c) => ++c.state.rung,
    rung: (c) => c.state.rung,
  },
});

/** Works on what is sent to it. */
export const desk = actor({
  state: { done: 0 },
  queues: { job: queue<number, number>() },
  run: async (c) => {
    for await (const job of c.queue.iter({ names: ["job"], completable: true })) {
      c.state.done++;
      await job.complete(job.body * 2);
    }
  },
  actions: { done: (c) => c.state.done },
});

/** Sends back what is sent to it, as it comes. */
export const mirror = actor({
  onRequest: (_c, request) => new Response(request.body),
  actions: {},
});

/** Does not live long. */
export const brief = actor({
  state: { count: 0 },
  actions: {
    add: (c) => ++c.state.count,
    end: (c) => c.destroy(),
  },
});

/** What the process says of itself. */
export const gauge = actor({
  actions: {
    look() {
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      const active = runsOnBun ? undefined : process.getActiveResourcesInfo();
      const timers = active?.filter((resource) => resource === "Timeout").length;
      return { heap: heapUsed, external, ...(timers === undefined ? {} : { timers }) };
    },
  },
});

interface WithGc {
  readonly gc?: () => void;
  readonly Bun?: { gc(now: boolean): void };
}

/** It has the function, and does not tell. */
const runsOnBun = (globalThis as WithGc).Bun !== undefined;

function collectGarbage(): void {
  const { gc, Bun } = globalThis as WithGc;
  gc?.();
  Bun?.gc(true);
}

export const registry = setup({ use: { ledger, album, sleeper, bell, desk, mirror, brief, gauge } });
