import { type Tool, text } from "./tool.js";

const MAX_NOTES = 100;
const MAX_LENGTH = 300;

export const notes: Tool = {
  name: "notes",
  description: "Keeps notes and to-dos for the person. They stay when the conversation goes on another day.",
  parameters: {
    type: "object",
    properties: {
      do: { type: "string", enum: ["add", "list", "remove"] },
      text: { type: "string", description: "To add: the note." },
      number: { type: "integer", description: "To remove: the note's number in the list, from 1." },
    },
    required: ["do"],
  },
  run(input, { notes }) {
    switch (input.do) {
      case "add": {
        const note = text(input, "text").slice(0, MAX_LENGTH);
        // An answer that is tried again must not write everything down twice.
        if (!notes.includes(note)) {
          if (notes.length >= MAX_NOTES) throw new Error(`there are ${MAX_NOTES} notes: remove one first`);
          notes.push(note);
        }
        return listed(notes);
      }
      case "list":
        return listed(notes);
      case "remove": {
        const number = Number(input.number);
        if (!Number.isInteger(number) || number < 1 || number > notes.length)
          throw new Error(`there is no note ${String(input.number)}; ${listed(notes)}`);
        notes.splice(number - 1, 1);
        return listed(notes);
      }
      default:
        throw new Error("`do` has to be add, list or remove");
    }
  },
};

function listed(notes: readonly string[]): string {
  if (notes.length === 0) return "no notes";
  return notes.map((note, index) => `${index + 1}. ${note}`).join("\n");
}
