import { type ActionContextOf, actor, event, UserError } from "greenroom";
import { latest, type Message, type Piece } from "./messages.js";
import { model } from "./model/chosen.js";
import type { registry } from "./registry.js";
import { Run } from "./run.js";
import { work } from "./work.js";

const MAX_QUESTION = 4_000;
const MAX_MESSAGES = 500;
/** So many characters of a conversation are shown, the latest. */
const SHOWN = 200_000;

/** What a page shows of a conversation. */
export interface Conversation {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly notes: readonly string[];
}

/** One actor per conversation: its key is whose it is, and which one. */
export const agent = actor({
  createState: (c) => {
    if (c.key.length !== 2 || !c.key.every((part) => /^[\w-]{1,64}$/.test(part)))
      throw new UserError("a conversation is named by its desk and by itself", { code: "name_invalid" });
    return { messages: [] as Message[], notes: [] as string[] };
  },

  /** The answer under way, which a crash takes along. `stopping` fires when the actor is about to end. */
  createVars: (c) => ({ run: undefined as Run | undefined, stopping: c.abortSignal }),

  events: {
    /** A message that is new, or that has changed otherwise than by a piece. */
    message: event<Message>(),
    /** A message has gone, because its answer is tried again. */
    removed: event<string>(),
    /** More of an answer, for everybody but the one who reads it as it is asked. */
    piece: event<Piece>(),
    notes: event<readonly string[]>(),
  },

  // Whatever was being said when the process died: it is there as far as somebody may have seen it.
  onWake: (c) => {
    for (const message of c.state.messages)
      if (message.role === "assistant" && message.status === "streaming") message.status = "interrupted";
  },

  options: { actionTimeout: 120_000 },

  actions: {
    /** What was said last, an answer under way included. */
    read: (c): Conversation => ({
      model: model.name,
      messages: latest(c.state.messages, SHOWN),
      notes: c.state.notes,
    }),

    /**
     * Asks, and streams the answer. Who gives up the call stops the answer; who only goes away, to reload the page
     * for example, does not. Asking with the same id again follows the same answer.
     */
    async *ask(c, id: string, text: string): AsyncGenerator<Piece> {
      const said = String(text).trim();
      if (!/^[\w-]{1,64}$/.test(id))
        throw new UserError("a question is named by up to 64 letters and digits", { code: "id_invalid" });
      if (!c.state.messages.some((message) => message.id === id)) {
        if (said === "") throw new UserError("a question needs some text", { code: "question_empty" });
        if (said.length > MAX_QUESTION)
          throw new UserError(`a question can have ${MAX_QUESTION} characters`, {
            code: "question_too_long",
          });
        mayAnswer(c);
        add(c, { role: "user", id, text: said, at: Date.now() });
        c.waitUntil(enlist(c, said));
        begin(c);
      }
      yield* answered(c);
    },

    /** Throws away the last answer, which did not come to its end, and streams another one. */
    async *retry(c): AsyncGenerator<Piece> {
      mayAnswer(c);
      const last = c.state.messages.at(-1);
      if (last?.role !== "assistant" || last.status === "done")
        throw new UserError("there is no answer to try again", { code: "nothing_to_retry" });
      c.state.messages.pop();
      c.broadcast("removed", last.id);
      begin(c);
      yield* answered(c);
    },

    /** Stops the answer under way, from any window. Says whether there was one. */
    stop(c): boolean {
      c.vars.run?.stop();
      return c.vars.run !== undefined;
    },

    /** Forgets the conversation, for good. */
    forget(c): void {
      c.vars.run?.stop();
      c.destroy();
    },
  },
});

type Agent = ActionContextOf<typeof agent>;

function mayAnswer(c: Agent): void {
  if (c.vars.run) throw new UserError("one answer at a time: stop this one first", { code: "busy" });
  if (c.state.messages.length >= MAX_MESSAGES)
    throw new UserError("this conversation is full: begin another one", { code: "conversation_full" });
}

function add(c: Agent, message: Message): void {
  c.state.messages.push(message);
  c.broadcast("message", message);
}

/** Begins to answer, whoever listens. */
function begin(c: Agent): void {
  const id = crypto.randomUUID();
  add(c, { role: "assistant", id, model: model.name, at: Date.now(), parts: [], status: "streaming" });
  const run = new Run(id, c.conn.id);
  c.vars.run = run;
  void c.keepAwake(work(c, run));
}

/** The answer under way as the result of a call. */
async function* answered(c: Agent): AsyncGenerator<Piece> {
  const { run } = c.vars;
  if (!run) return;
  c.abortSignal.addEventListener("abort", () => {
    // A client that is still connected has said stop; one that is gone, or an actor that is about to end, has not.
    if (c.conns.has(c.conn.id) && !c.vars.stopping.aborted) run.stop();
  });
  yield* run.follow();
}

/** Puts the conversation on top of its desk, where it has its first question as its title. */
async function enlist(c: Agent, said: string): Promise<void> {
  const [desk = "", conversation = ""] = c.key;
  const first = c.state.messages[0];
  const title = first?.role === "user" ? first.text : said;
  await c.client<typeof registry>().desk.getOrCreate([desk]).touch(conversation, title);
}
