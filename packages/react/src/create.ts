import { type Client, type ClientConfig, createClient, type RegistryLike } from "@greenroom/client";
import {
  type AnyObserveOptions,
  createObservers,
  failedObserver,
  invalidOptions,
  type ObserversOptions,
} from "@greenroom/client/observer";
import { report } from "./report.js";
import type { Greenroom } from "./surface.js";
import { useActor, useSuspenseActor } from "./use-actor.js";
import type { Observe } from "./use-observer.js";

/** Settings of {@link createGreenroom}. */
export interface GreenroomOptions {
  /**
   * Tells which options may share a connection: those for which it gives the same. Default: name, key, parameters and
   * `noCreate`, in JSON.
   */
  readonly hashFunction?: (options: AnyObserveOptions) => string;
}

/**
 * Makes hooks for the actors of a registry: `createGreenroom<typeof registry>("https://example.com")`. Once per page, in
 * a module of its own. Connects to nothing.
 *
 * It does not throw: with a configuration that cannot be used, all hooks give the error `client.invalid_options`.
 *
 * @param config the endpoint, or options, as of `createClient`.
 */
export function createGreenroom<Registry extends RegistryLike>(
  config?: string | ClientConfig,
  options?: GreenroomOptions,
): Greenroom<Registry> {
  let client: Client<Registry>;
  try {
    client = createClient<Registry>(config);
  } catch (cause) {
    const error = invalidOptions("the client cannot be made", cause);
    report({ error, isConnected: false });
    return hooks(
      () => failedObserver(error),
      () => {
        throw cause;
      },
    );
  }
  return createGreenroomWithClient(client, options);
}

/**
 * As {@link createGreenroom}, with a client that exists already.
 *
 * @throws TypeError when `client` is no client.
 */
export function createGreenroomWithClient<Registry extends RegistryLike>(
  client: Client<Registry>,
  { hashFunction }: GreenroomOptions = {},
): Greenroom<Registry> {
  if (typeof client?.getOrCreate !== "function")
    throw new TypeError("createGreenroomWithClient takes a client; for an endpoint, use createGreenroom");
  const settings: ObserversOptions = { onError: report, ...(hashFunction && { hashFunction }) };
  const { observe } = createObservers(client, settings);
  return hooks(observe as Observe, () => client);
}

function hooks<Registry>(observe: Observe, client: () => Client<Registry>): Greenroom<Registry> {
  const made = {
    useActor: useActor.bind(null, observe),
    useSuspenseActor: useSuspenseActor.bind(null, observe),
    get client() {
      return client();
    },
  };
  return made as unknown as Greenroom<Registry>;
}
