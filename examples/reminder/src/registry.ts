import { actor, event, setup } from "greenroom";

export const reminder = actor({
  state: { open: {} as Record<string, string>, sent: [] as string[] },
  events: { reminder: event<string>() },
  actions: {
    async remindIn(c, text: string, ms: number) {
      const key = crypto.randomUUID();
      c.state.open[key] = text;
      // Survives sleep, crashes and restarts, and wakes the actor.
      const id = await c.schedule.after(ms, "fire", key);
      return { key, id };
    },
    cancel: (c, id: string) => c.schedule.cancel(id),
    pending: (c) => c.schedule.list(),
    sent: (c) => c.state.sent,
    fire(c, key: string) {
      const text = c.state.open[key];
      if (text === undefined) return;
      delete c.state.open[key];
      c.state.sent.push(text);
      c.broadcast("reminder", text);
    },
  },
});

export const registry = setup({ use: { reminder } });
