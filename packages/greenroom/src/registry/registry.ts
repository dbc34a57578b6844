import type { Client } from "@greenroom/client";
import type { StartedInfo } from "@greenroom/native";
import type { CompiledActor } from "../definition/actor.js";
import { messageOf } from "../host/failure.js";
import { inProcessClient } from "../in-process/fetcher.js";
import { standardError } from "../log.js";
import { isFetchServer } from "../mount/fetch-server.js";
import { Mount } from "../mount/mount.js";
import { hasNoOthers, refuseUpgrade } from "../mount/node-socket.js";
import { type SocketHandlers, socketHandlers } from "../mount/socket-handlers.js";
import { workersOptions } from "../workers/options.js";
import { type Origin, originOfRegistry } from "../workers/origin.js";
import { postOfThread } from "../workers/post.js";
import { Share } from "../workers/share.js";
import {
  type ActorDefinitions,
  checkRegistryConfig,
  type RegistryConfig,
  type ResolvedRegistry,
  resolveRegistry,
} from "./config.js";
import { listenSettings } from "./listen.js";
import type { RunningServer } from "./running.js";
import { RegistryServer } from "./server.js";
import { forgetSignals, type Stoppable, stopOnSignal } from "./signals.js";
import { StartPromise } from "./start-promise.js";
import type { ListenOptions, Registry, RegistryRoutes, ServerHandlers } from "./surface.js";
import { welcome } from "./welcome.js";

/**
 * Puts actor types together: `setup({ use: { counter } })`.
 *
 * @throws Error naming the option that is unknown or has a wrong value.
 */
export function setup<Actors extends ActorDefinitions>(config: RegistryConfig<Actors>): Registry<Actors> {
  const actors = checkRegistryConfig(config);
  return new RunnableRegistry(config, actors, originOfRegistry(workersOptions(config.workers).module, setup));
}

/** What a registry was made of. @throws TypeError if it was not made by `setup` */
export function settingsOf(registry: object): ResolvedRegistry {
  if (!(registry instanceof RunnableRegistry))
    throw new TypeError("this registry was not made by setup(...)");
  return RunnableRegistry.settings(registry);
}

/** The ways into a registry. @throws TypeError if it was not made by `setup` */
export function mountOf(registry: object): Mount {
  if (!(registry instanceof RunnableRegistry))
    throw new TypeError("this registry was not made by setup(...)");
  return RunnableRegistry.mount(registry);
}

