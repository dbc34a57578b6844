/** What a conversation is made of. Times are milliseconds since the Unix epoch. */

/** Something that was said. Its text comes in pieces while it is being said; once it is whole, in one. */
export interface TextPart {
  readonly kind: "text";
  readonly pieces: string[];
}

/** A tool that the model has called. */
export interface ToolPart {
  readonly kind: "tool";
  /** The model's name for this call. */
  readonly call: string;
  readonly tool: string;
  /** The arguments, as JSON of the model's making. */
  readonly input: string;
  /** What came of it; undefined while it runs. */
  readonly output: { readonly text: string; readonly isError: boolean } | undefined;
}

export type Part = TextPart | ToolPart;

/**
 * What became of an answer: it is being given; it is whole; somebody stopped it; the server went away in the middle
 * of it; or it failed, see `problem`.
 */
export type Status = "streaming" | "done" | "stopped" | "interrupted" | "failed";

/** Why an answer failed, as callers get it. */
export interface Problem {
  readonly code: string;
  readonly message: string;
}

export interface Question {
  readonly role: "user";
  /** Chosen by whoever asks, so that asking again is harmless. */
  readonly id: string;
  readonly text: string;
  readonly at: number;
}

export interface Answer {
  readonly role: "assistant";
  readonly id: string;
  /** The model that gives it. */
  readonly model: string;
  readonly at: number;
  parts: Part[];
  status: Status;
  problem?: Problem | undefined;
}

export type Message = Question | Answer;

/** A piece of an answer under way: which answer, which of its parts, and the how manieth piece of that part. */
export interface Piece {
  readonly answer: string;
  readonly part: number;
  readonly index: number;
  readonly text: string;
}

/** All that has been said in this part so far. */
export const textOf = (part: TextPart): string => part.pieces.join("");

/** The last messages, as many as have `limit` characters together. The very last one is always among them. */
export function latest(messages: readonly Message[], limit: number): Message[] {
  let room = limit;
  const first = messages.findLastIndex((message) => {
    room -= lengthOf(message);
    return room < 0;
  });
  return messages.slice(Math.min(first + 1, Math.max(0, messages.length - 1)));
}

function lengthOf(message: Message): number {
  if (message.role === "user") return message.text.length;
  return message.parts.reduce((so, part) => so + partLength(part), 0);
}

const partLength = (part: Part) =>
  part.kind === "text"
    ? part.pieces.reduce((so, piece) => so + piece.length, 0)
    : part.input.length + (part.output?.text.length ?? 0);
