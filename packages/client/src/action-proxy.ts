/** Calls the action with a dotted name. */
export type CallAction = (name: string, args: readonly unknown[]) => Promise<unknown>;

/**
 * Names that must not look like actions: JavaScript itself calls them on values it meets (`await`,
 * `JSON.stringify`).
 */
const NEVER_ACTIONS: ReadonlySet<PropertyKey> = new Set(["then", "toJSON"]);

/** What a nested action shares with every function, so that `handle.add.bind(null)` works. */
const FUNCTION_METHODS: ReadonlySet<PropertyKey> = new Set(["call", "apply", "bind"]);

type Members = Readonly<Record<PropertyKey, unknown>>;

/** The members that a surface has of its own. */
export type OwnNames<Surface> = { readonly [Name in keyof Surface]: 1 };

/**
 * What users see of `inner`: its members with the given `names`, and an action behind every other name. `Surface` is
 * the type of the result; it must describe exactly that.
 */
export function withActions<Surface>(inner: object, names: object, call: CallAction): Surface {
  return withProperties<Surface>(inner, names, (name) => actionNamed(name, call));
}

/** As {@link withActions}, with a property made by `make` at first use behind every other name. */
export function withProperties<Surface>(
  inner: object,
  names: object,
  make: (name: string) => unknown,
): Surface {
  const made = new Map<string, unknown>();
  const proxy = new Proxy(pick(inner, names), {
    get(target, property) {
      if (typeof property === "symbol" || property in target) return (target as Members)[property];
      if (NEVER_ACTIONS.has(property)) return undefined;
      const known = made.get(property);
      if (known !== undefined) return known;
      const value = make(property);
      made.set(property, value);
      return value;
    },
  });
  return proxy as Surface;
}

/** An object with some members of `inner`: its methods, and what its other members are at any time. */
function pick(inner: object, names: object): object {
  const picked = {};
  for (const name in names) {
    const get = (): unknown => (inner as Members)[name];
    const member = get();
    // A field that holds a function knows by itself what it belongs to.
    const value = typeof member === "function" && (Object.hasOwn(inner, name) ? member : member.bind(inner));
    Object.defineProperty(picked, name, { enumerable: true, ...(value ? { value } : { get }) });
  }
  return picked;
}

function actionNamed(name: string, call: CallAction): unknown {
  const nested = new Map<string, unknown>();
  const invoke: object = (...args: unknown[]) => call(name, args);
  return new Proxy(invoke, {
    get(target, property) {
      if (typeof property === "symbol" || FUNCTION_METHODS.has(property)) {
        return (target as Members)[property];
      }
      if (NEVER_ACTIONS.has(property)) return undefined;
      const known = nested.get(property);
      if (known !== undefined) return known;
      const value = actionNamed(`${name}.${property}`, call);
      nested.set(property, value);
      return value;
    },
  });
}
