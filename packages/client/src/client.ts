import { type Members, withProperties } from "./action-proxy.js";
import { type ClientConfig, resolveConfig } from "./config.js";
import type { Connection } from "./connection/connection.js";
import { ActorClientError } from "./errors.js";
import { type HandleOptions, type HandleOwner, makeHandle } from "./handle.js";
import { keyParts } from "./key.js";
import { checkOptions, GET_OPTIONS, GET_OR_CREATE_OPTIONS } from "./options.js";
import type { ActorAccessor, ActorHandle, Client, ClientMethods } from "./surface.js";
import { Transport } from "./transport.js";
import type {
  ActorKey,
  ActorListing,
  CreateOptions,
  GetOrCreateOptions,
  ListOptions,
  RegistryLike,
  UntypedActor,
} from "./types.js";

/**
 * Makes a client for the actors of a registry: `createClient<typeof registry>("https://example.com")`.
 *
 * Nothing is sent until a handle is used. One client per process is enough; it needs no closing unless it has
 * connections.
 *
 * @param config the endpoint, or options; see {@link ClientConfig} for defaults.
 * @throws TypeError when an option is wrong.
 */
export function createClient<Registry extends RegistryLike = RegistryLike>(
  config?: string | ClientConfig,
): Client<Registry> {
  const resolved = resolveConfig(config);
  const transport = new Transport(resolved);
  const connections = new Set<Connection>();
  let disposed = false;

  const owner: HandleOwner = {
    transport,
    assertOpen() {
      if (disposed) throw new ActorClientError("disposed", "the client was disposed");
    },
    adopt: (connection) => void connections.add(connection),
    release: (connection) => void connections.delete(connection),
  };

  const get = (name: string, key?: ActorKey, options: HandleOptions = {}): ActorHandle<UntypedActor> => {
    checkOptions(options, GET_OPTIONS);
    return makeHandle(owner, { by: "get", name, key: keyParts(key) }, options);
  };

  const getOrCreate = (
    name: string,
    key?: ActorKey,
    options: GetOrCreateOptions<unknown> = {},
  ): ActorHandle<UntypedActor> => {
    checkOptions(options, GET_OR_CREATE_OPTIONS);
    const { createWithInput: input, createInRegion: region, poolName: pool = resolved.poolName } = options;
    return makeHandle(owner, { by: "getOrCreate", name, key: keyParts(key), input, region, pool }, options);
  };

  const create = async (
    name: string,
    key?: ActorKey,
    options: CreateOptions<unknown> = {},
  ): Promise<ActorHandle<UntypedActor>> => {
    owner.assertOpen();
    const parts = keyParts(key);
    const { create } = await import("./management.js");
    const id = await create(transport, name, parts, options);
    return makeHandle(owner, { by: "id", name, id }, options);
  };

  const getForId = (name: string, id: string, options: HandleOptions = {}): ActorHandle<UntypedActor> => {
    if (typeof id !== "string") throw new TypeError(`an actor id is a string, not of type ${typeof id}`);
    checkOptions(options, GET_OPTIONS);
    return makeHandle(owner, { by: "id", name, id }, options);
  };

  const list = async (name: string, options: ListOptions = {}): Promise<ActorListing> => {
    owner.assertOpen();
    const { list } = await import("./management.js");
    return list(transport, name, options);
  };

  const accessor = (name: string): ActorAccessor<UntypedActor> => ({
    get: get.bind(null, name),
    getOrCreate: getOrCreate.bind(null, name),
    create: create.bind(null, name),
    getForId: getForId.bind(null, name),
    list: list.bind(null, name),
  });

  const root = {
    get,
    getOrCreate,
    create,
    getForId,
    // Also the accessor of actors that are called `list`.
    list: Object.assign(list, accessor("list")),
    async dispose() {
      disposed = true;
      transport.end.abort();
      await Promise.all([...connections].map((connection) => connection.dispose()));
    },
  } satisfies Members<ClientMethods<unknown>>;
  return withProperties<Client<Registry>>(root, accessor);
}
