import { ActorClientError, describe } from "../errors.js";
import { keyParts } from "../key.js";
import { checkOptions, type OptionTypes } from "../options.js";
import type { DefinitionNamed } from "../surface.js";
import type { ActorKey, ActorsOf, InputOf, ParamsOf } from "../types.js";

/** The names of a registry's actors; any name where nothing is known of the registry. */
export type ActorNames<Registry> = [keyof ActorsOf<Registry>] extends [never]
  ? string
  : keyof ActorsOf<Registry> & string;

/** Which actor to observe, and how to reach it. */
export interface ObserveOptions<Registry, Name extends ActorNames<Registry>> {
  /** The actor's name in the registry. */
  readonly name: Name;
  /** The actor's key. `[]` is the key without parts. */
  readonly key: ActorKey;
  /** Connection parameters, which the actor's `onBeforeConnect` and `createConnState` get. */
  readonly params?: ParamsOf<DefinitionNamed<Registry, Name>> | undefined;
  /** Creation input, ignored if the actor exists already. */
  readonly createWithInput?: InputOf<DefinitionNamed<Registry, Name>> | undefined;
  /** Where to create the actor. A single server has one region and creates it there. */
  readonly createInRegion?: string | undefined;
  /** Whether to connect. Default `true`. */
  readonly enabled?: boolean | undefined;
  /** Never create the actor: while there is none, the error is `actor.not_found`. Default `false`. */
  readonly noCreate?: boolean | undefined;
}

/** {@link ObserveOptions} of an actor of which nothing is known. */
export interface AnyObserveOptions {
  readonly name: string;
  readonly key: ActorKey;
  readonly params?: unknown;
  readonly createWithInput?: unknown;
  readonly createInRegion?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly noCreate?: boolean | undefined;
}

const OPTIONS = {
  name: "string",
  key: "any",
  params: "any",
  createWithInput: "any",
  createInRegion: "string",
  enabled: "boolean",
  noCreate: "boolean",
} satisfies OptionTypes;

/**
 * Checks what JavaScript programs get past the compiler.
 *
 * @throws TypeError saying what is wrong.
 */
export function checkObserveOptions(options: AnyObserveOptions): void {
  checkOptions(options, OPTIONS);
  if (options.name === undefined || options.name === "") throw new TypeError("`name` is missing");
  if (options.key === undefined) throw new TypeError("`key` is missing; `[]` is the key without parts");
  keyParts(options.key);
}

/** The error of options that cannot be used. */
export function invalidOptions(what: string, cause: unknown): ActorClientError {
  return new ActorClientError("invalid_options", `${what}: ${describe(cause)}`, { cause });
}

/** The error of options that are different whenever they are looked at. */
export function unstableOptions(name: string): ActorClientError {
  return new ActorClientError(
    "unstable_options",
    `the key or the params of actor \`${name}\` change whenever it renders: keep them, for example with useMemo`,
  );
}

/**
 * Equal for options that may share a connection: name, key, parameters and `noCreate` are the same, in whatever order
 * the members of the parameters come.
 *
 * @throws TypeError when the parameters cannot be written as JSON, as which they travel.
 */
export function hashOptions({ name, key, params, noCreate = false }: AnyObserveOptions): string {
  // Sorting would not notice a circle.
  JSON.stringify(params);
  return JSON.stringify({ name, key: keyParts(key), params, noCreate }, sorted);
}

function sorted(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
