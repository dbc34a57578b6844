import type { RegistryLike } from "@greenroom/client/types";
import type { StartedInfo } from "@greenroom/native";
import type { CompiledActor } from "../definition/actor.js";
import { standardError } from "../log.js";
import { VERSION } from "../version.js";
import {
  type ActorDefinitions,
  checkRegistryConfig,
  type RegistryConfig,
  type ResolvedRegistry,
  resolveRegistry,
} from "./config.js";
import { RegistryServer } from "./server.js";
import { forgetSignals, type Stoppable, stopOnSignal } from "./signals.js";
import { StartPromise } from "./start-promise.js";

/** A set of actor types, and the server that runs them. Its type is all that clients need. */
export interface Registry<Actors extends ActorDefinitions = ActorDefinitions> extends RegistryLike<Actors> {
  /**
   * Opens the data directory, binds the port and serves. Calling it again gives the same promise.
   *
   * The promise can be ignored: if it fails and nobody has asked for its outcome by then (with `await`, `then`,
   * `catch`), the reason is printed and the process exits with status 1. Whoever asks gets the error instead, with a
   * `code`: `store_locked`, `store_unusable`, `store_corrupt`, `store_version`, `address_in_use`,
   * `address_unavailable`, `invalid_config`, `native_missing` or `native_unusable`.
   */
  start(): Promise<StartedInfo>;
  /**
   * Finishes what is in progress, puts all actors to sleep and closes everything. Afterwards nothing of this
   * registry keeps the process alive. Calling it again gives the same promise.
   */
  shutdown(): Promise<void>;
}

/**
 * Puts actor types together: `setup({ use: { counter } })`.
 *
 * @throws Error naming the option that is unknown or has a wrong value.
 */
export function setup<Actors extends ActorDefinitions>(config: RegistryConfig<Actors>): Registry<Actors> {
  return new RunnableRegistry(config, checkRegistryConfig(config));
}

class RunnableRegistry<Actors extends ActorDefinitions> implements Registry<Actors> {
  readonly #config: RegistryConfig<Actors>;
  readonly #actors: ReadonlyMap<string, CompiledActor>;
  #server: Promise<RegistryServer> | undefined;
  #started: Promise<StartedInfo> | undefined;
  #stopped: Promise<void> | undefined;
  #stoppable: Stoppable | undefined;

  constructor(config: RegistryConfig<Actors>, actors: ReadonlyMap<string, CompiledActor>) {
    this.#config = config;
    this.#actors = actors;
  }

  start(): Promise<StartedInfo> {
    if (this.#started === undefined) {
      this.#server = this.#serve();
      const info = this.#server.then((server) => {
        if (server.info === undefined) throw new Error("x");
        return server.info;
      });
      this.#started = new StartPromise(info, (error) => {
        standardError(error instanceof Error ? error.message : String(error));
        process.exit(1);
      });
    }
    return this.#started;
  }

  shutdown(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #serve(): Promise<RegistryServer> {
    if (this.#stopped !== undefined)
      throw new Error("the registry has been shut down and cannot start again");
    const resolved = resolveRegistry(this.#config, this.#actors, process.env);
    // Before the start: whoever sees that the server answers may send a signal at once.
    if (resolved.handleSignals) {
      this.#stoppable = { gracePeriodMs: resolved.gracePeriodMs, shutdown: () => this.shutdown() };
      stopOnSignal(this.#stoppable);
    }
    try {
      const server = await RegistryServer.start(resolved);
      if (resolved.welcome && server.info) welcome(server.info, resolved);
      return server;
    } catch (error) {
      this.#ignoreSignals();
      throw error;
    }
  }

  async #stop(): Promise<void> {
    // One that never started has nothing to stop, and the error went to whoever started it.
    const server = await this.#server?.catch(() => undefined);
    await server?.stop();
    this.#ignoreSignals();
  }

  #ignoreSignals(): void {
    if (this.#stoppable !== undefined) forgetSignals(this.#stoppable);
  }
}

function welcome(info: StartedInfo, { actors, dataDir }: ResolvedRegistry): void {
  const names = [...actors.keys()].join(", ");
  console.log(
    `Greenroom ${VERSION} listens on ${info.url} (process ${process.pid})\n  actors: ${names}\n  data:   ${dataDir}`,
  );
}
