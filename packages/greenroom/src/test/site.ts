/** A registry that runs for one test: in memory, without a port, and with a clock of its own. */
import { ActorError } from "@greenroom/client/errors";
import { NativeMemory } from "@greenroom/native";
import type { RequestHead } from "../in-process/fetcher.js";
import { errorResponse } from "../in-process/requests.js";
import type { ResolvedRegistry } from "../registry/config.js";
import { RegistryServer } from "../registry/server.js";
import { VirtualClock } from "./virtual-clock.js";

/** See the top of the file. */
export class Site {
  readonly clock: VirtualClock;
  readonly #settings: ResolvedRegistry;
  readonly #memory: NativeMemory;
  #server: RegistryServer | undefined;

  private constructor(settings: ResolvedRegistry, now: number) {
    this.#settings = { ...settings, port: undefined, welcome: false, handleSignals: false };
    this.#memory = new NativeMemory(now);
    this.clock = new VirtualClock(now);
  }

  static async start(settings: ResolvedRegistry, now: number): Promise<Site> {
    const site = new Site(settings, now);
    await site.#start();
    return site;
  }

  /** Answers a request. While the registry is down the answer is an error. */
  send(head: RequestHead): Promise<Response> {
    if (this.#server !== undefined) return this.#server.send(head);
    const message = "the registry has crashed: call restart() first";
    return Promise.resolve(errorResponse(new ActorError("guard", "service_unavailable", message)));
  }

  /** Ends it as `kill -9` does. */
  async crash(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.clock.detach();
    await server?.kill();
  }

  /** Ends one actor in the same way. */
  async crashActor(id: string): Promise<void> {
    if (this.#server === undefined) throw new Error("the registry has crashed already");
    this.#server.crash(id);
    await this.clock.settle();
  }

  /** Starts it again on what it has stored; stops it in good order before, if it runs. */
  async restart(): Promise<void> {
    const server = this.#server;
    if (server !== undefined) {
      let isOver = false;
      const stopped = server.stop().finally(() => {
        isOver = true;
      });
      // Rejected or not, it is over: what went wrong is thrown below.
      stopped.catch(() => {});
      await this.clock.advanceUntil(() => isOver);
      this.#server = undefined;
      this.clock.detach();
      await stopped;
    }
    await this.#start();
  }

  async #start(): Promise<void> {
    this.#server = await RegistryServer.test(this.#settings, { memory: this.#memory, clock: this.clock });
  }
}
