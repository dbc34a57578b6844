/**
 * The server's lookup API, which handles need only for `resolve`, `create`, `list` and `reload`. Pages load this file
 * when they first call one of these.
 */
import { toBase64 } from "./codec/base64.js";
import { ActorClientError, ActorError, describe, MalformedResponseMessage } from "./errors.js";
import { encodeInput } from "./input.js";
import { keyParts, storageKey } from "./key.js";
import { ManagerError } from "./manager-error.js";
import { checkOptions, GET_OPTIONS, type OptionTypes } from "./options.js";
import { queryOf, type Target } from "./target.js";
import type { Transport } from "./transport.js";
import type { ActorListing, CreateOptions, ListOptions } from "./types.js";

/** What `create` takes. */
const CREATE_OPTIONS = {
  ...GET_OPTIONS,
  input: "any",
  region: "string",
  poolName: "string",
} satisfies OptionTypes;

/** What `list` takes. */
const LIST_OPTIONS = {
  keyPrefix: "any",
  limit: "number",
  cursor: "string",
  signal: "object",
} satisfies OptionTypes;

/** The id of the actor that is meant. Creates it if the target says so. @throws ActorError `actor.not_found` */
export async function resolve(transport: Transport, target: Target, signal?: AbortSignal): Promise<string> {
  if (target.by === "id") return target.id;
  const { name, key } = target;
  if (target.by === "getOrCreate") return make(transport, "PUT", name, key, target, signal);
  const { actors } = await manage(transport, "GET", "", { name, key: storageKey(key) }, undefined, signal);
  const [first] = asList(actors);
  if (first !== undefined) return actorId(first);
  throw new ActorError("actor", "not_found", `there is no actor ${name} with key ${storageKey(key)}`);
}

/** Creates an actor and returns its id. @throws TypeError for unknown options; ActorError `actor.duplicate_key` */
export async function create(
  transport: Transport,
  name: string,
  key: readonly string[],
  options: CreateOptions<unknown>,
): Promise<string> {
  checkOptions(options, CREATE_OPTIONS);
  const { input, region, poolName: pool = transport.config.poolName, signal } = options;
  return make(transport, "POST", name, key, { input, region, pool }, signal);
}

/** Creates an actor, or with `PUT` finds the one that has the key, and returns its id. */
async function make(
  transport: Transport,
  method: "POST" | "PUT",
  name: string,
  key: readonly string[],
  options: { readonly input: unknown; readonly region: string | undefined; readonly pool: string },
  signal: AbortSignal | undefined,
): Promise<string> {
  const input = options.input === undefined ? undefined : await encodeInput(options.input);
  const body = {
    name,
    key: storageKey(key),
    runner_name_selector: options.pool,
    crash_policy: "sleep",
    datacenter: options.region,
    input: input === undefined ? undefined : toBase64(input),
  };
  return actorId((await manage(transport, method, "", {}, body, signal)).actor);
}

/** One page of the actors of a name. */
export async function list(transport: Transport, name: string, options: ListOptions): Promise<ActorListing> {
  checkOptions(options, LIST_OPTIONS);
  const { keyPrefix, limit, cursor, signal } = options;
  const query = {
    name,
    key_prefix: keyPrefix === undefined ? undefined : storageKey(keyParts(keyPrefix)),
    limit,
    cursor,
  };
  const { actors, pagination } = await manage(transport, "GET", "", query, undefined, signal);
  return {
    actors: asList(actors).map((record) => {
      const { key, create_ts: createdAt } = record as { key?: unknown; create_ts?: unknown };
      return {
        actorId: actorId(record),
        name,
        key: typeof key === "string" ? partsOfKey(key) : [],
        createdAt: typeof createdAt === "number" ? createdAt : undefined,
      };
    }),
    cursor: nextCursor(pagination),
  };
}

/** Ends the actor's present instance. */
export async function reload(transport: Transport, target: Target, signal?: AbortSignal): Promise<void> {
  const id = await resolve(transport, target, signal);
  await manage(transport, "POST", `/${encodeURIComponent(id)}/sleep`, {}, {}, signal);
}

/** Sends a request and returns its answer, a JSON object. */
async function manage(
  transport: Transport,
  method: string,
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
  body: object | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly actors?: unknown; readonly actor?: unknown; readonly pagination?: unknown }> {
  const { config, metadata } = transport;
  const { url, namespace, token } = await metadata.locate(signal);
  const headers: Record<string, string> = { ...config.headers };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  let text: Uint8Array;
  try {
    text = await transport.request(`${url}/actors${path}?${queryOf({ ...query, namespace })}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (error) {
    throw error instanceof ActorClientError ? new ManagerError(error) : error;
  }
  return asObject(text);
}

function asObject(bytes: Uint8Array): object {
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new MalformedResponseMessage("malformed_response", `the answer is not JSON: ${describe(cause)}`, {
      cause,
    });
  }
  if (typeof answer === "object" && answer !== null) return answer;
  throw new MalformedResponseMessage("malformed_response", "the answer is not a JSON object");
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function actorId(record: unknown): string {
  const { actor_id: id } = (record ?? {}) as { actor_id?: unknown };
  if (typeof id === "string") return id;
  throw new MalformedResponseMessage("malformed_response", "the answer has no actor_id");
}

function nextCursor(pagination: unknown): string | undefined {
  const { cursor } = (pagination ?? {}) as { cursor?: unknown };
  return typeof cursor === "string" ? cursor : undefined;
}

/** The parts of a key in storage form, the reverse of `storageKey`. */
function partsOfKey(key: string): readonly string[] {
  if (key === "/") return [];
  // A part is any run of escaped characters and others that are not `/`.
  const parts = key.match(/(?:\\.|[^\\/])+/gs) ?? [];
  return parts.map((part) => (part === "\\0" ? "" : part.replace(/\\(.)/gs, "$1")));
}
