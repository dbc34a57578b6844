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
  const [issue] = result.issues;
  throw new TypeError(
    `${what} does not match its schema: ${issue === undefined ? "refused" : describe(issue)}`,
  );
}

function describe(issue: SchemaIssue): string {
  const path = (issue.path ?? []).map((step) => String(typeof step === "object" ? step.key : step)).join(".");
  return path === "" ? issue.message : `${path}: ${issue.message}`;
}
