/** Asks a guard: `canSubscribe` of an event, `canPublish` of a queue. */
import { type HookName, hookLabel } from "../definition/labels.js";
import { isThenable, withDeadline } from "./async.js";
import type { ConnContext } from "./context.js";
import { forbidden } from "./failure.js";
import type { Instance } from "./instance.js";

/** A guard as the host calls it. */
export type Guard = (c: never) => unknown;

/**
 * Asks whether something is allowed.
 *
 * @param name The guard's own name.
 * @param what What is to be allowed, for the error.
 * @throws (or rejects with) HostError `auth.forbidden` if it is not, TypeError if the guard gives no boolean, and
 * what the guard throws.
 */
export function askGuard(
  instance: Instance,
  guard: Guard,
  context: ConnContext,
  name: HookName,
  what: string,
): void | Promise<void> {
  const check = (answer: unknown): void => {
    if (typeof answer !== "boolean") {
      throw new TypeError(`'${name}' has to return a boolean, and returned ${describe(answer)}`);
    }
    if (!answer) throw forbidden(`${what} is not allowed`);
  };
  const answer = instance.run(hookLabel(name), () => guard(context as never));
  if (!isThenable(answer)) {
    check(answer);
    return;
  }
  instance.defer();
  return withDeadline(
    instance.host.clock,
    answer,
    instance.definition.options.onBeforeConnectTimeout,
    name,
  ).then(check);
}

function describe(answer: unknown): string {
  return answer === null ? "null" : typeof answer;
}
