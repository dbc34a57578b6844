/** A registry that runs: the native core, the host of its actors, and the client that actors call others with. */
import type { Client } from "@greenroom/client";
import type { RegistryLike } from "@greenroom/client/types";
import { NativeRegistry, type StartedInfo } from "@greenroom/native";
import type { CompiledActor } from "../definition/actor.js";
import { Host, type HostServices } from "../host/host.js";
import { inProcessClient, trustedFetch } from "../in-process/fetcher.js";
import type { RequestHead } from "../in-process/requests.js";
import { createLogger, type LogLevel, standardError } from "../log.js";
import { VERSION } from "../version.js";
import type { ResolvedRegistry } from "./config.js";

/** Time that an actor may take to start, in milliseconds. */
const START_TIMEOUT = 30_000;

/** See the top of the file. */
export class RegistryServer {
  /** Where it listens; undefined if it is reached from within this process only. */
  readonly info: StartedInfo | undefined;
  readonly #native: NativeRegistry;
  readonly #host: Host;
  #client: Client<RegistryLike> | undefined;

  private constructor(native: NativeRegistry, host: Host, info: StartedInfo | undefined) {
    this.#native = native;
    this.#host = host;
    this.info = info;
  }

  /** Opens the store, binds the port and serves. @throws Error saying why that is not possible, with a `code`. */
  static async start(registry: ResolvedRegistry): Promise<RegistryServer> {
    const services: HostServices = {
      actors: registry.actors,
      logLevel: registry.logLevel,
      logSink: standardError,
      log: createLogger(registry.logLevel, {}, standardError),
      exposeErrors: registry.exposeErrors,
      namespace: "default",
      region: registry.region,
    };
    const native = new NativeRegistry(nativeConfig(registry));
    const host = new Host(native, services);
    const info = await native.start(host.wake);
    return new RegistryServer(native, host, info ?? undefined);
  }

  /** Answers a request from outside. */
  answer(head: RequestHead): Promise<Response> {
    return this.#host.requests.send(head);
  }

  /** A client for this process, which is not asked for credentials. */
  get client(): Client<RegistryLike> {
    const { requests, services } = this.#host;
    this.#client ??= inProcessClient(services.namespace, trustedFetch(requests));
    return this.#client;
  }

  /** Puts all actors to sleep and closes everything; afterwards nothing keeps the process alive. */
  async stop(): Promise<void> {
    try {
      await this.#native.shutdown();
    } finally {
      this.#host.close();
      await this.#client?.dispose();
    }
  }
}

function nativeConfig(registry: ResolvedRegistry): string {
  const actors = [...registry.actors].map(([name, definition]) => ({
    name,
    options: nativeOptions(definition),
  }));
  return JSON.stringify({
    version: VERSION,
    dataDir: registry.dataDir,
    host: registry.host,
    port: registry.port,
    logLevel: nativeLevel(registry.logLevel),
    maxIncomingMessageSize: registry.maxIncomingMessageSize,
    maxOutgoingMessageSize: registry.maxOutgoingMessageSize,
    maxRequestBodySize: registry.maxRequestBodySize,
    staticDir: registry.staticDir ?? null,
    token: registry.token ?? null,
    development: registry.isDevelopment,
    actors,
  });
}

function nativeOptions({ options, wantsRequest, events }: CompiledActor): object {
  return {
    sleepTimeout: options.sleepTimeout ?? null,
    sleepGracePeriod: options.sleepGracePeriod,
    stateSaveInterval: options.stateSaveInterval,
    startTimeout: START_TIMEOUT,
    maxKvSize: options.maxKvSize,
    wantsRequest,
    guardedEvents: [...(events ?? [])].filter(([, { canSubscribe }]) => canSubscribe).map(([name]) => name),
  };
}

/** The core's name for a level. */
function nativeLevel(level: LogLevel): string {
  if (level === "silent") return "off";
  return level === "fatal" ? "error" : level;
}
