/** The part of the Standard Schema interface, version 1, that Greenroom uses (https://standardschema.dev). */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema makes of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** An issue as callers get it, in the metadata of `actor.validation_error`. */
export interface PlainIssue {
  readonly message: string;
  /** The way to what is wrong: names and indexes. */
  readonly path: readonly (string | number)[];
}

/** So many issues are passed on at most: each element of a long list may be wrong. */
const MAX_ISSUES = 50;

/** Whether `value` can check something. */
export function isSchema(value: unknown): value is StandardSchema<unknown, unknown> {
  // Some libraries make schemas that are functions.
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  const { "~standard": standard } = value as { readonly "~standard"?: unknown };
  return typeof (standard as { readonly validate?: unknown } | undefined)?.validate === "function";
}

/**
 * The value as the schema gives it back.
 *
 * @param what How messages name the value.
 * @throws TypeError naming what is wrong, or that the schema is asynchronous.
 */
export function checkSchema<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
  what: string,
): Output {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise)
    throw new TypeError(`the schema of ${what} is asynchronous; it has to be synchronous`);
  if (result.issues === undefined) return result.value;
  throw new TypeError(mismatch(what, result.issues));
}

/** What a message says about a value that does not match its schema. */
export function mismatch(what: string, issues: readonly SchemaIssue[]): string {
  const [issue] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return `the schema refuses ${what}: ${issue === undefined ? "no reason given" : describe(issue)}${more}`;
}

/** The issues as plain values. */
export function plainIssues(issues: readonly SchemaIssue[]): PlainIssue[] {
  return issues.slice(0, MAX_ISSUES).map((issue) => ({ message: issue.message, path: plainPath(issue) }));
}

function describe(issue: SchemaIssue): string {
  const path = plainPath(issue).join(".");
  return path === "" ? issue.message : `${path}: ${issue.message}`;
}

function plainPath({ path = [] }: SchemaIssue): (string | number)[] {
  return path.map((step) => {
    const key = typeof step === "object" ? step.key : step;
    return typeof key === "symbol" ? String(key) : key;
  });
}
