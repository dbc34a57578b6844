/** What a registry offers. */
import type { Client } from "@greenroom/client";
import type { RegistryLike } from "@greenroom/client/types";
import type { StartedInfo } from "@greenroom/native";
import type { FetchServer } from "../mount/fetch-server.js";
import type { NodeRequest, NodeSocket } from "../mount/node-types.js";
import type { SocketHandlers } from "../mount/socket-handlers.js";
import type { ActorDefinitions } from "./config.js";

/** A set of actor types, and the server that runs them. Its type is all that clients need. */
export interface Registry<Actors extends ActorDefinitions = ActorDefinitions> extends RegistryLike<Actors> {
  /**
   * Opens the data directory, binds the port and serves. Calling it again gives the same promise.
   *
   * The promise can be ignored: if it fails and nobody has asked for its outcome by then (with `await`, `then`,
   * `catch`), the reason is printed and the process exits with status 1. Whoever asks gets the error instead, with a
   * `code`: `store_locked`, `store_unusable`, `store_full`, `store_corrupt`, `store_version`, `address_in_use`,
   * `address_unavailable`, `invalid_config`, `worker_failed`, `native_missing` or `native_unusable`.
   *
   * On a worker thread (`workers` of `setup`) it never resolves: what follows it is for the thread that starts.
   */
  start(): Promise<StartedInfo>;
  /** The same as {@link Registry.start}. */
  startAndWait(): Promise<StartedInfo>;
  /**
   * The same as {@link Registry.start}: the actors run in this process.
   *
   * @deprecated Use `start`.
   */
  startEnvoy(): Promise<StartedInfo>;
  /**
   * As {@link Registry.start}, with the settings of a web server: by default on port `GREENROOM_PORT`, `RIVET_PORT`,
   * then 3000.
   *
   * @throws Error if the registry runs already with other settings.
   */
  listen(options?: ListenOptions): Promise<StartedInfo>;
  /**
   * Answers a request that came to a server of the program's own, for example a route of a web framework. Without
   * `start` or `listen` before it, it opens the data directory at the first request, and binds no port.
   *
   * The URL's path has to begin with the base path of `setup`. Never rejects: what goes wrong is an answer, too. May be
   * passed on without the registry.
   *
   * @param server Bun's server, which is the second argument of its `fetch`: requests may become WebSockets then, if it
   *   has the handlers of {@link Registry.websocket}. Without it clients use event streams instead.
   */
  handler(request: Request, server?: FetchServer | null): Promise<Response>;
  /**
   * Takes over the connection of a request that came to Node's HTTP server and asks for a WebSocket:
   * `server.on("upgrade", registry.upgrade)`. Takes the arguments of that event.
   *
   * What is not for this registry is left to the server's other listeners. If it has none, and this function itself
   * listens, it is refused with 404: nobody would answer it otherwise.
   *
   * @returns whether the request is for this registry: below the base path of `setup`, or, without one, below
   *   `/api/greenroom` or `/api/rivet`, or to one of the server's own paths at the root.
   * @throws ActorError `request.invalid` if these are no such arguments, or if the socket was handed over before.
   *   Everything else that goes wrong is said to the client.
   */
  upgrade(this: unknown, request: NodeRequest, socket: NodeSocket, head: Uint8Array): boolean;
  /** What `Bun.serve` takes for its `websocket`, along with {@link Registry.handler}. */
  readonly websocket: SocketHandlers;
  /**
   * {@link Registry.handler} and {@link Registry.websocket} as an object that `Bun.serve`, Deno and others take:
   * `export default registry.serve()`.
   */
  serve(): ServerHandlers;
  /**
   * A client for this program, without a network in between. It is trusted: `onAuth` and limits for requests from
   * outside are not for it. Actors use `c.client()` instead, which keeps their calls in order with what they store.
   */
  client(): Client<Registry<Actors>>;
  /** What the server says of itself, as its routes `/health` and `/metadata` do. */
  readonly routes: RegistryRoutes;
  /**
   * Finishes what is in progress, puts all actors to sleep and closes everything. Afterwards nothing of this
   * registry keeps the process alive. Calling it again gives the same promise.
   */
  shutdown(): Promise<void>;
}

/** See {@link Registry.listen}. */
export interface ListenOptions {
  /** 0 for any that is free. Default: `port` of `setup`, `GREENROOM_PORT`, `RIVET_PORT`, then 3000. */
  readonly port?: number;
  /** Default: `host` of `setup`, `GREENROOM_HOST`, then `127.0.0.1`. */
  readonly host?: string;
  /** A folder whose files are served, too. Default: `staticDir` of `setup`, `GREENROOM_PUBLIC_DIR`, then none. */
  readonly publicDir?: string;
}

/** See {@link Registry.serve}. */
export interface FetchHandler {
  fetch(request: Request): Promise<Response>;
}

/** See {@link Registry.serve}. */
export interface ServerHandlers extends FetchHandler {
  /** As {@link Registry.handler}; other servers than Bun's may give other things beside the request. */
  fetch(request: Request, server?: unknown): Promise<Response>;
  /** For Bun. */
  readonly websocket: SocketHandlers;
}

/** See {@link Registry.routes}. */
export interface RegistryRoutes {
  /** 200 while serving, 503 from the beginning of a shutdown. */
  health(): Promise<Response>;
  /** Version and actor types. */
  metadata(): Promise<Response>;
}
