import { completely } from "../codec/usual.js";
import { describe, MalformedResponseMessage } from "../errors.js";

/** What `read` makes of an answer. @param what names the answer in the error when it cannot be read. */
export async function readAnswer<T>(what: string, read: () => T): Promise<T> {
  try {
    return await completely(read);
  } catch (cause) {
    const message = `${what} cannot be read: ${describe(cause)}`;
    throw new MalformedResponseMessage("malformed_response", message, { cause });
  }
}
