/** What the fake model can say without a tool. */
import type { Turn } from "./model.js";

/** @param before What was said before the question. */
export function said(question: string, before: readonly Turn[]): string {
  const asked = before.flatMap((turn) => (turn.role === "user" ? [turn.text] : []));
  for (const phrase of PHRASES) {
    const match = phrase.when.exec(question);
    if (match) return phrase.say(match[1]?.trim() ?? "", asked);
  }
  return fallback(question);
}

interface Phrase {
  readonly when: RegExp;
  /** @param matched The first group. @param asked What the person has said before, oldest first. */
  say(matched: string, asked: readonly string[]): string;
}

const NAME = /\b(?:my name is|i am called|call me)\s+(\p{L}[\p{L}'-]*)/iu;

const PHRASES: readonly Phrase[] = [
  { when: /^(?:repeat after me|say)[:,]?\s+(.+)$/is, say: (words) => words },
  { when: /\bcount (?:up )?to (\d+)/i, say: (limit) => counted(Math.min(Number(limit), 500)) },
  {
    when: /\bwhat(?:'s| is) my name|who am i\b/i,
    say: (_, asked) => {
      const name = asked.map((text) => NAME.exec(text)?.[1]).findLast((found) => found !== undefined);
      return name === undefined
        ? "You have not told me yet."
        : `You are **${name}**. You told me before, and I keep what I am told.`;
    },
  },
  { when: NAME, say: (name) => `Nice to meet you, **${name}**. Ask me later, I will still know.` },
  {
    when: /\b(?:first|earlier|before|last)\b.*\b(?:ask|asked|say|said|question)\b|\b(?:ask|say)\b.*\b(?:first|before|last|earlier)\b/i,
    say: (_, asked) =>
      asked.length === 0
        ? "This is the first thing that you ask me."
        : `So far you have asked me:\n\n${asked.map((text) => `- ${quoted(text)}`).join("\n")}`,
  },
  { when: /\bsurvive|kill|crash|restart|durab/i, say: () => DURABILITY },
  { when: /\bactor/i, say: () => ACTORS },
  { when: /\bstream|token/i, say: () => STREAMING },
  { when: /\b(?:story|poem|tale)\b/i, say: () => STORY },
  { when: /\b(?:help|what can you do|who are you)\b/i, say: () => HELP },
  { when: /^(?:hi|hello|hey|good (?:morning|evening|afternoon))\b/i, say: () => `Hello! ${HELP}` },
  { when: /\bthank/i, say: () => "With pleasure. I stay in the green room until you need me again." },
];

function counted(limit: number): string {
  return `${Array.from({ length: limit }, (_, index) => index + 1).join(", ")}. Done.`;
}

const quoted = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text).replace(/\s+/g, " ");

const fallback = (question: string) =>
  `You said *${quoted(question).replaceAll("*", "")}*. I only play a language model, so that you can try this without a key: \
I can calculate, keep notes, tell the time, and explain what you are looking at.

Set \`AGENT_BASE_URL\`, \`AGENT_MODEL\` and \`AGENT_API_KEY\` to talk to a real one. Nothing else changes.`;

const HELP = `I can use **tools**, and I remember what we talked about:

- *What is 17% of 2,340?* goes to the calculator
- *Remember to water the plants* goes on a list that I keep
- *What time is it in Tokyo?* asks a clock
- *How does this survive a crash?* gets an explanation

Several at once are fine, too.`;

const ACTORS = `### An actor per conversation

This conversation is **one actor**. Its state is what has been said; its connections are the windows in which you read \
it; its key is in the address bar.

\`\`\`ts
export const agent = actor({
  state: { messages: [], notes: [] },
  actions: {
    async *ask(c, id, text) {
      yield* follow(begin(c, id, text));
    },
  },
});
\`\`\`

Nobody reads from a database before each answer: the conversation is in memory while somebody talks, and asleep on \
disk while nobody does.`;

const DURABILITY = `### What a crash takes

Nothing that you have seen. Each word goes to disk **before** it goes to your window:

1. the model says a word,
2. the actor appends it to its state,
3. the change is stored,
4. the word leaves, to you and to every other window.

Kill the server in the middle of this sentence with \`kill -9\`, and start it again. The answer stands where it stood, \
marked as interrupted, with a button to try again.`;

const STREAMING = `### How words get here

The action is an async generator, so your window reads it with \`for await\`. Other windows of the conversation hear \
the same words as *events*.

Stop ends the call, the call's \`AbortSignal\` ends the request to the model, and nobody pays for words that nobody \
reads. Closing the window is not stopping: the answer goes on, and is here when you come back.`;

const STORY = `The lamp in the green room was never turned off. Actors came in with the rain on their coats, read the \
call sheet, and left again through the other door, onto the stage.

One evening the power failed in the middle of the second act. The audience sat in the dark and heard nothing, not even \
breathing. Then the light came back, and the actor stood exactly where she had stood, one hand raised, and finished \
her sentence.

“How did you know where you were?” they asked her afterwards.

“I wrote it down,” she said, “before I said it.”`;