class RunnableRegistry<Actors extends ActorDefinitions> implements Registry<Actors> {
  readonly #config: RegistryConfig<Actors>;
  readonly #actors: ReadonlyMap<string, CompiledActor>;
  readonly #origin: Origin;
  /** The thread of Greenroom's own that this is, and whether it runs actors of this registry. */
  readonly #post = postOfThread();
  readonly #isClaimed: boolean;
  #settings: ResolvedRegistry | undefined;
  /** The one that runs, or is about to. */
  #server: Promise<RunningServer> | undefined;
  /** What was asked for first: it cannot be changed while it runs. */
  #listening: { readonly asked: string; readonly info: Promise<StartedInfo> } | undefined;
  #stopped: Promise<void> | undefined;
  #stoppable: Stoppable | undefined;
  #client: Client<Registry<Actors>> | undefined;
  readonly #mount = new Mount({
    basePath: () => this.#resolve().basePath,
    server: () => this.#server ?? this.#runInProcess(),
  });

  constructor(config: RegistryConfig<Actors>, actors: ReadonlyMap<string, CompiledActor>, origin: Origin) {
    this.#config = config;
    this.#actors = actors;
    this.#origin = origin;
    const join = (): Promise<RunningServer> => this.#join();
    this.#isClaimed = this.#post?.claim({ join }, origin) ?? false;
  }

  start(...options: readonly unknown[]): Promise<StartedInfo> {
    // The types allow none; programs without types would wonder why their port is not taken.
    if (options.some((option) => typeof option === "object" && option !== null))
      return startPromise(
        Promise.reject(
          new TypeError(
            "start() takes no options: give them to setup({ port, host, … }), or call listen({ port, host })",
          ),
        ),
      );
    return this.#listen("start()", () => this.#resolve());
  }

  startAndWait(...options: readonly unknown[]): Promise<StartedInfo> {
    return this.start(...options);
  }

  startEnvoy(...options: readonly unknown[]): Promise<StartedInfo> {
    return this.start(...options);
  }

  listen(options: ListenOptions = {}): Promise<StartedInfo> {
    const asked = `listen(${JSON.stringify(options)})`;
    return this.#listen(asked, () => listenSettings(this.#resolve(), this.#config, options, process.env));
  }

  // These are handed to frameworks, which call them without the registry.
  readonly handler = (request: Request, server?: unknown): Promise<Response> =>
    this.#mount.fetch(request, isFetchServer(server) ? server : undefined);

  readonly upgrade = upgradeWith(this.#mount);

  get websocket(): SocketHandlers {
    return socketHandlers(this.#resolve());
  }

  serve(): ServerHandlers {
    const registry = this;
    return {
      fetch: this.handler,
      get websocket(): SocketHandlers {
        return registry.websocket;
      },
    };
  }

  client(): Client<Registry<Actors>> {
    this.#client ??= inProcessClient<Registry<Actors>>(
      this.#resolve().namespace,
      (input, init) => this.#mount.reach((server) => server.fetch(input, init)),
      { runtime: { mayRepeat: () => this.#stopped === undefined } },
    );
    return this.#client;
  }

  readonly routes: RegistryRoutes = {
    health: () => this.#get("/health"),
    metadata: () => this.#get("/metadata"),
  };

  shutdown(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** The settings of a registry. */
  static settings(registry: RunnableRegistry<ActorDefinitions>): ResolvedRegistry {
    return registry.#resolve();
  }

  /** The ways into a registry. */
  static mount(registry: RunnableRegistry<ActorDefinitions>): Mount {
    return registry.#mount;
  }

  #resolve(): ResolvedRegistry {
    this.#settings ??= resolveRegistry(this.#config, this.#actors, process.env);
    return this.#settings;
  }

  #listen(asked: string, settings: () => ResolvedRegistry): Promise<StartedInfo> {
    if (this.#post !== undefined) {
      if (this.#isClaimed) this.#join().catch((error: unknown) => this.#post?.failed(messageOf(error)));
      // What follows the start is for the thread that has started it.
      return new Promise(() => {});
    }
    if (this.#listening?.asked === asked) return this.#listening.info;
    if (this.#server !== undefined) return Promise.reject(this.#runsAlready(asked));
    let resolved: ResolvedRegistry;
    try {
      resolved = settings();
    } catch (error) {
      // Nothing runs, and other settings can be tried.
      return startPromise(Promise.reject(error));
    }
    this.#server = this.#run(() => resolved);
    const info = startPromise(this.#server.then((server) => server.address));
    this.#listening = { asked, info };
    return info;
  }

  #runsAlready(asked: string): Error {
    if (this.#listening !== undefined)
      return new Error(`${asked} comes too late: the registry runs already, by ${this.#listening.asked}`);
    return new Error(
      `${asked} comes too late: the registry runs already, without a port, since its handler or client was used; call ${asked} before`,
    );
  }

  /** On a thread of Greenroom's own: runs a share of the actors. */
  #join(): Promise<RunningServer> {
    const post = this.#post;
    if (post === undefined || !this.#isClaimed)
      return Promise.reject(
        new Error("this thread runs the actors of another registry; use this one on the main thread"),
      );
    this.#server ??= Share.join(this.#resolve(), post);
    return this.#server;
  }

  #runInProcess(): Promise<RunningServer> {
    if (this.#post !== undefined) return this.#join();
    const server = this.#run(() => ({ ...this.#resolve(), port: undefined }));
    this.#server = server;
    server.catch((error: unknown) => {
      if (this.#stopped === undefined) standardError(messageOf(error));
      // The next request tries again: what stands against it may be gone by then.
      if (this.#server === server) this.#server = undefined;
    });
    return server;
  }

  async #run(settings: () => ResolvedRegistry): Promise<RunningServer> {
    if (this.#stopped !== undefined)
      throw new Error("the registry has been shut down and cannot start again");
    const resolved = settings();
    // Before the start: whoever sees that the server answers may send a signal at once.
    if (resolved.handleSignals) {
      this.#stoppable = { gracePeriodMs: resolved.gracePeriodMs, shutdown: () => this.shutdown() };
      stopOnSignal(this.#stoppable);
    }
    try {
      const server = await RegistryServer.start(resolved, {
        origin: this.#origin,
        shutdown: () => void this.shutdown().catch((error: unknown) => standardError(messageOf(error))),
      });
      if (resolved.welcome && server.info !== undefined) welcome(server.info, resolved);
      return server;
    } catch (error) {
      this.#ignoreSignals();
      throw error;
    }
  }

  #get(path: string): Promise<Response> {
    return this.#mount.reach((server) =>
      server.send({ method: "GET", target: path, headers: [], body: null, signal: null, isTrusted: true }),
    );
  }

  async #stop(): Promise<void> {
    // One that never started has nothing to stop, and the error went to whoever started it.
    const server = await this.#server?.catch(() => undefined);
    await server?.stop();
    await this.#client?.dispose();
    this.#ignoreSignals();
  }

  #ignoreSignals(): void {
    if (this.#stoppable !== undefined) forgetSignals(this.#stoppable);
  }
}

/** `Registry.upgrade`: as a listener it knows whether it is the only one. */
function upgradeWith(mount: Mount): Registry["upgrade"] {
  return function (this: unknown, request, socket, head) {
    const isOurs = mount.upgrade(request, socket, head);
    if (!isOurs && hasNoOthers(this)) refuseUpgrade(socket);
    return isOurs;
  };
}

/** A promise whose failure ends the process if nobody asks. */
function startPromise(info: Promise<StartedInfo>): Promise<StartedInfo> {
  return new StartPromise(info, (error) => {
    standardError(messageOf(error));
    process.exit(1);
  });
}
