/** Values of callers against the schemas of the definition. */
import type { InputSchema } from "../definition/input-schemas.js";
import { isThenable } from "./async.js";
import { validationError } from "./failure.js";

/**
 * The value as its schema gives it back: at once if the schema knows at once.
 *
 * @param what How messages name the value.
 * @throws (or rejects with) HostError `actor.validation_error`, whose metadata has the issues.
 */
export function validated(schema: InputSchema, value: unknown, what: string): unknown {
  const result = schema["~standard"].validate(value);
  return isThenable(result) ? result.then((late) => accepted(late, what)) : accepted(result, what);
}

type Result = Awaited<ReturnType<InputSchema["~standard"]["validate"]>>;

function accepted(result: Result, what: string): unknown {
  if (result.issues === undefined) return result.value;
  throw validationError(what, result.issues);
}

/**
 * The arguments of an action as its schema gives them back.
 *
 * @throws (or rejects with) HostError `actor.validation_error`
 */
export function validatedArgs(
  schema: InputSchema,
  args: readonly unknown[],
  action: string,
): readonly unknown[] | PromiseLike<readonly unknown[]> {
  const checked = validated(schema, args, `the arguments of \`${action}\``);
  return isThenable(checked) ? checked.then(asList) : asList(checked);
}

/** A schema may make something else of the list: that is the only argument then. */
function asList(checked: unknown): readonly unknown[] {
  return Array.isArray(checked) ? checked : [checked];
}
