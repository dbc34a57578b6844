/** What `setup(...)` takes, and the settings that come out of it and the environment. */
import { resolve } from "node:path";
import type { ActorDefinitionLike } from "@greenroom/client/types";
import { type CompiledActor, compiledActor } from "../definition/actor.js";
import { type LogLevel, parseLogLevel } from "../log.js";

/** The actor types of a registry by name. */
export interface ActorDefinitions {
  readonly [name: string]: ActorDefinitionLike;
}

/** Settings of a registry. Options win over the environment. */
export interface RegistryConfig<Actors extends ActorDefinitions> {
  /** The actor types by name. */
  readonly use: Actors;
  /** The port to listen on, 0 for any that is free. Default `GREENROOM_PORT`, then 6420. */
  readonly port?: number;
  /** The address to listen on. Default `GREENROOM_HOST`, then `127.0.0.1`. */
  readonly host?: string;
  /**
   * The name of the region that this server is in: what `c.region` says. A server has one, and makes actors there
   * whatever region a client asks for. Default `GREENROOM_REGION`, then `default`.
   */
  readonly region?: string;
  /** Where everything durable is kept. Default `GREENROOM_DATA_DIR`, then `./.greenroom`. */
  readonly dataDir?: string;
  /** Largest message that a client may send, in bytes. Default 65,536. */
  readonly maxIncomingMessageSize?: number;
  /** Largest reply or event that an actor may send, in bytes. Default 1,048,576. */
  readonly maxOutgoingMessageSize?: number;
  /** Largest body of a request to `onRequest`, in bytes. Responses have no limit. Default 20,971,520. */
  readonly maxRequestBodySize?: number;
  readonly logging?: {
    /** Default `GREENROOM_LOG_LEVEL`, `RIVET_LOG_LEVEL`, then `warn`. */
    readonly level?: LogLevel;
  };
  /**
   * What the management API takes as `Authorization: Bearer <token>`: listing, destroying and putting to sleep
   * whatever actors there are. Default `GREENROOM_TOKEN`, `RIVET_TOKEN`, then none; without one it works only on a
   * loopback address, and only if `NODE_ENV` is not `production`.
   */
  readonly token?: string;
  /** Print nothing when started. Default false. */
  readonly noWelcome?: boolean;
  /** A folder whose files are served, too. */
  readonly staticDir?: string;
  readonly shutdown?: {
    /** Leave SIGINT and SIGTERM alone. By default they shut the registry down and then exit. */
    readonly disableSignalHandlers?: boolean;
    /** After a signal, exit with status 1 if the shutdown takes longer, in milliseconds. Default 30,000. */
    readonly gracePeriodMs?: number;
  };
}

/** A registry's settings with all defaults filled in. */
export interface ResolvedRegistry {
  readonly actors: ReadonlyMap<string, CompiledActor>;
  readonly port: number;
  readonly host: string;
  readonly region: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly maxIncomingMessageSize: number;
  readonly maxOutgoingMessageSize: number;
  readonly maxRequestBodySize: number;
  readonly logLevel: LogLevel;
  readonly token: string | undefined;
  /** Whether this is somebody's own machine rather than production. */
  readonly isDevelopment: boolean;
  readonly welcome: boolean;
  /** Absolute. */
  readonly staticDir: string | undefined;
  readonly handleSignals: boolean;
  readonly gracePeriodMs: number;
  /** Show callers the messages of internal errors instead of masking them. */
  readonly exposeErrors: boolean;
}

/** Environment variables, as `process.env` has them. */
export interface Environment {
  readonly [name: string]: string | undefined;
}

const KNOWN: ReadonlySet<string> = new Set([
  "use",
  "port",
  "host",
  "dataDir",
  "region",
  "maxIncomingMessageSize",
  "maxOutgoingMessageSize",
  "token",
  "maxRequestBodySize",
  "logging",
  "noWelcome",
  "staticDir",
  "shutdown",
]);

type SizeOption = "maxIncomingMessageSize" | "maxOutgoingMessageSize" | "maxRequestBodySize";

/** The longest name of an actor type, in characters. */
const MAX_NAME = 64;

