import type { ToolSpec } from "../model/model.js";

/** What tools may do to the conversation that they are used in. */
export interface Desk {
  /** The agent's notes, durable with the rest of its state. */
  readonly notes: string[];
}

/** Something that the model can have done. */
export interface Tool extends ToolSpec {
  /**
   * @param input The arguments, whatever the model made of the schema.
   * @returns what the model is told.
   * @throws Error whose message the model is told, so that it can do better.
   */
  run(input: Readonly<Record<string, unknown>>, desk: Desk): string | Promise<string>;
}

/** The argument `name`, if it is text. */
export function text(input: Readonly<Record<string, unknown>>, name: string): string {
  const value = input[name];
  if (typeof value !== "string" || value.trim() === "") throw new Error(`\`${name}\` has to be some text`);
  return value.trim();
}
