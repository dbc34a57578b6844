/** What `setup(...)` takes, and the settings that come out of it and the environment. */
import { resolve } from "node:path";
import type { ActorDefinitionLike } from "@greenroom/client/types";
import { type CompiledActor, compiledActor } from "../definition/actor.js";
import { type BaseLogger, checkBaseLogger, type LogLevel, type LogSettings, parseLogLevel } from "../log.js";
import { type WorkersOptions, workerCount } from "../workers/options.js";
import { allowedHosts, allowedOrigins } from "./allowed-sites.js";
import { parseBasePath } from "./base-path.js";
import { type Environment, flagVariable, portVariable, variable, wholeNumber } from "./environment.js";
import { checkForeignOptions, type ForeignOptions } from "./foreign-options.js";
import type { OnAuth } from "./on-auth.js";

/** The actor types of a registry by name. */
export interface ActorDefinitions {
  readonly [name: string]: ActorDefinitionLike;
}

/** Settings of a registry. Options win over the environment. */
export interface RegistryConfig<Actors extends ActorDefinitions> extends ForeignOptions {
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
  /** The same as `port`. */
  readonly httpPort?: number;
  /** The same as `host`. */
  readonly httpHost?: string;
  /**
   * Where `registry.handler` is mounted, for example `/actors`. By default it answers below `/api/greenroom`, below
   * `/api/rivet`, and at the root.
   */
  readonly basePath?: string;
  /** The namespace that clients have to name. Default `GREENROOM_NAMESPACE`, `RIVET_NAMESPACE`, then `default`. */
  readonly namespace?: string;
  /**
   * Where everything durable is kept. Default `GREENROOM_DATA_DIR`, `RIVETKIT_STORAGE_PATH`, then `./.greenroom`.
   */
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
    /** Takes the entries of `c.log` and of the registry, in the manner of pino, instead of standard error. */
    readonly baseLogger?: BaseLogger;
  };
  /**
   * What the management API takes as `Authorization: Bearer <token>`: listing, destroying and putting to sleep
   * whatever actors there are. Default `GREENROOM_TOKEN`, `RIVET_TOKEN`, then none; without one it works only on a
   * loopback address, and only if `NODE_ENV` is not `production`.
   */
  readonly token?: string;
  /**
   * Decides about every request from outside before its actor is located: whoever is refused wakes, creates and reads
   * nothing. A throw refuses: `Unauthorized` (401), `Forbidden` (403), or a `UserError`; anything else is an internal
   * error and refuses as well. What it gives is `c.conn.auth` in the actor. It is not asked about calls between actors
   * and those of the program itself, nor about managing actors with the `token`. Default: everybody is let in.
   */
  readonly onAuth?: OnAuth;
  /** Time that `onAuth` may take, in milliseconds. Default 5,000. */
  readonly onAuthTimeout?: number;
  /**
   * What one address may do to one actor, and to all together, else `guard.rate_limit` (429) until it has waited. Not limited by default;
   * `{}` takes the defaults of its fields.
   */
  readonly rateLimit?: RateLimitOptions;
  /**
   * How many proxies stand in front of the server; `true` for one. That many addresses from the end of
   * `X-Forwarded-For` is where a request comes from. Default none: the header is not believed.
   */
  readonly trustProxy?: boolean | number;
  /**
   * Names under which the server may be reached: `example.com`, `.example.com` with all names below it, `*` for any.
   * In development a server answers requests of its own machine only under `localhost` and IP addresses, so that no
   * name that a stranger has turned to the machine leads to it; names of tunnels and the like have to be given here.
   * Elsewhere any name will do unless some are given. Default `GREENROOM_ALLOWED_HOSTS` (separated by commas), then
   * none.
   */
  readonly allowedHosts?: readonly string[];
  /**
   * Origins whose pages may use the server: `https://example.com`, `https://*.example.com`, `null` (files, sandboxed
   * frames), `*` for any. Pages of the server's own host and of `allowedHosts` may in any case. In development pages of
   * the same machine may as well, and all others have to be given here; elsewhere all may unless some are given.
   * Default `GREENROOM_ALLOWED_ORIGINS` (separated by commas), then nothing.
   */
  readonly allowedOrigins?: readonly string[];
  /**
   * How many threads run actors, so that one process uses several cores: each actor is on one of them. `auto` for one
   * per core. The thread that starts the registry is one; the others load the module that calls `setup`, or
   * `workers.module`. Default `GREENROOM_WORKERS`, then 1.
   */
  readonly workers?: number | "auto" | WorkersOptions;
  /** What is looked after while actors run, and when the log says so. */
  readonly watch?: WatchOptions;
  /** Print nothing when started. Default false. */
  readonly noWelcome?: boolean;
  /** A folder whose files are served, too. Default `GREENROOM_PUBLIC_DIR`, `RIVETKIT_PUBLIC_DIR`, then none. */
  readonly staticDir?: string;
  readonly shutdown?: {
    /** Leave SIGINT and SIGTERM alone. By default they shut the registry down and then exit. */
    readonly disableSignalHandlers?: boolean;
    /** After a signal, exit with status 1 if the shutdown takes longer, in milliseconds. Default 30,000. */
    readonly gracePeriodMs?: number;
  };
}

