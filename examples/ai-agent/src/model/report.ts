import type { ToolCall, Turn } from "./model.js";

/** What the fake model makes of what its tools gave. */
export function report(turns: readonly Turn[]): string {
  const calls = turns.flatMap((turn) => (turn.role === "assistant" ? turn.calls : []));
  const sentences = turns.flatMap((turn) => {
    if (turn.role !== "tool") return [];
    const call = calls.find(({ id }) => id === turn.call);
    return call === undefined ? [] : [sentence(call, turn.text)];
  });
  return sentences.join("\n\n");
}

function sentence(call: ToolCall, result: string): string {
  const input = inputOf(call);
  switch (call.name) {
    case "calculator":
      return /^-?[\d.]+(e[+-]?\d+)?$/.test(result)
        ? `\`${String(input.expression)}\` is **${grouped(result)}**.`
        : `I could not work that out: ${result}.`;
    case "clock":
      return `It is **${result.replace(/ \(.*\)$/, "")}**${zone(result)}.`;
    case "notes":
      return aboutNotes(String(input.do), String(input.text ?? ""), result);
    default:
      return result;
  }
}

function aboutNotes(done: string, text: string, result: string): string {
  const list = result === "no notes" ? "There is nothing on your list." : `Your list:\n\n${result}`;
  switch (done) {
    case "add":
      return `Noted: *${text}*. It stays here, also when the server does not.\n\n${list}`;
    case "remove":
      return result.startsWith("there is no") ? `I could not do that: ${result}` : `Done. ${list}`;
    default:
      return list;
  }
}

function inputOf(call: ToolCall): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(call.input);
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** With a comma after each three digits of what stands before the point. */
const grouped = (number: string) =>
  number.replace(/^-?\d+(?=\.|$)/, (whole) => Number(whole).toLocaleString("en-US"));
/** `Asia/Tokyo` is Tokyo to people. */
const zone = (result: string) => {
  const name = / \((.*)\)$/.exec(result)?.[1]?.split("/").at(-1);
  return name === undefined ? "" : ` in ${name.replaceAll("_", " ")}`;
};
