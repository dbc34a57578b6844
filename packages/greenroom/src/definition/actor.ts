import { ByteWriter, encodeValue } from "@greenroom/client/codec";
import { type ActionEntry, type CallableActions, flattenActions } from "./action.js";
import type { ActorConfig, ActorDefinition, CheckedActorConfig } from "./config.js";
import { DurabilityCode } from "./durability.js";
import type { EventArgsMap, EventDefinition, EventMap, EventSentMap } from "./event.js";
import { flattenInputSchemas, type InputSchema } from "./input-schemas.js";
import { compileMigrations, type Migrations } from "./migration.js";
import { type ResolvedOptions, resolveOptions } from "./options.js";
import type { QueueDefinition, QueueMap, QueueTypesMap } from "./queue.js";
import { isSchema } from "./standard-schema.js";

/** A user's function, as the host calls it. */
export type Hook = (...args: unknown[]) => unknown;

/** A definition as the host runs it: checked, with names resolved and defaults filled in. */
export interface CompiledActor {
  readonly actions: ReadonlyMap<string, ActionEntry>;
  readonly events: ReadonlyMap<string, EventDefinition> | undefined;
  readonly queues: ReadonlyMap<string, QueueDefinition>;
  readonly options: ResolvedOptions;
  /** Whether its actions differ in durability. */
  readonly hasMixedDurability: boolean;
  /** Whether everything that it changes is ephemeral. */
  readonly isUnstored: boolean;
  /** Whether it does anything about connections that a stateless call has to go through, too. */
  readonly decidesConnections: boolean;
  /** Whether its hooks can ask for the requests of its callers. */
  readonly wantsRequest: boolean;
  /** Where a value comes from; absent if the actor has none. */
  readonly state: Source | undefined;
  readonly migrations: Migrations;
  readonly vars: Source | undefined;
  readonly connState: Source | undefined;
  /** Check what callers pass, before anything else looks at it. */
  readonly connParamsSchema: InputSchema | undefined;
  readonly inputSchema: InputSchema | undefined;
  readonly onMigrate: Hook | undefined;
  readonly run: Hook | undefined;
  readonly onCreate: Hook | undefined;
  readonly onWake: Hook | undefined;
  readonly onSleep: Hook | undefined;
  readonly onDestroy: Hook | undefined;
  readonly onStateChange: Hook | undefined;
  readonly onBeforeConnect: Hook | undefined;
  readonly onConnect: Hook | undefined;
  readonly onDisconnect: Hook | undefined;
  readonly onBeforeActionResponse: Hook | undefined;
  readonly onRequest: Hook | undefined;
  readonly onWebSocket: Hook | undefined;
}

/** A constant that is copied, or a function that makes a value. */
export type Source = { readonly constant: unknown } | { readonly create: Hook };

const HOOKS = [
  "onMigrate",
  "onCreate",
  "onWake",
  "onSleep",
  "onDestroy",
  "onStateChange",
  "onBeforeConnect",
  "onConnect",
  "onDisconnect",
  "onBeforeActionResponse",
  "onRequest",
  "onWebSocket",
] as const;

const SOURCES = [
  ["state", "createState"],
  ["vars", "createVars"],
  ["connState", "createConnState"],
] as const;

const KNOWN: ReadonlySet<string> = new Set([
  ...HOOKS,
  ...SOURCES.flat(),
  "actionInputSchemas",
  "actions",
  "connParamsSchema",
  "events",
  "inputSchema",
  "migrateState",
  "options",
  "run",
  "stateVersion",
  "queues",
  "types",
]);

/** Keys that mean something in later versions: ignoring them would be worse than refusing them. */
const LATER: ReadonlySet<string> = new Set(["db", "inspector", "schedule"]);

const compiled = new WeakMap<object, CompiledActor>();

/**
 * Defines an actor type whose actions have schemas for their arguments.
 *
 * @throws Error naming the key that is unknown, doubled or has a wrong value.
 */
export function actor<
  State = undefined,
  Params = unknown,
  ConnState = undefined,
  Vars = undefined,
  Input = unknown,
  Events extends EventMap | undefined = undefined,
  Actions = Record<never, never>,
  ActionNames extends string = never,
  ClientParams = Params,
  ClientInput = Input,
  Schemas = undefined,
  Version extends number = never,
  Steps extends number | string = never,
  Queues extends QueueMap | undefined = undefined,
