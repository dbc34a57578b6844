import { type Concurrency, isExclusive } from "./concurrency.js";
import { type Durability, type DurabilityCode, durabilityCode } from "./durability.js";
import type { InputSchema, SchemaAt } from "./input-schemas.js";
import { labelOf } from "./labels.js";
import { checkActionName } from "./reserved.js";
import type { StandardSchema } from "./standard-schema.js";

/**
 * An action: the context first, then what the caller passes; it may return anything, or a promise of it.
 *
 * Any function is assignable to one that returns `void`, without a look at what it returns. So an action may call
 * helper functions whose own types come from the definition (`ActionContextOf`) without running in circles.
 */
export type Action<Context> =
  | ((c: Context, ...args: never[]) => void)
  | ((c: Context, ...args: never[]) => PromiseLike<unknown>);

/** The settings that an action can have of its own. */
export interface ActionSettings {
  /** Overrides the actor's `durability` for what this action changes. */
  readonly durability?: Durability;
  /** Overrides the actor's `concurrency` for calls of this action. */
  readonly concurrency?: Concurrency;
}

/**
 * An action with settings of its own, at least one: `move: { durability: "relaxed", run: (c, x: number) => … }`,
 * `pay: { concurrency: "exclusive", run: async (c, cents: number) => … }`.
 */
export type ConfiguredAction<Context, Run = Action<Context>> = ActionSettings & {
  /** The action. */
  readonly run: Run;
};

/** The `actions` of an actor: functions, or objects of actions whose names are joined by dots. */
export interface ActionTree<Context> {
  readonly [name: string]: Action<Context> | ConfiguredAction<Context> | ActionTree<Context>;
}

/** An action whose arguments a schema checks: it gets what the schema makes of them. */
export type CheckedAction<Context, Args extends readonly unknown[]> =
  | ((c: Context, ...args: Args) => void)
  | ((c: Context, ...args: Args) => PromiseLike<unknown>);

/**
 * What may stand for the action (or the tree of actions) that has this schema (or these, or none).
 *
 * Functions come as plain function types, in which only the arguments depend on the schema: TypeScript then infers
 * what their context is made of before it looks into them.
 */
export type ActionFor<Context, Schema, Flat, Path extends string> =
  | CheckedAction<Context, ArgsFrom<Schema>>
  | ConfiguredAction<Context, CheckedAction<Context, ArgsFrom<Schema>>>
  | TreeFor<Context, Schema, Flat, Path>;

/** What an action gets from its schema. Without one it has to say so itself. */
type ArgsFrom<Schema> =
  Schema extends StandardSchema<infer _Input, infer Output>
    ? Output extends readonly unknown[]
      ? Output
      : [Output]
    : never[];

type TreeFor<Context, Schema, Flat, Path extends string> =
  Schema extends StandardSchema<infer _Input, infer _Output>
    ? never
    : Schema extends object
      ? ActionTree<Context> & {
          readonly [Name in keyof Schema & string]?: ActionFor<
            Context,
            Schema[Name],
            Flat,
            `${Path}${Name}.`
          >;
        }
      : ActionTree<Context>;

/** A tree as its callers see it: functions only, that take what the schemas take. */
export type CallableActions<Actions, Schemas = undefined, Flat = Schemas, Path extends string = ""> = {
  readonly [Name in keyof Actions]: Actions[Name] extends Action<never>
    ? Callable<Actions[Name], SchemaAt<Schemas, Flat, Path, Name & string>>
    : Actions[Name] extends Configured<infer Run>
      ? Callable<Run, SchemaAt<Schemas, Flat, Path, Name & string>>
      : CallableActions<
          Actions[Name],
          SchemaAt<Schemas, Flat, Path, Name & string>,
          Flat,
          `${Path}${Name & string}.`
        >;
};

type Callable<Run, Schema> =
  Schema extends StandardSchema<infer Input, infer _Output>
    ? Input extends readonly unknown[]
      ? Run extends (...all: never) => infer Result
        ? (c: never, ...args: Input) => Result
        : never
      : Run
    : Run;

/** What tells an action with settings from a tree with an action called `run`. */
type Configured<Run> = { readonly run: Run } & (
  | { readonly durability: Durability }
  | { readonly concurrency: Concurrency }
);

/** An action as the host runs it. */
export interface ActionEntry {
  /** The dotted name. */
  readonly name: string;
  /** The number of its name, see `labelOf`. */
  readonly label: number;
  /** Calls the user's function. */
  readonly run: (c: unknown, ...args: unknown[]) => unknown;
  readonly durability: DurabilityCode;
  /** Whether its calls wait for those that are exclusive as well. */
  readonly isExclusive: boolean;
  /** Checks the list of arguments. */
  readonly input: InputSchema | undefined;
}

/** The settings of actions that have none of their own. */
export interface ActionDefaults {
  readonly durability: DurabilityCode;
  readonly isExclusive: boolean;
}

/**
 * The actions of a tree under their dotted names.
 *
 * @param defaults The settings of actions that have none.
 * @throws Error if a name is reserved, if two actions come out with the same name, or if a leaf is not a function.
 */
export function flattenActions(tree: object, defaults: ActionDefaults): Map<string, ActionEntry> {
  for (const name of Object.keys(tree)) checkActionName(name);
  const entries = new Map<string, ActionEntry>();
  collect(tree, "", defaults, entries, []);
  return entries;
}

function collect(
  tree: object,
  prefix: string,
  defaults: ActionDefaults,
  into: Map<string, ActionEntry>,
  ancestors: readonly object[],
): void {
  for (const [key, value] of Object.entries(tree)) {
    const name = prefix + key;
    if (key === "") throw new Error(`an action in '${prefix}' has an empty name`);
    const found = asAction(value, name, defaults);
    if (found !== undefined) {
      if (into.has(name)) throw new Error(`two actions are called '${name}'`);
      into.set(name, found);
    } else if (isPlainObject(value) && value !== tree && !ancestors.includes(value)) {
      collect(value, `${name}.`, defaults, into, [...ancestors, tree]);
    } else {
      throw new Error(`action '${name}' has to be a function, or an object of actions`);
    }
  }
}

const SETTINGS: ReadonlySet<string> = new Set(["durability", "concurrency"]);

function asAction(value: unknown, name: string, defaults: ActionDefaults): ActionEntry | undefined {
  if (typeof value === "function")
    return {
      name,
      label: labelOf(name),
      run: value as ActionEntry["run"],
      ...defaults,
      input: undefined,
    };
  // No object of actions has a string in it, so this one is an action with settings.
  if (!isPlainObject(value) || !hasSettings(value)) return undefined;
  for (const key of Object.keys(value)) {
    if (key !== "run" && !SETTINGS.has(key)) throw new Error(`unknown key '${key}' in action '${name}'`);
  }
  const { run, durability, concurrency } = value as { readonly [key: string]: unknown };
  if (typeof run !== "function") throw new Error(`action '${name}' has settings, but no function 'run'`);
  return {
    name,
    label: labelOf(name),
    run: run as ActionEntry["run"],
    durability:
      durability === undefined
        ? defaults.durability
        : durabilityCode(durability, `the durability of action '${name}'`),
    isExclusive:
      concurrency === undefined
        ? defaults.isExclusive
        : isExclusive(concurrency, `the concurrency of action '${name}'`),
    input: undefined,
  };
}

function hasSettings(value: object): boolean {
  return Object.entries(value).some(([key, setting]) => SETTINGS.has(key) && typeof setting === "string");
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
