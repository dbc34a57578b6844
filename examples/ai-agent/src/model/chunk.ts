import { modelError } from "./model.js";

/** A piece of a tool call; what it does not have is empty. */
export interface CallPiece {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly input: string;
}

/** What one event of a provider says. */
export interface Chunk {
  readonly text: string;
  readonly calls: readonly CallPiece[];
  /** Nothing but `[DONE]` comes after this. */
  readonly isLast: boolean;
  /** The provider has failed in the middle. */
  readonly error: string | undefined;
}

/** Reads an event. Fields that are not there are empty; providers differ in what they leave out. */
export function chunkOf(data: string): Chunk {
  const event = record(json(data));
  if (event === undefined)
    throw modelError("model_malformed", "the model speaks another protocol: check its address");
  const choice = record(list(event.choices)[0]);
  const delta = record(choice?.delta);
  return {
    text: text(delta?.content),
    calls: list(delta?.tool_calls).map(callPiece),
    isLast: text(choice?.finish_reason) !== "",
    error: event.error === undefined ? undefined : text(record(event.error)?.message) || "no reason given",
  };
}

function callPiece(value: unknown, position: number): CallPiece {
  const piece = record(value);
  const called = record(piece?.function);
  const index = typeof piece?.index === "number" ? piece.index : position;
  return { index, id: text(piece?.id), name: text(called?.name), input: text(called?.arguments) };
}

function json(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isRecord(value) ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
