/** A registry on a worker thread: the share of its actors that run here. */
import { NativeLane, type StartedInfo, version } from "@greenroom/native";
import { Host } from "../host/host.js";
import { letGoOfStrays, lookAfterStrays } from "../host/strays.js";
import { type RequestHead, trustedFetch } from "../in-process/fetcher.js";
import type { Listener, Pipe } from "../in-process/pipe.js";
import type { ResolvedRegistry } from "../registry/config.js";
import type { RunningServer } from "../registry/running.js";
import { checkVersion, hostServices } from "../registry/server.js";
import type { Post } from "./post.js";

/** See the top of the file. */
export class Share implements RunningServer {
  readonly fetch: typeof globalThis.fetch;
  readonly #host: Host;
  readonly #post: Post;

  private constructor(host: Host, post: Post) {
    this.#host = host;
    this.#post = post;
    this.fetch = trustedFetch(host.requests);
  }

  /** Waits until the registry runs, and begins. @throws Error if it does not run any more */
  static async join(registry: ResolvedRegistry, post: Post): Promise<Share> {
    checkVersion(version());
    const native = new NativeLane(post.task.token, post.task.lane);
    const host = new Host(native, hostServices(registry));
    lookAfterStrays(host);
    post.onEnd(() => {
      host.close();
      letGoOfStrays(host);
    });
    await post.ready([...registry.actors.keys()]);
    native.join(host.wake);
    return new Share(host, post);
  }

  get address(): StartedInfo {
    throw new Error("the address is known on the main thread");
  }

  send(head: RequestHead): Promise<Response> {
    return this.#host.requests.send(head);
  }

  connect(address: string | undefined, listener: Listener): Pipe {
    return this.#host.requests.connect(address, listener);
  }

  /** Ends the registry, and this thread with it. */
  stop(): Promise<void> {
    this.#post.askForShutdown();
    return new Promise(() => {});
  }
}
