import { actor, event, UserError } from "greenroom";
import type { registry } from "./registry.js";

/** An entry of the list of conversations. */
export interface Entry {
  readonly id: string;
  readonly title: string;
  /** When it was last asked something; milliseconds since the Unix epoch. */
  readonly at: number;
}

const MAX_TITLE = 60;
const MAX_ENTRIES = 200;

/** One actor per person: their conversations, the latest first. */
export const desk = actor({
  state: { entries: [] as Entry[] },
  events: { entries: event<readonly Entry[]>() },
  actions: {
    list: (c): readonly Entry[] => c.state.entries,

    /** A conversation has been asked something: it goes to the top. */
    touch(c, id: string, title: string): void {
      const entry = { id: String(id), title: shortened(String(title)), at: Date.now() };
      const others = c.state.entries.filter((each) => each.id !== entry.id);
      c.state.entries = [entry, ...others].slice(0, MAX_ENTRIES);
      c.broadcast("entries", c.state.entries);
    },

    /** Forgets a conversation: first what was said in it, then that there was one. */
    async remove(c, id: string): Promise<void> {
      if (!c.state.entries.some((each) => each.id === id))
        throw new UserError("there is no such conversation", { code: "no_such_conversation" });
      await c
        .client<typeof registry>()
        .agent.getOrCreate([c.key[0] ?? "", id])
        .forget();
      c.state.entries = c.state.entries.filter((each) => each.id !== id);
      c.broadcast("entries", c.state.entries);
    },
  },
});

function shortened(title: string): string {
  const line = title.replace(/\s+/g, " ").trim();
  return line.length > MAX_TITLE ? `${line.slice(0, MAX_TITLE - 1)}…` : line;
}
