import { type ActorContextOf, actor, event, UserError } from "greenroom";
import { type Cursor, checkCursor, checkName, newcomer, type Person } from "./person.js";
import type { registry } from "./registry.js";
import { Storage, type Stored } from "./storage.js";
import { SharedText } from "./text.js";

/** What a window needs to be in step with the document. */
export interface Synchronized {
  /** What it lacks. */
  readonly missing: Uint8Array;
  /** What the document has seen, so that the window can send what the document lacks. */
  readonly stateVector: Uint8Array;
  /** Everybody who is here. */
  readonly people: Person[];
}

const MAX_TITLE = 80;

/** One actor per document: it keeps the text, merges what everybody writes, and tells the others. */
export const document = actor({
  state: { title: "" },

  createVars: async (c) => {
    const { storage, log } = await Storage.open(c.kv);
    return { storage, text: new SharedText(log) };
  },
  createConnState: (_c, params: { clientId: number; name: string } | undefined): Person => newcomer(params),

  events: {
    update: event<Uint8Array>(),
    person: event<Person>(),
    left: event<number>(),
  },

  onConnect: (c, conn) => {
    // A single call has a connection, too, but nobody is there.
    if (c.conns.has(conn.id)) c.broadcast("person", conn.state);
  },
  onDisconnect: (c, left) => {
    const { clientId } = left.state;
    const isBack = [...c.conns.values()].some(
      (conn) => conn.id !== left.id && conn.state.clientId === clientId,
    );
    if (!isBack) c.broadcast("left", clientId);
  },

  actions: {
    /** The first thing at every opening: what the window lacks, and how to tell what the document lacks. */
    synchronize: (c, stateVector: Uint8Array): Synchronized => ({
      missing: c.vars.text.missing(bytes(stateVector)),
      stateVector: c.vars.text.stateVector(),
      people: Array.from(c.conns.values(), (conn) => conn.state),
    }),

    /** Merges an update of Yjs. When this answers, it is on disk, whatever happens. */
    update: (c, update: Uint8Array): Stored => {
      const news = c.vars.text.apply(bytes(update));
      if (news) {
        c.vars.storage.append(news, () => c.vars.text.fold());
        for (const conn of others(c.conns, c.conn)) conn.send("update", news);
        noteTitle(c);
      }
      return c.vars.storage.stored;
    },

    /** Where somebody's cursor is. Nobody misses it after a crash, so nothing is written for it. */
    point: {
      durability: "ephemeral",
      run: (c, name: string, cursor: Cursor | null): void => {
        const person = { ...c.conn.state, name: checkName(name), cursor: checkCursor(cursor) };
        c.conn.state = person;
        for (const conn of others(c.conns, c.conn)) conn.send("person", person);
      },
    },

    /** What the document takes on disk. */
    stored: (c): Stored => c.vars.storage.stored,
  },
});

function others<C extends { readonly id: string }>(conns: ReadonlyMap<string, C>, self: { id: string }): C[] {
  return [...conns.values()].filter((conn) => conn.id !== self.id);
}

/** The first line is the title. The shelf is told when it changes. */
function noteTitle(c: ActorContextOf<typeof document>): void {
  const lines = c.vars.text.toString().slice(0, 1_000).split("\n");
  const title = lines.map((line) => line.replace(/^[#\s]+/, "").slice(0, MAX_TITLE)).find(Boolean) ?? "";
  if (title === c.state.title) return;
  c.state.title = title;
  c.waitUntil(
    c
      .client<typeof registry>()
      .shelf.getOrCreate()
      .note(c.key[0] ?? "", title),
  );
}

function bytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new UserError("this takes a Uint8Array", { code: "malformed_update" });
}
