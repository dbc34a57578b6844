import { fileURLToPath } from "node:url";
import { actor, event, setup, UserError } from "greenroom";

/** One line of the conversation. */
export interface Message {
  id: string;
  userId: string;
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

  /** Programs may come without a name: they are no people. */
  createConnState: (_c, params: { name: string } | undefined) => ({
    name: params === undefined ? undefined : cleanName(params.name),
  }),

  events: {
    newMessage: event<Message>(),
    people: event<string[]>(),
  },

  onConnect: (c) => c.broadcast("people", names(c.conns.values())),
  onDisconnect: (c, left) => {
    const rest = [...c.conns.values()].filter((conn) => conn.id !== left.id);
    c.broadcast("people", names(rest));
  },

  actions: {
    /**
     * Adds a message and tells everybody. A sender that may have to send again chooses the `id`: sending the same one
     * twice adds it once.
     */
    sendMessage: (c, userId: string, text: string, id: string = crypto.randomUUID()) => {
      const known = c.state.messages.slice(-HISTORY).find((message) => message.id === id);
      if (known) return known;
      const message = { id: String(id), userId: cleanName(userId), text: cleanText(text), at: Date.now() };
      c.state.messages.push(message);
      c.broadcast("newMessage", message);
      return message;
    },

    /** The latest messages, oldest first. */
    getMessages: (c) => c.state.messages.slice(-HISTORY),
  },
});

function cleanName(given: unknown): string {
  const name = typeof given === "string" ? given.trim().slice(0, MAX_NAME) : "";
  if (name === "") throw new UserError("say who you are: a name is missing", { code: "name_missing" });
  return name;
}

function cleanText(given: unknown): string {
  const text = typeof given === "string" ? given.trim() : "";
  if (text === "") throw new UserError("a message needs some text", { code: "empty_message" });
  if (text.length > MAX_TEXT)
    throw new UserError(`a message can have ${MAX_TEXT} characters`, { code: "message_too_long" });
  return text;
}

function names(conns: Iterable<{ state: { name: string | undefined } }>): string[] {
  const all = Array.from(conns, (conn) => conn.state.name).filter((name) => name !== undefined);
  return [...new Set(all)].sort();
}

export const registry = setup({
  use: { chatRoom },
  staticDir: fileURLToPath(new URL("../public", import.meta.url)),
});
