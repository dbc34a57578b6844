/** Gateway URLs with one thing wrong at a time. */

const DEFAULTS = {
  "rvt-namespace": "default",
  "rvt-method": "getOrCreate",
  "rvt-runner": "default",
  "rvt-key": "bad-input",
};

/** Changes to the query: a value replaces one, `undefined` leaves it out. Values are sent as they are. */
export type QueryChanges = Readonly<Record<string, string | undefined>>;

/** A query that means an actor of its own. */
export function query(changes: QueryChanges = {}): string {
  return Object.entries({ ...DEFAULTS, ...changes })
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
    .join("&");
}

/** The path of an action of an actor, found or created by key. */
export function action(name: string, { actor = "counter", changes = {} as QueryChanges } = {}): string {
  return `/gateway/${actor}/action/${name}?${query(changes)}`;
}

/** The path of connections to an actor, found or created by key. */
export function connect({ actor = "counter", path = "/connect", changes = {} as QueryChanges } = {}): string {
  return `/gateway/${actor}${path}?${query(changes)}`;
}
