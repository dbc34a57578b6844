import { actor, event, queue, setup, UserError } from "greenroom";

interface Line {
  readonly from: string;
  readonly text: string;
}

interface Member {
  readonly name: string;
}

export const room = actor({
  state: { lines: [] as Line[] },
  onBeforeConnect: (_c, params: { name: string }) => {
    if (params.name === "") throw new UserError("say who you are", { code: "nameless" });
  },
  createConnState: (_c, params: { name: string }): Member => ({ name: params.name }),
  events: { line: event<Line>() },
  actions: {
    say(c, text: string) {
      const line = { from: c.conn.state.name, text };
      c.state.lines.push(line);
      c.broadcast("line", line);
      return c.state.lines.length;
    },
    remind: async (c, ms: number, text: string) => {
      await c.schedule.after(ms, "announce", text);
    },
    announce(c, text: string) {
      c.broadcast("line", { from: "clock", text });
    },
    history: (c) => c.state.lines,
  },
});

export const mailer = actor({
  state: { sent: [] as string[] },
  queues: { mails: queue<{ to: string; text: string }, { ok: boolean }>() },
  run: async (c) => {
    for await (const mail of c.queue.iter({ completable: true })) {
      c.state.sent.push(mail.body.to);
      await mail.complete({ ok: true });
    }
  },
  actions: { sent: (c) => c.state.sent },
});

export const registry = setup({ use: { room, mailer } });
