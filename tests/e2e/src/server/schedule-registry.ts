/** Actors that call themselves at a later time, for the suite about schedules. */

import { actor, event, type FireInfo, setup } from "greenroom";

/** Sleeps as soon as it can, and writes down what happens to it. */
export const planner = actor({
  state: { log: [] as string[], fired: [] as { text: string; info: FireInfo }[] },
  onWake: (c) => {
    c.state.log.push("wake");
  },
  onSleep: (c) => {
    c.state.log.push("sleep");
  },
  events: { fired: event<string>() },
  options: { sleepTimeout: 100, maxSchedules: 20 },
  actions: {
    after: (c, ms: number, text: string) => c.schedule.after(ms, "fire", text),
    at: (c, time: number, text: string) => c.schedule.at(time, "fire", text),
    several(c, plans: readonly { readonly time: number; readonly text: string }[]) {
      for (const { time, text } of plans) void c.schedule.at(time, "fire", text);
    },
    unsteady: (c) => c.schedule.after(0, "failOnce"),
    longer: (c, ms: number) => c.schedule.after(0, "take", ms),
    cancel: (c, id: string) => c.schedule.cancel(id),
    get: (c, id: string) => c.schedule.get(id),
    list: (c) => c.schedule.list(),
    every: (c, interval: number) =>
      c.cron.every({ name: "tick", interval, action: "fire", args: ["tick"], maxHistory: 5 }),
    jobs: (c) => c.cron.list(),
    report: async (c) => ({
      fired: c.state.fired,
      history: await c.cron.history("tick"),
      next: (await c.cron.get("tick"))?.nextRunAt,
    }),
    deleteJob: (c) => c.cron.delete("tick"),
    log: (c) => c.state.log,
    fired: (c) => c.state.fired,
    end: (c) => c.destroy(),
    fire(c, text: string, info: FireInfo) {
      c.state.log.push(`fire ${text}`);
      c.state.fired.push({ text, info });
      c.broadcast("fired", text);
    },
    async take(c, ms: number) {
      c.state.log.push("begin");
      await new Promise((resolve) => setTimeout(resolve, ms));
      c.state.log.push("end");
      c.broadcast("fired", "took its time");
    },
    failOnce(c, info: FireInfo) {
      c.state.log.push("attempt");
      if (c.state.log.filter((entry) => entry === "attempt").length === 1) throw new Error("not yet");
      c.state.fired.push({ text: "at last", info });
      c.broadcast("fired", "at last");
    },
  },
});

/** Counts the effect of every call that it has scheduled. */
export const tally = actor({
  state: { effects: {} as Record<string, number> },
  options: { sleepTimeout: 150 },
  actions: {
    plan(c, plans: readonly { readonly key: string; readonly delay: number }[]) {
      for (const { key, delay } of plans) void c.schedule.after(delay, "count", key);
    },
    count(c, key: string) {
      c.state.effects[key] = (c.state.effects[key] ?? 0) + 1;
    },
    read: async (c) => ({ effects: c.state.effects, waiting: await c.schedule.list() }),
  },
});

export const registry = setup({ use: { planner, tally } });
