// Schedules: the names of actions are checked, wherever the context comes from.
import {
  type ActionContextOf,
  actor,
  type CreateContextOf,
  type CronJob,
  type CronRun,
  type FireInfo,
  type ScheduledCall,
} from "rivetkit";
import { same } from "./equal.js";

const clock = actor({
  createState: (_c, input: { zone: string }) => ({ zone: input.zone, rings: 0 }),
  onCreate: async (c) => {
    await c.cron.set({ name: "daily", expression: "0 9 * * *", timezone: c.state.zone, action: "ring" });
    // @ts-expect-error no such action
    await c.cron.set({ name: "daily", expression: "0 9 * * *", action: "rang" });
    // @ts-expect-error an interval is missing
    await c.cron.every({ name: "poll", action: "ring" });
    arm(c);
  },
  actions: {
    ring(c, info: FireInfo) {
      c.state.rings++;
      same<"at" | "cron" | "every", typeof info.kind>();
      same<string | undefined, typeof info.name>();
    },
    async snooze(c, minutes: number) {
      const id = await c.schedule.after(minutes * 60_000, "ring");
      same<string, typeof id>();
      // @ts-expect-error no such action
      await c.schedule.at(0, "rong");
      // @ts-expect-error a name is a text
      await c.schedule.at(0, 5);
      // @ts-expect-error times are numbers
      await c.schedule.at(new Date(), "ring");
      await c.schedule.after(1, "admin.reset", true);
      same<ScheduledCall | undefined, Awaited<ReturnType<typeof c.schedule.get>>>();
      return c.schedule.list();
    },
    jobs: (c) => c.cron.list(),
    runs: (c) => c.cron.history("daily", { limit: 5 }),
    stop: (c) => c.cron.delete("daily"),
    helped: (c) => soon(c),
    admin: {
      reset: (c, _all: boolean) => {
        c.state.rings = 0;
        // @ts-expect-error no such action, seen from a nested one
        void c.schedule.after(1, "reset");
      },
    },
  },
});

function soon(c: ActionContextOf<typeof clock>): Promise<string> {
  // @ts-expect-error no such action
  void c.schedule.after(1, "rang");
  void c.schedule.after(1, "snooze", 5);
  // @ts-expect-error not what the action takes
  void c.schedule.after(1, "snooze", "5");
  // @ts-expect-error too few
  void c.schedule.at(1, "snooze");
  // @ts-expect-error too many: the FireInfo comes by itself
  void c.schedule.after(1, "ring", 1);
  void c.schedule.at(1, "admin.reset", true);
  // @ts-expect-error not what the nested action takes
  void c.schedule.at(1, "admin.reset", 1);
  void c.cron.every({ name: "n", interval: 5000, action: "snooze", args: [5] });
  // @ts-expect-error not what the action takes
  void c.cron.every({ name: "n", interval: 5000, action: "snooze", args: ["5"] });
  // @ts-expect-error not what the action takes
  void c.cron.set({ name: "n", expression: "* * * * *", action: "snooze", args: [5, 6] });
  return c.schedule.after(1, "ring");
}

function arm(c: CreateContextOf<typeof clock>): void {
  void c.cron.every({ name: "poll", interval: 5_000, action: "ring", args: [], maxHistory: 3 });
  // @ts-expect-error no such action
  void c.cron.every({ name: "poll", interval: 5_000, action: "rang" });
}

declare const c: ActionContextOf<typeof clock>;
same<Promise<CronJob[]>, ReturnType<typeof c.cron.list>>();
same<Promise<CronRun[]>, ReturnType<typeof c.cron.history>>();
same<Promise<boolean>, ReturnType<typeof c.schedule.cancel>>();

actor({
  onWake: (c) => {
    // @ts-expect-error there are no actions
    void c.schedule.after(1, "anything");
  },
});
