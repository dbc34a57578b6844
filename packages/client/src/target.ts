import { toBase64 } from "./codec/base64.js";
import { encodeCompat } from "./codec/encode.js";
import { buildBytes } from "./codec/wire-writer.js";
import type { ResolvedConfig } from "./config.js";
import { ActorClientError } from "./errors.js";
import { storageKey } from "./key.js";
import type { Location } from "./metadata.js";

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
export function gatewayUrl(target: Target, location: Location, path: string, config: ResolvedConfig): string {
  const { url, namespace, token } = location;
  if (target.by === "id") {
    const suffix = token === undefined ? "" : `@${encodeURIComponent(token)}`;
    return `${url}/gateway/${encodeURIComponent(target.id)}${suffix}${path}`;
  }
  const parameters: [name: string, value: string | undefined][] = [
    ["rvt-namespace", namespace],
    ["rvt-method", target.by],
  ];
  if (target.by === "getOrCreate") parameters.push(["rvt-runner", target.pool]);
  parameters.push(["rvt-key-storage", storageKey(target.key)]);
  if (target.by === "getOrCreate") {
    parameters.push(
      ["rvt-input", inputParameter(target.input, config.maxInputSize)],
      ["rvt-region", target.region],
      ["rvt-crash-policy", "sleep"],
    );
  }
  parameters.push(["rvt-token", token]);
  const query = parameters.filter((pair): pair is [string, string] => pair[1] !== undefined);
  const joined = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return `${url}/gateway/${encodeURIComponent(target.name)}${path}${path.includes("?") ? "&" : "?"}${joined}`;
}

/** Creation input as CBOR; `undefined` for no input. */
export function encodeInput(input: unknown): Uint8Array | undefined {
  if (input === undefined) return undefined;
  return buildBytes((writer) => encodeCompat(writer, input, "input"));
}

function inputParameter(input: unknown, limit: number): string | undefined {
  const bytes = encodeInput(input);
  if (bytes === undefined) return undefined;
  if (bytes.length > limit) {
    const message = `createWithInput is ${bytes.length} bytes, limit is ${limit}; use create() for larger input`;
    throw new ActorClientError("input_too_large", message);
  }
  return toBase64(bytes, "url");
}