/** Checks what `setup(...)` was given. @throws Error naming what is wrong. */
export function checkRegistryConfig(
  config: RegistryConfig<ActorDefinitions>,
): ReadonlyMap<string, CompiledActor> {
  for (const key of Object.keys(config)) {
    if (!KNOWN.has(key))
      throw new Error(`setup option '${key}' is unknown, or not supported in this version`);
  }
  const { use } = config;
  if (typeof use !== "object" || use === null)
    throw new Error("setup option 'use' has to be an object of actors");
  const actors = new Map<string, CompiledActor>();
  for (const [name, definition] of Object.entries(use)) {
    if (name === "" || [...name].length > MAX_NAME) {
      throw new Error(`the actor name '${name}' has to have 1 to ${MAX_NAME} characters`);
    }
    const compiled = compiledActor(definition);
    if (compiled === undefined) throw new Error(`'${name}' in setup option 'use' was not made by actor(...)`);
    actors.set(name, compiled);
  }
  return actors;
}

/** Fills in defaults. @throws Error naming the option or variable that has a wrong value. */
export function resolveRegistry(
  config: RegistryConfig<ActorDefinitions>,
  actors: ReadonlyMap<string, CompiledActor>,
  env: Environment,
): ResolvedRegistry {
  const size = (name: SizeOption, fallback: number): number =>
    wholeNumber(config[name] ?? fallback, `setup option '${name}'`, 1, 0xffff_ffff);
  return {
    actors,
    port: wholeNumber(
      config.port ?? portFrom(env),
      config.port === undefined ? "GREENROOM_PORT" : "setup option 'port'",
      0,
      65_535,
      config.port ?? env.GREENROOM_PORT,
    ),
    host: config.host ?? nonEmpty(env.GREENROOM_HOST) ?? "127.0.0.1",
    region: region(config, env),
    dataDir: resolve(config.dataDir ?? nonEmpty(env.GREENROOM_DATA_DIR) ?? ".greenroom"),
    maxIncomingMessageSize: size("maxIncomingMessageSize", 65_536),
    maxOutgoingMessageSize: size("maxOutgoingMessageSize", 1_048_576),
    maxRequestBodySize: size("maxRequestBodySize", 20_971_520),
    logLevel: logLevel(config, env),
    token: token(config, env),
    isDevelopment: env.NODE_ENV !== "production",
    welcome: config.noWelcome !== true,
    staticDir: config.staticDir === undefined ? undefined : resolve(config.staticDir),
    handleSignals: config.shutdown?.disableSignalHandlers !== true,
    gracePeriodMs: wholeNumber(
      config.shutdown?.gracePeriodMs ?? 30_000,
      "setup option 'shutdown.gracePeriodMs'",
      0,
      0x7fff_ffff,
    ),
    exposeErrors: env.GREENROOM_EXPOSE_ERRORS === "1" || env.RIVET_EXPOSE_ERRORS === "1",
  };
}

function portFrom(env: Environment): number {
  const text = nonEmpty(env.GREENROOM_PORT);
  return text === undefined ? 6420 : Number(text);
}

function region(config: RegistryConfig<ActorDefinitions>, env: Environment): string {
  const name: unknown = config.region ?? nonEmpty(env.GREENROOM_REGION) ?? "default";
  if (typeof name === "string" && /^[\w.-]{1,64}$/.test(name)) return name;
  const what = config.region === undefined ? "GREENROOM_REGION" : "setup option 'region'";
  throw new Error(`${what} has to be a text of 1 to 64 letters, digits, dots, hyphens and underscores`);
}

function token(config: RegistryConfig<ActorDefinitions>, env: Environment): string | undefined {
  const sources = [
    ["setup option 'token'", config.token],
    ["GREENROOM_TOKEN", nonEmpty(env.GREENROOM_TOKEN)],
    ["RIVET_TOKEN", nonEmpty(env.RIVET_TOKEN)],
  ] as const;
  for (const [source, value] of sources) {
    if (value === undefined) continue;
    if (typeof value === "string" && /^[\x21-\x7e]+$/.test(value)) return value;
    // What it is stays out of the error: it may be the real one with something wrong about it.
    throw new Error(`${source} has to be a text of printable ASCII characters without spaces`);
  }
  return undefined;
}

function logLevel(config: RegistryConfig<ActorDefinitions>, env: Environment): LogLevel {
  if (config.logging?.level !== undefined)
    return parseLogLevel(config.logging.level, "setup option 'logging.level'");
  for (const name of ["GREENROOM_LOG_LEVEL", "RIVET_LOG_LEVEL"]) {
    const value = nonEmpty(env[name]);
    if (value !== undefined) return parseLogLevel(value.toLowerCase(), name);
  }
  return "warn";
}

function wholeNumber(value: number, what: string, min: number, max: number, given: unknown = value): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`${what} has to be a whole number from ${min} to ${max}, and is \`${String(given)}\``);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
