import type { Location, ResolvedConfig } from "./config.js";
import { storageKey } from "./key.js";

/** Which actor a handle means. */
export type Target =
  | { readonly by: "id"; readonly name: string; readonly id: string }
  | { readonly by: "get"; readonly name: string; readonly key: readonly string[] }
  | {
      readonly by: "getOrCreate";
      readonly name: string;
      readonly key: readonly string[];
      readonly input: unknown;
      readonly region: string | undefined;
      readonly pool: string;
    };

/** How messages to people name an actor. */
export function describeTarget(target: Target): string {
  const which = target.by === "id" ? `id \`${target.id}\`` : `key \`${storageKey(target.key)}\``;
  return `actor \`${target.name}\` with ${which}`;
}

/**
 * The address of an actor's resource.
 *
 * Keys are sent in storage form: the comma-joined `rvt-key` of the original protocol maps different keys to
 * one actor.
 *
 * @param path what follows the actor, starting with `/`, already percent-encoded; may end in a query.
 */
export async function gatewayUrl(
  target: Target,
  location: Location,
  path: string,
  config: ResolvedConfig,
): Promise<string> {
  const { url, namespace, token } = location;
  if (target.by === "id") {
    const suffix = token === undefined ? "" : `@${encodeURIComponent(token)}`;
    return `${url}/gateway/${encodeURIComponent(target.id)}${suffix}${path}`;
  }
  const creating = target.by === "getOrCreate" ? target : undefined;
  const parameters = {
    "rvt-namespace": namespace,
    "rvt-method": target.by,
    "rvt-runner": creating?.pool,
    "rvt-key-storage": storageKey(target.key),
    "rvt-input":
      creating?.input === undefined ? undefined : await inputParameter(creating.input, config.maxInputSize),
    "rvt-region": creating?.region,
    "rvt-crash-policy": creating && "sleep",
    "rvt-token": token,
  };
  const separator = path.includes("?") ? "&" : "?";
  return `${url}/gateway/${encodeURIComponent(target.name)}${path}${separator}${queryOf(parameters)}`;
}

/** A query string of what is defined. */
export function queryOf(parameters: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(parameters)
    .flatMap(([name, value]) => (value === undefined ? [] : `${name}=${encodeURIComponent(value)}`))
    .join("&");
}

async function inputParameter(input: unknown, limit: number): Promise<string> {
  const { inputParameter } = await import("./input.js");
  return inputParameter(input, limit);
}
