import { type Answer, type Message, textOf } from "./messages.js";
import type { ToolCall, Turn } from "./model/model.js";

const SYSTEM = `You are the assistant of a small demo of stateful actors. Answer briefly, in Markdown without images. \
Use the tools for every calculation, for whatever the person wants to keep, and for the date and the time.`;

/** So many messages the model is reminded of. */
const MEMORY = 40;

/** The conversation as models want to have it. The last message is the answer that is to be given. */
export function turnsOf(messages: readonly Message[]): Turn[] {
  const turns: Turn[] = [{ role: "system", text: SYSTEM }];
  for (const message of messages.slice(-MEMORY)) {
    if (message.role === "user") turns.push({ role: "user", text: message.text });
    else turns.push(...turnsOfAnswer(message));
  }
  return turns;
}

/** Text and the calls after it are one turn; what the calls came to are the next ones. */
function turnsOfAnswer({ parts }: Answer): Turn[] {
  const turns: Turn[] = [];
  let text = "";
  let calls: ToolCall[] = [];
  let results: Turn[] = [];
  const flush = () => {
    if (text !== "" || calls.length > 0) turns.push({ role: "assistant", text, calls }, ...results);
    text = "";
    calls = [];
    results = [];
  };
  for (const part of parts) {
    if (part.kind === "text") {
      if (calls.length > 0) flush();
      text += textOf(part);
    } else {
      calls.push({ id: part.call, name: part.tool, input: part.input });
      results.push({
        role: "tool",
        call: part.call,
        text: part.output?.text ?? "it did not come to its end",
      });
    }
  }
  flush();
  return turns;
}
