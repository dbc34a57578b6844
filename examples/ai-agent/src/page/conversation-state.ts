/** A conversation as this page knows it, and how it changes. */
import type { Conversation } from "../agent.js";
import type { Answer, Message, Piece } from "../messages.js";

export type Change =
  | { readonly kind: "read"; readonly conversation: Conversation }
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "removed"; readonly id: string }
  | { readonly kind: "piece"; readonly piece: Piece }
  | { readonly kind: "notes"; readonly notes: readonly string[] };

export function changed(before: Conversation | undefined, change: Change): Conversation | undefined {
  if (change.kind === "read") return change.conversation;
  if (before === undefined) return before;
  const { messages } = before;
  switch (change.kind) {
    case "message": {
      const { message } = change;
      const isKnown = messages.some(({ id }) => id === message.id);
      const others = messages.map((each) => (each.id === message.id ? message : each));
      return { ...before, messages: isKnown ? others : [...messages, message] };
    }
    case "removed":
      return { ...before, messages: messages.filter(({ id }) => id !== change.id) };
    case "piece":
      return { ...before, messages: messages.map((each) => withPiece(each, change.piece)) };
    case "notes":
      return { ...before, notes: change.notes };
  }
}

/** Pieces are numbered: one that is here already, or whose answer is whole, changes nothing. */
function withPiece(message: Message, piece: Piece): Message {
  if (message.id !== piece.answer || message.role !== "assistant" || message.status !== "streaming")
    return message;
  const { parts } = message;
  const part = parts[piece.part];
  if (part === undefined)
    return piece.part === parts.length && piece.index === 0
      ? replaced(message, piece.part, { kind: "text", pieces: [piece.text] })
      : message;
  if (part.kind !== "text" || part.pieces.length !== piece.index) return message;
  return replaced(message, piece.part, { kind: "text", pieces: [...part.pieces, piece.text] });
}

function replaced(answer: Answer, index: number, part: Answer["parts"][number]): Answer {
  const parts = [...answer.parts];
  parts[index] = part;
  return { ...answer, parts };
}
