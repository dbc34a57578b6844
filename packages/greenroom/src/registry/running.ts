/** A registry that runs, as the ways into it know it: on the thread that has started it, or on one that helps. */
import type { StartedInfo } from "@greenroom/native";
import type { RequestHead } from "../in-process/fetcher.js";
import type { Listener, Pipe } from "../in-process/pipe.js";

/** See the top of the file. */
export interface RunningServer {
  /** `fetch` for this process, which is not asked for credentials. */
  readonly fetch: typeof globalThis.fetch;
  /** Where it listens. @throws Error if it listens nowhere */
  readonly address: StartedInfo;
  /** Makes a request of the server. */
  send(head: RequestHead): Promise<Response>;
  /**
   * Hands a connection over to the server.
   *
   * @param address Where it comes from, if that is known.
   * @throws ActorError if the server has been shut down.
   */
  connect(address: string | undefined, listener: Listener): Pipe;
  /** Puts all actors to sleep and closes everything; afterwards nothing keeps the process alive. */
  stop(): Promise<void>;
}
