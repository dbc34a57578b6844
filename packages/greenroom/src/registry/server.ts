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
import { Team, type TeamServices } from "../workers/team.js";
import type { ResolvedRegistry, ResolvedWatch } from "./config.js";
import type { RunningServer } from "./running.js";

/** Time that an actor may take to start, in milliseconds; `onMigrate` has its own on top. */
const START_TIMEOUT = 30_000;

/** What stands in for disk and time in a test. */
export interface Testing {
  readonly memory: NativeMemory;
  readonly clock: VirtualClock;
}

/** What the other threads that run actors need to know. */
export type Crew = Pick<TeamServices, "origin" | "shutdown">;

/** See the top of the file. */
export class RegistryServer implements RunningServer {
  /** Where it listens; undefined if it is reached from within this process only. */
  readonly info: StartedInfo | undefined;
  readonly fetch: typeof globalThis.fetch;
  readonly #native: NativeRegistry;
  readonly #host: Host;
  /** The other threads that run actors. */
  readonly #team: Team | undefined;
  /** Whether errors that nobody handles are looked after for this. */
  #isWatched = true;

  private constructor(
    native: NativeRegistry,
    host: Host,
    team: Team | undefined,
    info: StartedInfo | undefined,
  ) {
    this.#native = native;
    this.#host = host;
    this.#team = team;
    this.info = info;
    this.fetch = trustedFetch(host.requests);
  }

  /** Opens the store, binds the port and serves. @throws Error saying why that is not possible, with a `code`. */
  static async start(registry: ResolvedRegistry, crew?: Crew): Promise<RegistryServer> {
    return RegistryServer.#start(registry, undefined, crew);
  }

  /** The same for a test. */
  static async test(registry: ResolvedRegistry, testing: Testing): Promise<RegistryServer> {
    return RegistryServer.#start({ ...registry, workers: 1 }, testing, undefined);
  }

  static async #start(
    registry: ResolvedRegistry,
    testing: Testing | undefined,
    crew: Crew | undefined,
  ): Promise<RegistryServer> {
    const services = hostServices(registry);
    const { log } = services;
    if (registry.ignored.length > 0) {
      log.warn("options of setup have no effect here", { options: registry.ignored.join(", ") });
    }
    checkVersion(version());
    const native = new NativeRegistry(nativeConfig(registry), testing?.memory);
    const host = new Host(native, testing === undefined ? services : { ...services, clock: testing.clock });
    testing?.clock.attach(native, host);
    lookAfterStrays(host);
    let team: Team | undefined;
    try {
      // Before anything is served: a program that cannot be loaded on other threads should not seem to run.
      team =
        crew &&
        (await Team.load({
          ...crew,
          count: registry.workers,
          token: native.token,
          actors: [...registry.actors.keys()],
          log,
          lose: (lane) => native.lose(lane),
          vacant: (lane) => native.vacant(lane),
        }));
      const info = await native.start(host.wake);
      team?.begin();
      return new RegistryServer(native, host, team, info ?? undefined);
    } catch (error) {
      letGoOfStrays(host);
      await team?.end();
      throw error;
    }
  }

  get address(): StartedInfo {
    if (this.info === undefined) throw new Error("the registry listens nowhere");
    return this.info;
  }

  send(head: RequestHead): Promise<Response> {
    return this.#host.requests.send(head);
  }

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

  async stop(): Promise<void> {
    this.#host.requests.drain();
    try {
      await this.#native.shutdown();
    } finally {
      this.#host.close();
      this.#letGo();
      await this.#team?.end();
    }
  }

  #letGo(): void {
    if (!this.#isWatched) return;
    this.#isWatched = false;
    letGoOfStrays(this.#host);
  }
}

/** What a host needs of a registry with these settings. */
export function hostServices(registry: ResolvedRegistry): HostServices {
  const logger = (bound: object): Logger => makeLogger(registry.log, bound);
  return {
    actors: registry.actors,
    logger,
    log: logger({}),
    exposeErrors: registry.exposeErrors,
    region: registry.region,
    namespace: registry.namespace,
    onAuth: registry.onAuth,
    onAuthTimeout: registry.onAuthTimeout,
  };
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
    workers: registry.workers,
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