>(
  config: CheckedActorConfig<
    State,
    Params,
    ConnState,
    Vars,
    Input,
    Events,
    Actions,
    ActionNames,
    ClientParams,
    ClientInput,
    Schemas,
    Version,
    Steps,
    Queues
  >,
): ActorDefinition<
  State,
  Params,
  ConnState,
  Vars,
  Input,
  EventArgsMap<Events>,
  CallableActions<Actions, Schemas>,
  ClientParams,
  ClientInput,
  QueueTypesMap<Queues>,
  EventSentMap<Events>
>;
/**
 * Defines an actor type.
 *
 * @throws Error naming the key that is unknown, doubled or has a wrong value.
 */
export function actor<
  State = undefined,
  Params = unknown,
  ConnState = undefined,
  Vars = undefined,
  Input = unknown,
  Events extends EventMap | undefined = undefined,
  Actions = Record<never, never>,
  ActionNames extends string = never,
  ClientParams = Params,
  ClientInput = Input,
  Version extends number = never,
  Steps extends number | string = never,
  Queues extends QueueMap | undefined = undefined,
>(
  config: ActorConfig<
    State,
    Params,
    ConnState,
    Vars,
    Input,
    Events,
    Actions,
    ActionNames,
    ClientParams,
    ClientInput,
    Version,
    Steps,
    Queues
  >,
): ActorDefinition<
  State,
  Params,
  ConnState,
  Vars,
  Input,
  EventArgsMap<Events>,
  CallableActions<Actions>,
  ClientParams,
  ClientInput,
  QueueTypesMap<Queues>,
  EventSentMap<Events>
>;
export function actor(config: object): object {
  const definition = Object.freeze({});
  try {
    compiled.set(definition, compile(config as { readonly [key: string]: unknown }));
  } catch (error) {
    // The line to mend is the caller's.
    if (error instanceof Error) Error.captureStackTrace?.(error, actor);
    throw error;
  }
  return definition;
}

/** The host's view of a definition; undefined for anything that `actor(...)` did not make. */
export function compiledActor(definition: unknown): CompiledActor | undefined {
  return typeof definition === "object" && definition !== null ? compiled.get(definition) : undefined;
}

function compile(config: { readonly [key: string]: unknown }): CompiledActor {
  if (typeof config !== "object" || config === null)
    throw new Error("actor(config): 'config' has to be an object");
  for (const key of Object.keys(config)) {
    if (key === "onAuth")
      throw new Error("actor key 'onAuth' is an option of the registry: setup({ onAuth })");
    if (LATER.has(key)) throw new Error(`actor key '${key}' is not supported in this version`);
    if (!KNOWN.has(key)) throw new Error(`unknown actor key '${key}'`);
  }
  const hooks: { [Name in (typeof HOOKS)[number]]?: Hook } = {};
  for (const name of HOOKS) hooks[name] = functionAt(config, name);
  const sources: { [Name in (typeof SOURCES)[number][0]]?: Source | undefined } = {};
  for (const [name, create] of SOURCES) sources[name] = source(config, name, create);
  objectAt(config, "types");
  const options = resolveOptions(objectAt(config, "options") ?? {});
  const actions = checked(
    flattenActions(objectAt(config, "actions") ?? {}, options),
    objectAt(config, "actionInputSchemas"),
  );
  const durabilities = new Set([
    options.durability,
    ...[...actions.values()].map((entry) => entry.durability),
  ]);
  return {
    actions,
    events: events(objectAt(config, "events")),
    queues: queues(objectAt(config, "queues") ?? {}),
    options,
    hasMixedDurability: durabilities.size > 1,
    isUnstored: durabilities.size === 1 && options.durability === DurabilityCode.ephemeral,
    decidesConnections:
      hooks.onBeforeConnect !== undefined ||
      hooks.onConnect !== undefined ||
      hooks.onDisconnect !== undefined ||
      (sources.connState !== undefined && "create" in sources.connState),
    wantsRequest:
      hooks.onBeforeConnect !== undefined ||
      (sources.connState !== undefined && "create" in sources.connState),
    state: sources.state,
    migrations: compileMigrations(config.stateVersion, config.migrateState, sources.state !== undefined),
    vars: sources.vars,
    connState: sources.connState,
    connParamsSchema: schemaAt(config, "connParamsSchema"),
    inputSchema: schemaAt(config, "inputSchema"),
    onMigrate: hooks.onMigrate,
    run: runHook(config.run),
    onCreate: hooks.onCreate,
    onWake: hooks.onWake,
    onSleep: hooks.onSleep,
    onDestroy: hooks.onDestroy,
    onStateChange: hooks.onStateChange,
    onBeforeConnect: hooks.onBeforeConnect,
    onConnect: hooks.onConnect,
    onDisconnect: hooks.onDisconnect,
    onBeforeActionResponse: hooks.onBeforeActionResponse,
    onRequest: hooks.onRequest,
    onWebSocket: hooks.onWebSocket,
  };
}

