import { actor, event, UserError } from "greenroom";

/** A document on the shelf. */
export interface Entry {
  /** The key of its actor. */
  readonly name: string;
  readonly title: string;
}

const MAX_ENTRIES = 100;

/** The one actor that knows which documents there are. They tell it; nobody else can. */
export const shelf = actor({
  /** Titles by name, the one that changed last at the end. */
  state: { titles: new Map<string, string>() },
  events: { entries: event<Entry[]>() },
  actions: {
    /** All documents, the one that changed last first. */
    entries: (c): Entry[] => entries(c.state.titles),

    /** A document has this title from now on. Without one it goes from the shelf. */
    note: (c, name: string, title: string): void => {
      // `onAuth` is asked about everybody but this program's own actors.
      if (c.conn.auth !== undefined)
        throw new UserError("documents tell it themselves", { code: "inside_only" });
      const { titles } = c.state;
      titles.delete(name);
      if (title !== "") titles.set(name, title);
      for (const oldest of titles.keys()) {
        if (titles.size <= MAX_ENTRIES) break;
        titles.delete(oldest);
      }
      c.broadcast("entries", entries(titles));
    },
  },
});

function entries(titles: ReadonlyMap<string, string>): Entry[] {
  return Array.from(titles, ([name, title]) => ({ name, title })).reverse();
}
