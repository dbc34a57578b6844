/** A registry that runs: the native core, the host of its actors, and the client that actors call others with. */
import { type Client, createClient } from "@greenroom/client";
import type { RegistryLike } from "@greenroom/client/types";
import { NativeRegistry, type StartedInfo } from "@greenroom/native";
import type { CompiledActor } from "../definition/actor.js";
import { Host, type HostServices } from "../host/host.js";
import { createLogger, type LogLevel, standardError } from "../log.js";
import { VERSION } from "../version.js";
import type { ResolvedRegistry } from "./config.js";

/** Time that an actor may take to start, in milliseconds. */
const START_TIMEOUT = 30_000;

/** See the top of the file. */
export class RegistryServer {
  readonly info: StartedInfo;
  readonly #native: NativeRegistry;
  readonly #host: Host;
  readonly #dispose: () => Promise<void>;

  private constructor(native: NativeRegistry, host: Host, info: StartedInfo, dispose: () => Promise<void>) {
    this.#native = native;
    this.#host = host;
    this.info = info;
    this.#dispose = dispose;
  }

  /** Opens the store, binds the port and serves. @throws Error saying why that is not possible, with a `code`. */
  static async start(registry: ResolvedRegistry): Promise<RegistryServer> {
    let client: Client<RegistryLike> | undefined;
    let info: StartedInfo | undefined;
    const services: HostServices = {
      actors: registry.actors,
      logLevel: registry.logLevel,
      logSink: standardError,
      log: createLogger(registry.logLevel, {}, standardError),
      exposeErrors: registry.exposeErrors,
      client: () => {
        if (info === undefined) throw new Error("actors cannot call others before the registry has started");
        client ??= createClient({ endpoint: loopback(info), disableMetadataLookup: true });
        return client;
      },
    };
    const native = new NativeRegistry(nativeConfig(registry));
    const host = new Host(native, services);
    // Calls can come in before the address is known here, and their actors may want to call others.
    let hasEvents = false;
    const bound = await native.start(() => {
      if (info === undefined) hasEvents = true;
      else host.wake();
    });
    if (bound === null) throw new Error("the native core listens nowhere");
    info = bound;
    if (hasEvents) host.wake();
    return new RegistryServer(native, host, info, async () => client?.dispose());
  }

  /** Puts all actors to sleep and closes everything; afterwards nothing keeps the process alive. */
  async stop(): Promise<void> {
    try {
      await this.#native.shutdown();
    } finally {
      this.#host.close();
      await this.#dispose();
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
    staticDir: registry.staticDir ?? null,
    token: registry.token ?? null,
    development: registry.isDevelopment,
    actors,
  });
}

function nativeOptions({ options, wantsRequest }: CompiledActor): object {
  return {
    sleepTimeout: options.sleepTimeout ?? null,
    sleepGracePeriod: options.sleepGracePeriod,
    stateSaveInterval: options.stateSaveInterval,
    startTimeout: START_TIMEOUT,
    maxKvSize: options.maxKvSize,
    wantsRequest,
  };
}

/** The core's name for a level. */
function nativeLevel(level: LogLevel): string {
  if (level === "silent") return "off";
  return level === "fatal" ? "error" : level;
}

/** Where this process reaches its own server, whatever address it listens on. */
function loopback({ host, port }: StartedInfo): string {
  if (host === "0.0.0.0") return `http://127.0.0.1:${port}`;
  if (host === "::") return `http://[::1]:${port}`;
  return host.includes(":") ? `http://[${host}]:${port}` : `http://${host}:${port}`;
}
