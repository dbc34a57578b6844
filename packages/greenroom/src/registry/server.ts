/** A registry that runs: the native core, the host of its actors, and the client that actors call others with. */
import { type NativeMemory, NativeRegistry, type StartedInfo, version } from "@greenroom/native";
import type { CompiledActor } from "../definition/actor.js";
import { Host, type HostServices } from "../host/host.js";
import { letGoOfStrays, lookAfterStrays } from "../host/strays.js";
import { type RequestHead, trustedFetch } from "../in-process/fetcher.js";
import type { Listener, Pipe } from "../in-process/pipe.js";
import { type Logger, type LogLevel, makeLogger } from "../log.js";
import type { VirtualClock } from "../test/virtual-clock.js";
import { VERSION } from "../version.js";
import type { ResolvedRegistry, ResolvedWatch } from "./config.js";

/** Time that an actor may take to start, in milliseconds; `onMigrate` has its own on top. */
const START_TIMEOUT = 30_000;

/** What stands in for disk and time in a test. */
export interface Testing {
  readonly memory: NativeMemory;
  readonly clock: VirtualClock;
}

/** See the top of the file. */
export class RegistryServer {
  /** Where it listens; undefined if it is reached from within this process only. */
  readonly info: StartedInfo | undefined;
  /** `fetch` for this process, which is not asked for credentials. */
  readonly fetch: typeof globalThis.fetch;
  readonly #native: NativeRegistry;
  readonly #host: Host;
  /** Whether errors that nobody handles are looked after for this. */
  #isWatched = true;

  private constructor(native: NativeRegistry, host: Host, info: StartedInfo | undefined) {
    this.#native = native;
    this.#host = host;
    this.info = info;
    this.fetch = trustedFetch(host.requests);
  }

  /** Opens the store, binds the port and serves. @throws Error saying why that is not possible, with a `code`. */
  static async start(registry: ResolvedRegistry, testing?: Testing): Promise<RegistryServer> {
    const logger = (bound: object): Logger => makeLogger(registry.log, bound);
    const services: HostServices = {
      actors: registry.actors,
      logger,
      log: logger({}),
      exposeErrors: registry.exposeErrors,
      region: registry.region,
      namespace: registry.namespace,
      onAuth: registry.onAuth,
      onAuthTimeout: registry.onAuthTimeout,
    };
    if (registry.ignored.length > 0) {
      services.log.warn("options of setup have no effect here", { options: registry.ignored.join(", ") });
    }
    checkVersion(version());
    const native = new NativeRegistry(nativeConfig(registry), testing?.memory);
    const host = new Host(native, testing === undefined ? services : { ...services, clock: testing.clock });
    testing?.clock.attach(native, host);
    lookAfterStrays(host);
    try {
      const info = await native.start(host.wake);
      return new RegistryServer(native, host, info ?? undefined);
    } catch (error) {
      letGoOfStrays(host);
      throw error;
    }
  }

  /** Where it listens. @throws Error if it listens nowhere */
  get address(): StartedInfo {
    if (this.info === undefined) throw new Error("the registry listens nowhere");
    return this.info;
  }

  /** Makes a request of the server. */
  send(head: RequestHead): Promise<Response> {
    return this.#host.requests.send(head);
  }

  /**
   * Hands a connection over to the server.
   *
   * @param address Where it comes from, if that is known.
   * @throws ActorError if the server has been shut down.
   */
  connect(address: string | undefined, listener: Listener): Pipe {
    return this.#host.requests.connect(address, listener);
  }

  /** Ends everything at once, as a crash of the process would: no hook runs, and what is not stored is lost. */
  async kill(): Promise<void> {
    this.#host.abandon();
    this.#letGo();
    await this.#native.kill();
  }

  /** Ends an actor's instance as a crash would, if it has one. @throws Error if `actor` is no id */
  crash(actor: string): void {
    this.#native.crash(actor);
  }

  /** Puts all actors to sleep and closes everything; afterwards nothing keeps the process alive. */
  async stop(): Promise<void> {
    this.#host.requests.drain();
    try {
      await this.#native.shutdown();
    } finally {
      this.#host.close();
      this.#letGo();
    }
  }

  #letGo(): void {
    if (!this.#isWatched) return;
    this.#isWatched = false;
    letGoOfStrays(this.#host);
  }
}

/** Packages of different versions would misunderstand each other. @throws Error `native_unusable` */
export function checkVersion(native: string): void {
  if (native === VERSION) return;
  const message = `greenroom ${VERSION} does not fit the native core ${native} of @greenroom/native: install the same version of both`;
  throw Object.assign(new Error(message), { code: "native_unusable" });
}

function nativeConfig(registry: ResolvedRegistry): string {
  const actors = [...registry.actors].map(([name, definition]) => ({
    name,
    display: nativeDisplay(definition),
    options: nativeOptions(definition, registry.watch),
  }));
  return JSON.stringify({
    version: VERSION,
    dataDir: registry.dataDir,
    host: registry.host,
    port: registry.port ?? null,
    namespace: registry.namespace,
    logLevel: nativeLevel(registry.log.level),
    maxIncomingMessageSize: registry.maxIncomingMessageSize,
    maxOutgoingMessageSize: registry.maxOutgoingMessageSize,
    maxRequestBodySize: registry.maxRequestBodySize,
    staticDir: registry.staticDir ?? null,
    token: registry.token ?? null,
    development: registry.isDevelopment,
    allowedHosts: registry.allowedHosts,
    allowedOrigins: registry.allowedOrigins ?? null,
    authTimeout: registry.onAuth === undefined ? null : registry.onAuthTimeout,
    rateLimit: registry.rateLimit ?? null,
    trustedProxies: registry.trustedProxies,
    blockedAfter: registry.watch.blockedAfter ?? null,
    actors,
  });
}

function nativeDisplay({ options: { display } }: CompiledActor): object {
  return { name: display.name ?? null, icon: display.icon ?? null };
}

function nativeOptions(definition: CompiledActor, { actorSize }: ResolvedWatch): object {
  const { options, onMigrate, wantsRequest, events, onDisconnect, onWebSocket } = definition;
  return {
    sleepTimeout: options.sleepTimeout ?? null,
    sleepGracePeriod: options.sleepGracePeriod,
    stateSaveInterval: options.stateSaveInterval,
    startTimeout: START_TIMEOUT + (onMigrate === undefined ? 0 : options.onMigrateTimeout),
    crashPolicy: options.crashPolicy,
    maxKvSize: options.maxKvSize,
    maxConnectionBacklog: options.maxConnectionBacklog,
    resume: options.resume ?? null,
    actionTimeout: options.actionTimeout ?? null,
    weightWarning: actorSize ?? null,
    maxCallRecords: options.maxCallRecords,
    maxCallRecordsSize: options.maxCallRecordsSize,
    callRecordTimeout: options.callRecordTimeout,
    wantsRequest,
    noticesDepartures: onDisconnect !== undefined || onWebSocket !== undefined,
    guardedEvents: [...(events ?? [])].filter(([, { canSubscribe }]) => canSubscribe).map(([name]) => name),
  };
}

/** The core's name for a level. */
function nativeLevel(level: LogLevel): string {
  if (level === "silent") return "off";
  return level === "fatal" ? "error" : level;
}
