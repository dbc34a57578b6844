import { readAnswer } from "../protocol/answer.js";
import type { Format } from "../protocol/format.js";
import type { CallOptions } from "../types.js";
import { either, post, type Sender } from "./post.js";

/** Calls an action with encoded arguments. */
export async function call(
  sender: Sender,
  format: Format,
  name: string,
  body: Uint8Array<ArrayBuffer>,
  options: CallOptions,
): Promise<unknown> {
  // Repeating a `destroy` could destroy the actor's successor.
  const mayRepeat = name !== "destroy";
  const path = `/action/${encodeURIComponent(name)}`;
  const answer = await post(sender, { path, body, mayRepeat, options, isCall: true });
  if (answer instanceof Uint8Array) {
    return readAnswer(`the reply to ${name}`, () => format.decodeOutput(answer));
  }
  const { readItems } = await import("../http-stream.js");
  return readItems(answer, format, either(sender.options.signal, options.signal));
}
