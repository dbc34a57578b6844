/** What has to be true of a message before it is put into a queue, wherever it comes from. */
import { checkSchema, type StandardSchema } from "../definition/standard-schema.js";
import { encodePayload } from "../queue/message.js";
import { type HostError, invalidPayload, messageOf, messageTooLarge, queueNotFound } from "./failure.js";
import type { Instance } from "./instance.js";

/**
 * A message as it is stored.
 *
 * @throws HostError `queue.not_found`, `queue.invalid_payload`, `queue.message_too_large`.
 * @throws TypeError naming the path of what cannot be stored.
 */
export function prepare(instance: Instance, name: string, body: unknown): Uint8Array {
  const queue = instance.definition.queues.get(name);
  if (queue === undefined) throw queueNotFound(name);
  const checked =
    queue.message === undefined ? body : checkPayload(queue.message, body, name, invalidPayload);
  const payload = encodePayload(checked);
  const { maxQueueMessageSize } = instance.definition.options;
  if (payload.length > maxQueueMessageSize) {
    throw messageTooLarge(name, payload.length, maxQueueMessageSize);
  }
  return payload;
}

/** The value as `schema` gives it back. @throws what `refuse` makes of its complaint. */
export function checkPayload(
  schema: StandardSchema,
  value: unknown,
  name: string,
  refuse: (reason: string) => HostError,
): unknown {
  try {
    return checkSchema(schema, value, `queue '${name}'`);
  } catch (error) {
    throw refuse(messageOf(error));
  }
}
