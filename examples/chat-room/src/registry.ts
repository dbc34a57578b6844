import { fileURLToPath } from "node:url";
import { actor, event, setup, UserError } from "greenroom";

/** One line of the conversation. `id` is chosen by the sender, so that sending it again is harmless. */
export interface Message {
  id: string;
  from: string;
  text: string;
  /** Milliseconds since the Unix epoch. */
  at: number;
}

const MAX_NAME = 40;
const MAX_TEXT = 2_000;
const HISTORY = 200;

/** One actor per room: its key is the room's name, its state the whole conversation. */
export const chatRoom = actor({
  state: { messages: [] as Message[] },

  createConnState: (_c, params: { name: string }) => ({ name: cleanName(params) }),

  events: {
    message: event<Message>(),
    people: event<string[]>(),
  },

  onConnect: (c) => c.broadcast("people", names(c.conns.values())),
  onDisconnect: (c, left) => {
    const rest = [...c.conns.values()].filter((conn) => conn.id !== left.id);
    c.broadcast("people", names(rest));
  },

  actions: {
    /** Adds a message and tells everybody. Sending the same id twice adds it once. */
    say: (c, id: string, text: string): Message => {
      const trimmed = String(text).trim();
      if (trimmed === "") throw new UserError("a message needs some text", { code: "empty_message" });
      if (trimmed.length > MAX_TEXT)
        throw new UserError(`a message can have ${MAX_TEXT} characters`, { code: "message_too_long" });
      const known = c.state.messages.slice(-HISTORY).find((message) => message.id === id);
      if (known) return known;
      const message = { id: String(id), from: c.conn.state.name, text: trimmed, at: Date.now() };
      c.state.messages.push(message);
      c.broadcast("message", message);
      return message;
    },

    /** The latest messages, oldest first, and who is here. */
    join: (c): { messages: Message[]; people: string[] } => ({
      messages: c.state.messages.slice(-HISTORY),
      people: names(c.conns.values()),
    }),
  },
});

function cleanName(params: { name: string } | undefined): string {
  const name = String(params?.name ?? "")
    .trim()
    .slice(0, MAX_NAME);
  if (name === "") throw new UserError("say who you are: connect with { name }", { code: "name_missing" });
  return name;
}

function names(conns: Iterable<{ state: { name: string } }>): string[] {
  return [...new Set(Array.from(conns, (conn) => conn.state.name))].sort();
}

export const registry = setup({
  use: { chatRoom },
  staticDir: fileURLToPath(new URL("../public", import.meta.url)),
});