/** Limits for one address and one actor, and for one address alone. */
export interface RateLimitOptions {
  /**
   * Requests within a minute: calls over HTTP, look-ups, and the opening of connections, but not what is sent over
   * them. They come back evenly, so that a minute's worth can be used at once. Default 1,200.
   */
  readonly requestsPerMinute?: number;
  /** Requests that wait for their answers at once. An open connection is none. Default 32. */
  readonly inFlight?: number;
  /**
   * Actors that an address may create within a minute, whatever they are. Beyond that it still reaches those that
   * exist. Default 600.
   */
  readonly creationsPerMinute?: number;
  /** Connections that an address may have open at once, raw WebSockets and event streams included. Default 1,000. */
  readonly connections?: number;
}

/** When the log warns of actors that are a burden to others. */
export interface WatchOptions {
  /**
   * Time in one piece of code, without an `await` that waits, after which the log names the actor and the action that
   * block all others, in milliseconds, at least 20; false for never. Default 200.
   */
  readonly blockedAfter?: number | false;
  /**
   * What an actor may hold in memory before the log names it, in bytes, and again when that has doubled; false for
   * never. State, key-value pairs and queues count; variables cannot be seen. Default 67,108,864.
   */
  readonly actorSize?: number | false;
}

/** The same with defaults. */
export interface ResolvedWatch {
  readonly blockedAfter: number | undefined;
  readonly actorSize: number | undefined;
}

/** A registry's settings with all defaults filled in. */
export interface ResolvedRegistry {
  readonly actors: ReadonlyMap<string, CompiledActor>;
  /** Undefined: it listens nowhere, and is reached from within the process only. */
  readonly port: number | undefined;
  readonly host: string;
  readonly region: string;
  /** Undefined: the usual ones. */
  readonly basePath: string | undefined;
  readonly namespace: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly maxIncomingMessageSize: number;
  readonly maxOutgoingMessageSize: number;
  readonly maxRequestBodySize: number;
  readonly log: LogSettings;
  readonly token: string | undefined;
  readonly onAuth: OnAuth | undefined;
  readonly onAuthTimeout: number;
  readonly rateLimit: Required<RateLimitOptions> | undefined;
  readonly trustedProxies: number;
  readonly allowedHosts: readonly string[];
  /** Undefined: nothing was said. */
  readonly allowedOrigins: readonly string[] | undefined;
  /** How many threads run actors. */
  readonly workers: number;
  readonly watch: ResolvedWatch;
  /** Whether this is somebody's own machine rather than production. */
  readonly isDevelopment: boolean;
  readonly welcome: boolean;
  /** Absolute. */
  readonly staticDir: string | undefined;
  readonly handleSignals: boolean;
  readonly gracePeriodMs: number;
  /** The options that were given and have no effect. */
  readonly ignored: readonly string[];
  /** Show callers the messages of internal errors instead of masking them. */
  readonly exposeErrors: boolean;
}

const KNOWN: ReadonlySet<string> = new Set([
  "use",
  "port",
  "host",
  "httpPort",
  "httpHost",
  "basePath",
  "namespace",
  "dataDir",
  "region",
  "maxIncomingMessageSize",
  "maxOutgoingMessageSize",
  "token",
  "maxRequestBodySize",
  "onAuth",
  "onAuthTimeout",
  "rateLimit",
  "trustProxy",
  "allowedHosts",
  "allowedOrigins",
  "watch",
  "workers",
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
  checkForeignOptions(config, KNOWN);
  const { use } = config;
  if (typeof use !== "object" || use === null)
    throw new Error("setup option 'use' has to be an object of actors");
  const { onAuth } = config;
  if (onAuth !== undefined && typeof onAuth !== "function")
    throw new Error("setup option 'onAuth' has to be a function");
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
      config.port ?? config.httpPort ?? portVariable(env, "GREENROOM_PORT") ?? 6420,
      "setup option 'port'",
      0,
      65_535,
    ),
    region: region(config, env),
    host: config.host ?? config.httpHost ?? variable(env, "GREENROOM_HOST")?.value ?? "127.0.0.1",
    basePath: basePath(config),
    namespace: namespace(config, env),
    dataDir: resolve(
      config.dataDir ?? variable(env, "GREENROOM_DATA_DIR", "RIVETKIT_STORAGE_PATH")?.value ?? ".greenroom",
    ),
    maxIncomingMessageSize: size("maxIncomingMessageSize", 65_536),
    maxOutgoingMessageSize: size("maxOutgoingMessageSize", 1_048_576),
    maxRequestBodySize: size("maxRequestBodySize", 20_971_520),
    log: logSettings(config, env),
    ignored: checkForeignOptions(config, KNOWN),
    token: token(config, env),
    onAuth: config.onAuth,
    onAuthTimeout: wholeNumber(config.onAuthTimeout ?? 5_000, "setup option 'onAuthTimeout'", 1, 0x7fff_ffff),
    rateLimit: config.rateLimit === undefined ? undefined : rateLimit(config.rateLimit),
    trustedProxies: wholeNumber(
      Number(config.trustProxy ?? 0),
      "setup option 'trustProxy'",
      0,
      100,
      config.trustProxy,
    ),
    allowedHosts: allowedHosts(config.allowedHosts, env) ?? [],
    allowedOrigins: allowedOrigins(config.allowedOrigins, env),
    workers: workerCount(config.workers, env),
    watch: watch(config.watch ?? {}),
    isDevelopment: env.NODE_ENV !== "production",
    welcome: config.noWelcome !== true,
    staticDir: staticDir(config, env),
    handleSignals: config.shutdown?.disableSignalHandlers !== true,
    gracePeriodMs: wholeNumber(
      config.shutdown?.gracePeriodMs ?? 30_000,
      "setup option 'shutdown.gracePeriodMs'",
      0,
      0x7fff_ffff,
    ),
    exposeErrors: flagVariable(env, "GREENROOM_EXPOSE_ERRORS", "RIVET_EXPOSE_ERRORS") ?? false,
  };
}

