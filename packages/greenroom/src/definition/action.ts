import { type Durability, type DurabilityCode, durabilityCode } from "./durability.js";
import { checkActionName } from "./reserved.js";

/**
 * An action: the context first, then what the caller passes; it may return anything, or a promise of it.
 *
 * Any function is assignable to one that returns `void`, without a look at what it returns. So an action may call
 * helper functions whose own types come from the definition (`ActionContextOf`) without running in circles.
 */
export type Action<Context> =
  | ((c: Context, ...args: never[]) => void)
  | ((c: Context, ...args: never[]) => PromiseLike<unknown>);

/** An action with settings of its own: `move: { durability: "relaxed", run: (c, x: number) => { c.state.x = x } }`. */
export interface ConfiguredAction<Context> {
  /** Overrides the actor's `durability` for what this action changes. */
  readonly durability: Durability;
  /** The action. */
  readonly run: Action<Context>;
}

/** The `actions` of an actor: functions, or objects of actions whose names are joined by dots. */
export interface ActionTree<Context> {
  readonly [name: string]: Action<Context> | ConfiguredAction<Context> | ActionTree<Context>;
}

/** A tree as its callers see it: functions only. */
export type CallableActions<Actions> = {
  readonly [Name in keyof Actions]: Actions[Name] extends Action<never>
    ? Actions[Name]
    : Actions[Name] extends { readonly durability: Durability; readonly run: infer Run }
      ? Run
      : CallableActions<Actions[Name]>;
};

/** An action as the host runs it. */
export interface ActionEntry {
  /** The dotted name. */
  readonly name: string;
  /** Calls the user's function. */
  readonly run: (c: unknown, ...args: unknown[]) => unknown;
  readonly durability: DurabilityCode;
}

/**
 * The actions of a tree under their dotted names.
 *
 * @param fallback The durability of actions that name none.
 * @throws Error if a name is reserved, if two actions come out with the same name, or if a leaf is not a function.
 */
export function flattenActions(tree: object, fallback: DurabilityCode): Map<string, ActionEntry> {
  for (const name of Object.keys(tree)) checkActionName(name);
  const entries = new Map<string, ActionEntry>();
  collect(tree, "", fallback, entries, []);
  return entries;
}

function collect(
  tree: object,
  prefix: string,
  fallback: DurabilityCode,
  into: Map<string, ActionEntry>,
  ancestors: readonly object[],
): void {
  for (const [key, value] of Object.entries(tree)) {
    const name = prefix + key;
    if (key === "") throw new Error(`an action in '${prefix}' has an empty name`);
    const found = asAction(value, name, fallback);
    if (found !== undefined) {
      if (into.has(name)) throw new Error(`two actions are called '${name}'`);
      into.set(name, found);
    } else if (isPlainObject(value) && value !== tree && !ancestors.includes(value)) {
      collect(value, `${name}.`, fallback, into, [...ancestors, tree]);
    } else {
      throw new Error(`action '${name}' has to be a function, or an object of actions`);
    }
  }
}

function asAction(value: unknown, name: string, fallback: DurabilityCode): ActionEntry | undefined {
  if (typeof value === "function") return { name, run: value as ActionEntry["run"], durability: fallback };
  // No object of actions has a string in it, so this one is an action with settings.
  if (!isPlainObject(value) || !("durability" in value) || typeof value.durability !== "string")
    return undefined;
  for (const key of Object.keys(value)) {
    if (key !== "durability" && key !== "run") throw new Error(`unknown key '${key}' in action '${name}'`);
  }
  if (!("run" in value) || typeof value.run !== "function") {
    throw new Error(`action '${name}' has a durability, but no function 'run'`);
  }
  const durability = durabilityCode(value.durability, `the durability of action '${name}'`);
  return { name, run: value.run as ActionEntry["run"], durability };
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
