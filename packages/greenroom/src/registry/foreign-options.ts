/** Options of rivetkit's `setup` that mean nothing here, because there is no engine, no runner and no pool. */

/** Accepted, so that a program need not be changed; a warning names those that are given. */
export interface ForeignOptions {
  /** @deprecated Has no effect: the core is always the native one. */
  readonly runtime?: "auto" | "native";
  /** @deprecated Has no effect: no other process is started. */
  readonly startEngine?: boolean;
  /** @deprecated Has no effect: there is no engine. */
  readonly engineHost?: string;
  /** @deprecated Has no effect: there is no engine. */
  readonly enginePort?: number;
  /** @deprecated Has no effect: there is no engine. */
  readonly engineVersion?: string;
  /** @deprecated Has no effect: there are no pools. */
  readonly configurePool?: object;
  /** @deprecated Has no effect: actors run in this process. */
  readonly envoy?: {
    readonly poolName?: string;
    readonly version?: number;
    readonly totalSlots?: number;
  };
  /** @deprecated Has no effect: there is no inspector. */
  readonly inspector?: object;
  /** @deprecated Has no effect: nothing is sent anywhere. */
  readonly headers?: Readonly<Record<string, string>>;
  /** @deprecated Has no effect: use `setupTest` of `greenroom/test`. */
  readonly test?: object;
  /** Only `basePath` has a meaning here; the others have no effect. */
  readonly serverless?: {
    /** The same as `basePath`. */
    readonly basePath?: string;
    /** @deprecated Has no effect. */
    readonly maxStartPayloadBytes?: number;
    /** @deprecated Has no effect. */
    readonly publicEndpoint?: string;
    /** @deprecated Has no effect. */
    readonly publicToken?: string;
  };
}

const IGNORED: ReadonlySet<string> = new Set([
  "startEngine",
  "engineHost",
  "enginePort",
  "engineVersion",
  "configurePool",
  "envoy",
  "inspector",
  "headers",
  "test",
]);

/** What would go wrong unseen if it were ignored. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  [
    "endpoint",
    "the actors run in this process, not behind an engine; the address of a client belongs to `createClient`",
  ],
  ["wasm", "there is no WebAssembly core"],
  ["sqlite", "there is no SQLite in this version, so actors that need it would fail later"],
]);

/**
 * Sorts out the options that `known` does not name.
 *
 * @returns the names of those that have no effect.
 * @throws Error naming an option that is unknown, or that would do harm.
 */
export function checkForeignOptions(config: object, known: ReadonlySet<string>): readonly string[] {
  const ignored: string[] = [];
  for (const [name, value] of Object.entries(config)) {
    if (known.has(name) || value === undefined) continue;
    const reason = REFUSED.get(name);
    if (reason !== undefined) throw new Error(`setup option '${name}' is not supported: ${reason}`);
    if (name === "runtime") {
      if (value !== "auto" && value !== "native")
        throw new Error("setup option 'runtime' is not supported: there is only the native core");
    } else if (name === "serverless") {
      for (const part of Object.keys(value as object))
        if (part !== "basePath") ignored.push(`serverless.${part}`);
      continue;
    } else if (!IGNORED.has(name)) {
      throw new Error(`setup option '${name}' is unknown, or not supported in this version`);
    }
    ignored.push(name);
  }
  return ignored;
}
