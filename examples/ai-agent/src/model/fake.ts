/**
 * A model without a model: it finds out by patterns what is wanted, calls the same tools through the same interface as
 * a real one, and says its answer word by word. The same conversation always gets the same answer.
 */
import { setTimeout as delay } from "node:timers/promises";
import { wishesIn } from "./intents.js";
import type { Model, Output, ToolCall, Turn } from "./model.js";
import { said } from "./phrases.js";
import { report } from "./report.js";

export interface FakeOptions {
  /** How long a word takes, in milliseconds. Default 28. */
  readonly pause?: number | undefined;
}

export function fakeModel({ pause = 28 }: FakeOptions = {}): Model {
  return {
    name: "greenroom-fake-1",
    async *stream(turns, _tools, signal) {
      for (const output of respond(turns)) {
        if (output.kind === "call") yield output;
        else yield* spoken(output.text, pause, signal);
      }
    },
  };
}

/** All that comes next in the conversation. */
function respond(turns: readonly Turn[]): Output[] {
  const asked = turns.findLastIndex(({ role }) => role === "user");
  const question = turns[asked]?.role === "user" ? turns[asked].text : "";
  const since = turns.slice(asked + 1);
  if (since.some(({ role }) => role === "tool")) return [{ kind: "text", text: report(since) }];
  const calls = wishesIn(question).map(
    ({ name, input }, index): ToolCall => ({
      id: `call-${turns.length}-${index + 1}`,
      name,
      input: JSON.stringify(input),
    }),
  );
  if (calls.length === 0) return [{ kind: "text", text: said(question, turns.slice(0, asked)) }];
  return calls.map((call) => ({ kind: "call", call }));
}

async function* spoken(text: string, pause: number, signal: AbortSignal): AsyncGenerator<Output> {
  for (const word of text.match(/\s*\S+\s*/g) ?? []) {
    // Sentences end with a breath, as with people.
    await delay(/[.!?:]\s*$/.test(word) ? pause * 4 : pause, undefined, { signal });
    yield { kind: "text", text: word };
  }
}
