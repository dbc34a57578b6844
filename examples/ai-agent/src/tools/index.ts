import { calculator } from "./calculator.js";
import { clock } from "./clock.js";
import { notes } from "./notes.js";
import type { Desk, Tool } from "./tool.js";

export const TOOLS: readonly Tool[] = [calculator, notes, clock];

const MAX_OUTPUT = 4_000;

/** Does what the model asked for. Never throws: what goes wrong is for the model to know, and to do better. */
export async function applyTool(
  name: string,
  input: string,
  desk: Desk,
): Promise<{ text: string; isError: boolean }> {
  try {
    const tool = TOOLS.find((each) => each.name === name);
    if (!tool) throw new Error(`there is no tool \`${name}\``);
    const text = await tool.run(parsed(input), desk);
    return { text: text.slice(0, MAX_OUTPUT), isError: false };
  } catch (error) {
    return { text: error instanceof Error ? error.message : String(error), isError: true };
  }
}

function parsed(input: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(input === "" ? "{}" : input);
  } catch {
    throw new Error("the arguments are not JSON");
  }
  if (!isRecord(value)) throw new Error("the arguments are not an object");
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
