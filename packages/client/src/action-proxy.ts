/** Calls the action with a dotted name. */
export type CallAction = (name: string, args: readonly unknown[]) => Promise<unknown>;

/**
 * Names that must not look like actions: JavaScript itself calls them on values it meets (`await`,
 * `JSON.stringify`).
 */
const NEVER_ACTIONS: ReadonlySet<string> = new Set(["then", "toJSON"]);

/** What a nested action shares with every function, so that `handle.add.bind(null)` works. */
const FUNCTION_METHODS: ReadonlySet<string> = new Set(["call", "apply", "bind"]);

type AnyMembers = Readonly<Record<PropertyKey, unknown>>;

/** The members that a surface has of its own, exactly. */
export type Members<Surface> = { readonly [Name in keyof Surface]: unknown };

/**
 * What users see: `members`, and an action behind every other name. `Surface` is the type of the result; it must
 * describe exactly that.
 */
export function withActions<Surface>(members: object, call: CallAction): Surface {
  return withProperties<Surface>(members, (name) => actionNamed(name, call));
}

/** As {@link withActions}, with a property made by `make` at first use behind every other name. */
export function withProperties<Surface>(members: object, make: (name: string) => unknown): Surface {
  return lazily(members, (name) => name in members, make) as Surface;
}

/** `target` with its own symbols and the members that `isOwn` says, and what `make` makes behind every other name. */
function lazily(target: object, isOwn: (name: string) => boolean, make: (name: string) => unknown): object {
  const made = new Map<string, unknown>();
  return new Proxy(target, {
    get(_, property) {
      if (typeof property === "symbol" || isOwn(property)) return (target as AnyMembers)[property];
      if (NEVER_ACTIONS.has(property)) return undefined;
      if (!made.has(property)) made.set(property, make(property));
      return made.get(property);
    },
  });
}

function actionNamed(name: string, call: CallAction): unknown {
  const invoke = (...args: unknown[]) => call(name, args);
  return lazily(
    invoke,
    (property) => FUNCTION_METHODS.has(property),
    (property) => actionNamed(`${name}.${property}`, call),
  );
}
