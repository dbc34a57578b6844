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

/**
 * `own` with an action behind every name that it does not have itself. `Surface` is the type of the result; it
 * must describe exactly that.
 */
export function withActions<Surface>(own: object, call: CallAction): Surface {
  return withProperties<Surface>(own, (name) => actionNamed(name, call));
}

/** `own` with a property for every name it lacks, made by `make` at first use. */
export function withProperties<Surface>(own: object, make: (name: string) => unknown): Surface {
  const made = new Map<string, unknown>();
  const proxy = new Proxy(own, {
    get(target, property) {
      if (typeof property === "symbol") return (target as Members)[property];
      const known = made.get(property);
      if (known !== undefined) return known;
      if (property in target) return (target as Members)[property];
      if (NEVER_ACTIONS.has(property)) return undefined;
      const value = make(property);
      made.set(property, value);
      return value;
    },
  });
  return proxy as Surface;
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