function rateLimit(options: RateLimitOptions): Required<RateLimitOptions> {
  if (typeof options !== "object" || options === null)
    throw new Error("setup option 'rateLimit' has to be an object");
  const { requestsPerMinute, inFlight, creationsPerMinute, connections, ...unknown } = options;
  for (const name of Object.keys(unknown)) throw new Error(`setup option 'rateLimit.${name}' is unknown`);
  const limit = (name: keyof RateLimitOptions, value: number, most: number): number =>
    wholeNumber(value, `setup option 'rateLimit.${name}'`, 1, most);
  return {
    requestsPerMinute: limit("requestsPerMinute", requestsPerMinute ?? 1_200, 1_000_000_000),
    inFlight: limit("inFlight", inFlight ?? 32, 0x7fff_ffff),
    creationsPerMinute: limit("creationsPerMinute", creationsPerMinute ?? 600, 1_000_000_000),
    connections: limit("connections", connections ?? 1_000, 0x7fff_ffff),
  };
}

function watch(options: WatchOptions): ResolvedWatch {
  if (typeof options !== "object" || options === null)
    throw new Error("setup option 'watch' has to be an object");
  const { blockedAfter = 200, actorSize = 64 * 1024 * 1024, ...unknown } = options;
  for (const name of Object.keys(unknown)) throw new Error(`setup option 'watch.${name}' is unknown`);
  const optional = (value: number | false, name: string, min: number, max: number): number | undefined =>
    value === false ? undefined : wholeNumber(value, `setup option '${name}'`, min, max);
  return {
    blockedAfter: optional(blockedAfter, "watch.blockedAfter", 20, 0x7fff_ffff),
    actorSize: optional(actorSize, "watch.actorSize", 1, Number.MAX_SAFE_INTEGER),
  };
}

function basePath(config: RegistryConfig<ActorDefinitions>): string | undefined {
  if (config.basePath !== undefined) return parseBasePath(config.basePath, "setup option 'basePath'");
  const mounted = config.serverless?.basePath;
  return mounted === undefined ? undefined : parseBasePath(mounted, "setup option 'serverless.basePath'");
}

function namespace(config: RegistryConfig<ActorDefinitions>, env: Environment): string {
  const found = variable(env, "GREENROOM_NAMESPACE", "RIVET_NAMESPACE");
  const value: unknown = config.namespace ?? found?.value ?? "default";
  if (typeof value === "string" && value !== "" && value.length <= MAX_NAME) return value;
  const what = config.namespace === undefined ? found?.name : "setup option 'namespace'";
  throw new Error(`${what} has to have 1 to ${MAX_NAME} characters`);
}

function staticDir(config: RegistryConfig<ActorDefinitions>, env: Environment): string | undefined {
  const folder = config.staticDir ?? variable(env, "GREENROOM_PUBLIC_DIR", "RIVETKIT_PUBLIC_DIR")?.value;
  return folder === undefined ? undefined : resolve(folder);
}

function logSettings(config: RegistryConfig<ActorDefinitions>, env: Environment): LogSettings {
  const base = config.logging?.baseLogger;
  return {
    // A logger of the program's own has a level of its own.
    level: logLevel(config, env) ?? (base === undefined ? "warn" : "trace"),
    hasTimestamp: flagVariable(env, "GREENROOM_LOG_TIMESTAMP", "RIVET_LOG_TIMESTAMP") ?? true,
    base: base === undefined ? undefined : checkBaseLogger(base),
  };
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

function logLevel(config: RegistryConfig<ActorDefinitions>, env: Environment): LogLevel | undefined {
  if (config.logging?.level !== undefined)
    return parseLogLevel(config.logging.level, "setup option 'logging.level'");
  const found = variable(env, "GREENROOM_LOG_LEVEL", "RIVET_LOG_LEVEL");
  return found === undefined ? undefined : parseLogLevel(found.value.toLowerCase(), found.name);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
