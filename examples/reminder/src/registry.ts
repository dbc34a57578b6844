import { fileURLToPath } from "node:url";
import { actor, event, type FireInfo, setup, UserError } from "greenroom";

/** A reminder whose time has not come. */
export interface Planned {
  id: string;
  text: string;
  /** When it was asked for, in milliseconds since the Unix epoch. */
  setAt: number;
  /** When it is due. */
  dueAt: number;
}

/** A reminder that has been sent. */
export interface Sent {
  id: string;
  text: string;
  dueAt: number;
  /** When it went out: later than `dueAt` if the server was away. */
  sentAt: number;
}

const MAX_TEXT = 200;
const MAX_DELAY = 365 * 24 * 60 * 60_000;
const MAX_PLANNED = 50;
const KEPT = 20;

/** One actor per person. What is planned lives in its schedule alone, so there is no second list to keep in step. */
export const reminder = actor({
  state: { sent: [] as Sent[] },

  events: {
    planned: event<Planned>(),
    cancelled: event<{ id: string }>(),
    reminder: event<Sent>(),
  },

  actions: {
    async setReminder(c, text: string, delayMs: number) {
      const planned = { text: cleanText(text), setAt: Date.now(), dueAt: Date.now() + cleanDelay(delayMs) };
      if ((await c.schedule.list()).length >= MAX_PLANNED)
        throw new UserError(`there can be ${MAX_PLANNED} reminders at a time`, { code: "too_many" });
      // Stored like a change of the state. Survives sleep, crashes and restarts, and wakes the actor.
      const id = await c.schedule.at(planned.dueAt, "sendReminder", planned.text, planned.setAt);
      c.broadcast("planned", { id, ...planned });
      return { id, ...planned };
    },

    /** What the schedule calls. The reminder is sent and gone from the schedule in one commit: it is sent once. */
    sendReminder(c, text: string, _setAt: number, fire: FireInfo) {
      if (c.conn) throw new UserError("reminders come by themselves", { code: "not_for_clients" });
      const sent = { id: fire.id, text, dueAt: fire.scheduledAt, sentAt: fire.firedAt };
      c.state.sent.push(sent);
      if (c.state.sent.length > KEPT) c.state.sent.shift();
      c.broadcast("reminder", sent);
    },

    /** Whether there was such a reminder to cancel. */
    async cancel(c, id: string) {
      const cancelled = await c.schedule.cancel(String(id));
      if (cancelled) c.broadcast("cancelled", { id: String(id) });
      return cancelled;
    },

    /** What is planned, next first, and what was sent, oldest first. */
    async list(c) {
      const planned = (await c.schedule.list()).map(({ id, args: [text, setAt], runAt }) => ({
        id,
        text: String(text),
        setAt: Number(setAt),
        dueAt: runAt,
      }));
      return { planned, sent: c.state.sent };
    },
  },
});

function cleanText(given: unknown): string {
  const text = typeof given === "string" ? given.trim() : "";
  if (text === "") throw new UserError("say what to remind of", { code: "empty_text" });
  if (text.length > MAX_TEXT)
    throw new UserError(`a reminder can have ${MAX_TEXT} characters`, { code: "text_too_long" });
  return text;
}

function cleanDelay(given: unknown): number {
  if (typeof given !== "number" || !(given >= 0 && given <= MAX_DELAY))
    throw new UserError("the delay is a number of milliseconds, up to a year", { code: "bad_delay" });
  return Math.round(given);
}

export const registry = setup({
  use: { reminder },
  staticDir: fileURLToPath(new URL("../public", import.meta.url)),
});
