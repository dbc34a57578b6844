/** What the agent needs of a language model. `fake.ts` and `openai.ts` are two of them. */
import { UserError } from "greenroom";

/** What the model is told about a tool. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments, an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** A tool that the model wants to have called. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** The arguments, JSON as the model wrote it, which may be none. */
  readonly input: string;
}

/** One entry of the conversation, as models see it. */
export type Turn =
  | { readonly role: "system" | "user"; readonly text: string }
  | { readonly role: "assistant"; readonly text: string; readonly calls: readonly ToolCall[] }
  | { readonly role: "tool"; readonly call: string; readonly text: string };

/** What a model gives: text as it comes, and calls when they are whole. */
export type Output =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "call"; readonly call: ToolCall };

export interface Model {
  /** As shown to people. */
  readonly name: string;
  /**
   * Continues the conversation. Ends when the model has said everything, or waits for what its calls come to.
   *
   * @param signal Ends it early: whatever it does after that is thrown away.
   * @throws UserError saying what is wrong with the model, see {@link modelError}.
   */
  stream(turns: readonly Turn[], tools: readonly ToolSpec[], signal: AbortSignal): AsyncIterable<Output>;
}

/** What can be wrong with a model, and what to do about it. */
export type ModelErrorCode =
  /** The key is missing or wrong: set another one. */
  | "model_unauthorized"
  /** Too many requests: wait; `metadata.retryAfter` has the seconds if the provider said them. */
  | "model_busy"
  /** It cannot be reached, or has trouble of its own: try again later. */
  | "model_unavailable"
  /** It refuses this request, and will refuse it again: the message has its reason. */
  | "model_refused"
  /** Its answer broke off: try again. */
  | "model_cut_off"
  /** What it says is not the protocol: check the address. */
  | "model_malformed"
  /** It says more than an answer may have: ask for less. */
  | "model_endless";

/** An error for the person who asks. */
export function modelError(code: ModelErrorCode, message: string, metadata?: unknown): UserError {
  return new UserError(message, { code, metadata });
}
