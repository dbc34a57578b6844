/** What the thread that has started a registry and the others say to each other. */

/** What a thread is told when it begins. */
export interface Task {
  /** Of the registry, for the addon. */
  readonly token: number;
  readonly lane: number;
  /** The module to load, and which of its registries it is. */
  readonly module: string;
  readonly index: number;
}

/** From a worker thread. */
export type Report =
  /** It has the registry, with these actors, and can begin. */
  | { readonly kind: "ready"; readonly actors: readonly string[] }
  /** It could not be loaded. */
  | { readonly kind: "failed"; readonly message: string }
  /** The program has called `shutdown` there. */
  | { readonly kind: "shutdown" };

/** To a worker thread. */
export type Order =
  /** The registry runs: begin. */
  | "begin"
  /** It has ended. */
  | "end";
