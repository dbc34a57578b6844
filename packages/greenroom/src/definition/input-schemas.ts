import { isSchema, type StandardSchema } from "./standard-schema.js";

/** The `actionInputSchemas` of an actor: a schema per action, nested as the actions are, or under dotted names. */
export interface ActionInputSchemas {
  readonly [name: string]: StandardSchema<unknown, unknown> | ActionInputSchemas;
}

/** What a schema takes. */
export type SchemaInput<Schema> = Schema extends StandardSchema<infer Input, infer _Output> ? Input : never;
/** What a schema gives. */
export type SchemaOutput<Schema> = Schema extends StandardSchema<infer _Input, infer Output> ? Output : never;

/** The schema in `Schemas` for the action `Name` in the part of the tree at `Path` (with a dot at its end). */
export type SchemaAt<Schemas, Flat, Path extends string, Name extends string> = Name extends keyof Schemas
  ? Schemas[Name]
  : `${Path}${Name}` extends keyof Flat
    ? Flat[`${Path}${Name}`]
    : undefined;

/** A schema for the arguments of an action, as the host uses it. */
export type InputSchema = StandardSchema<unknown, unknown>;

/**
 * The schemas of a tree under their dotted names.
 *
 * @param actions The dotted names of all actions.
 * @throws Error for a name that no action has, for one that has two schemas, and for what is no schema.
 */
export function flattenInputSchemas(tree: object, actions: ReadonlySet<string>): Map<string, InputSchema> {
  const schemas = new Map<string, InputSchema>();
  collect(tree, "", schemas, []);
  for (const name of schemas.keys()) {
    if (!actions.has(name))
      throw new Error(`'actionInputSchemas' has a schema for '${name}', which is no action`);
  }
  return schemas;
}

function collect(
  tree: object,
  prefix: string,
  into: Map<string, InputSchema>,
  ancestors: readonly object[],
): void {
  for (const [key, value] of Object.entries(tree) as [string, unknown][]) {
    const name = prefix + key;
    if (isSchema(value)) {
      if (into.has(name)) throw new Error(`'actionInputSchemas' has two schemas for '${name}'`);
      into.set(name, value);
    } else if (typeof value === "object" && value !== null && value !== tree && !ancestors.includes(value)) {
      collect(value, `${name}.`, into, [...ancestors, tree]);
    } else {
      throw new Error(`'actionInputSchemas': '${name}' has to be a Standard Schema, or an object of them`);
    }
  }
}
