/** What a registry offers. */
import type { Client } from "@greenroom/client";
import type { RegistryLike } from "@greenroom/client/types";
import type { StartedInfo } from "@greenroom/native";
import type { ActorDefinitions } from "./config.js";

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
   * The URL's path has to begin with the base path of `setup`. WebSockets cannot come this way: clients use event
   * streams instead. Never rejects: what goes wrong is an answer, too.
   */
  handler(request: Request): Promise<Response>;
  /** {@link Registry.handler} as an object that `Bun.serve`, Deno and others take: `export default registry.serve()`. */
  serve(): FetchHandler;
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

/** See {@link Registry.routes}. */
export interface RegistryRoutes {
  /** 200 while serving, 503 from the beginning of a shutdown. */
  health(): Promise<Response>;
  /** Version and actor types. */
  metadata(): Promise<Response>;
}