/** The actions with the schemas of their arguments. */
function checked(
  actions: ReadonlyMap<string, ActionEntry>,
  tree: object | undefined,
): ReadonlyMap<string, ActionEntry> {
  if (tree === undefined) return actions;
  const schemas = flattenInputSchemas(tree, new Set(actions.keys()));
  return new Map([...actions].map(([name, entry]) => [name, { ...entry, input: schemas.get(name) }]));
}

function schemaAt(config: { readonly [key: string]: unknown }, key: string): InputSchema | undefined {
  const value = config[key];
  if (value === undefined || isSchema(value)) return value;
  throw new Error(`actor key '${key}' has to be a Standard Schema, as zod, valibot and others make them`);
}

function functionAt(config: { readonly [key: string]: unknown }, key: string): Hook | undefined {
  const value = config[key];
  if (value === undefined || typeof value === "function") return value as Hook | undefined;
  throw new Error(`actor key '${key}' has to be a function`);
}

/** The function of `run`, given alone or with hints for tools. */
function runHook(value: unknown): Hook | undefined {
  if (value === undefined || typeof value === "function") return value as Hook | undefined;
  if (typeof value !== "object" || value === null) {
    throw new Error("actor key 'run' has to be a function, or an object with a function 'run'");
  }
  for (const key of Object.keys(value)) {
    if (key !== "run" && key !== "name" && key !== "icon") throw new Error(`unknown key '${key}' in 'run'`);
  }
  const { name, icon, run } = value as { name?: unknown; icon?: unknown; run?: unknown };
  for (const [key, hint] of Object.entries({ name, icon })) {
    if (hint !== undefined && typeof hint !== "string") throw new Error(`'run.${key}' has to be a string`);
  }
  if (typeof run !== "function") throw new Error("'run.run' has to be a function");
  return run as Hook;
}

function objectAt(config: { readonly [key: string]: unknown }, key: string): object | undefined {
  const value = config[key];
  if (value === undefined || (typeof value === "object" && value !== null)) return value;
  throw new Error(`actor key '${key}' has to be an object`);
}

function source(
  config: { readonly [key: string]: unknown },
  name: string,
  create: string,
): Source | undefined {
  const make = functionAt(config, create);
  const constant = config[name];
  if (constant === undefined) return make === undefined ? undefined : { create: make };
  if (typeof constant === "function") throw new Error(`'${name}' is a function: use '${create}'`);
  if (make !== undefined) throw new Error(`Cannot define both '${name}' and '${create}'`);
  // Fails here rather than at the first start of an actor.
  if (name === "vars") structuredClone(constant);
  else encodeValue(new ByteWriter(), constant, "state", name);
  return { constant };
}

function events(map: object | undefined): ReadonlyMap<string, EventDefinition> | undefined {
  if (map === undefined) return undefined;
  const entries = Object.entries(map as EventMap);
  for (const [name, definition] of entries) {
    if (typeof definition !== "object" || definition === null) {
      throw new Error(`event '${name}' has to be declared with event()`);
    }
  }
  return new Map(entries);
}

const NO_QUEUES: ReadonlyMap<string, QueueDefinition> = new Map();

function queues(map: object): ReadonlyMap<string, QueueDefinition> {
  const entries = Object.entries(map as QueueMap);
  if (entries.length === 0) return NO_QUEUES;
  for (const [name, definition] of entries) {
    if (typeof definition !== "object" || definition === null) {
      throw new Error(`queue '${name}' has to be declared with queue()`);
    }
    if (name === "") throw new Error("a queue has an empty name");
  }
  return new Map(entries);
}
