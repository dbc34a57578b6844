import { type OwnNames, withProperties } from "./action-proxy.js";
import { type ClientConfig, type ResolvedConfig, resolveConfig } from "./config.js";
import type { Connection } from "./connection/connection.js";
import { ActorClientError } from "./errors.js";
import { type HandleOptions, type HandleOwner, makeHandle } from "./handle.js";
import { keyParts } from "./key.js";
import { CREATE_OPTIONS, checkOptions, GET_OPTIONS, GET_OR_CREATE_OPTIONS, LIST_OPTIONS } from "./options.js";
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
  const client = new ClientRoot(resolveConfig(config));
  return withProperties<Client<Registry>>(client, OWN, (name) => client.accessor(name));
}

/** Exactly the methods of `ClientMethods`: every other name is an actor's. */
const OWN: OwnNames<ClientMethods<unknown>> = {
  create: 1,
  dispose: 1,
  get: 1,
  getForId: 1,
  getOrCreate: 1,
  list: 1,
};

class ClientRoot implements HandleOwner {
  readonly #config: ResolvedConfig;
  readonly #connections = new Set<Connection>();
  readonly transport: Transport;
  #disposed = false;

  constructor(config: ResolvedConfig) {
    this.#config = config;
    this.transport = new Transport(config);
  }

  get(name: string, key?: ActorKey, options: HandleOptions = {}): ActorHandle<UntypedActor> {
    checkOptions(options, GET_OPTIONS);
    return makeHandle(this, { by: "get", name, key: keyParts(key) }, options);
  }

  getOrCreate(
    name: string,
    key?: ActorKey,
    options: GetOrCreateOptions<unknown> = {},
  ): ActorHandle<UntypedActor> {
    checkOptions(options, GET_OR_CREATE_OPTIONS);
    const {
      createWithInput: input,
      createInRegion: region,
      poolName: pool = this.#config.poolName,
    } = options;
    return makeHandle(this, { by: "getOrCreate", name, key: keyParts(key), input, region, pool }, options);
  }

  async create(
    name: string,
    key?: ActorKey,
    options: CreateOptions<unknown> = {},
  ): Promise<ActorHandle<UntypedActor>> {
    this.assertOpen();
    checkOptions(options, CREATE_OPTIONS);
    const { input, region, poolName: pool = this.#config.poolName, signal } = options;
    const parts = keyParts(key);
    const { create } = await import("./management.js");
    const id = await create(this.transport, name, parts, { input, region, pool, reuse: false }, signal);
    return makeHandle(this, { by: "id", name, id }, options);
  }

  getForId(name: string, id: string, options: HandleOptions = {}): ActorHandle<UntypedActor> {
    if (typeof id !== "string") throw new TypeError(`an actor id is a string, not of type ${typeof id}`);
    checkOptions(options, GET_OPTIONS);
    return makeHandle(this, { by: "id", name, id }, options);
  }

  /** Also the accessor of actors that are called `list`. */
  readonly list = Object.assign(
    (name: string, options?: ListOptions) => this.#list(name, options),
    this.accessor("list"),
  );

  async #list(name: string, options: ListOptions = {}): Promise<ActorListing> {
    this.assertOpen();
    checkOptions(options, LIST_OPTIONS);
    const { list } = await import("./management.js");
    return list(this.transport, name, options);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    const closing = [...this.#connections].map((connection) => connection.dispose());
    this.#connections.clear();
    await Promise.all(closing);
  }

  accessor(name: string): ActorAccessor<UntypedActor> {
    return {
      get: this.get.bind(this, name),
      getOrCreate: this.getOrCreate.bind(this, name),
      create: this.create.bind(this, name),
      getForId: this.getForId.bind(this, name),
      list: this.#list.bind(this, name),
    };
  }

  assertOpen(): void {
    if (this.#disposed) throw new ActorClientError("disposed", "the client was disposed");
  }

  adopt(connection: Connection): void {
    this.#connections.add(connection);
  }

  release(connection: Connection): void {
    this.#connections.delete(connection);
  }
}
