/** Settings from environment variables. A name of ours comes first, then that of the same thing in rivetkit. */

/** Environment variables, as `process.env` has them. */
export interface Environment {
  readonly [name: string]: string | undefined;
}

/** A variable that is set. */
export interface Variable {
  readonly name: string;
  readonly value: string;
}

/** The first of the variables that is set and not empty. */
export function variable(env: Environment, ...names: readonly string[]): Variable | undefined {
  for (const name of names) {
    const value = env[name];
    if (value !== undefined && value !== "") return { name, value };
  }
  return undefined;
}

/** A port number out of the first of the variables that is set. @throws Error naming the variable */
export function portVariable(env: Environment, ...names: readonly string[]): number | undefined {
  const found = variable(env, ...names);
  if (found === undefined) return undefined;
  return wholeNumber(Number(found.value), found.name, 0, 65_535, found.value);
}

/** A yes or no out of the first of the variables that is set. @throws Error naming the variable */
export function flagVariable(env: Environment, ...names: readonly string[]): boolean | undefined {
  const found = variable(env, ...names);
  if (found === undefined) return undefined;
  const text = found.value.toLowerCase();
  if (text === "1" || text === "true") return true;
  if (text === "0" || text === "false") return false;
  throw new Error(`${found.name} has to be 1 or 0, and is \`${found.value}\``);
}

/** @throws Error naming `what` is wrong */
export function wholeNumber(
  value: number,
  what: string,
  min: number,
  max: number,
  given: unknown = value,
): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`${what} has to be a whole number from ${min} to ${max}, and is \`${String(given)}\``);
}
