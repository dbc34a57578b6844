import { withProperties } from "./action-proxy.js";
import { type ClientConfig, type ResolvedConfig, resolveConfig } from "./config.js";
import type { Connection } from "./connection/connection.js";
import { ActorError } from "./errors.js";
import { type HandleOptions, type HandleOwner, makeHandle } from "./handle.js";
import { keyParts } from "./key.js";
import type { ActorAccessor, ActorHandle, Client } from "./surface.js";
import { Transport } from "./transport.js";
import type { ActorKey, CreateOptions, GetOrCreateOptions, RegistryLike, UntypedActor } from "./types.js";

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
  // Exactly the methods of `ClientMethods`: every other name is an actor's.
  const methods = {
    get: client.get.bind(client),
    getOrCreate: client.getOrCreate.bind(client),
    create: client.create.bind(client),
    getForId: client.getForId.bind(client),
    dispose: client.dispose.bind(client),
  } satisfies Record<keyof Client<RegistryLike>, unknown>;
  return withProperties<Client<Registry>>(methods, (name) => client.accessor(name));
}

/** @throws TypeError for an option under the name that another method has for it. */
function refuseOption(options: object, wrong: string, right: string): void {
  if (wrong in options) throw new TypeError(`unknown option \`${wrong}\`: use \`${right}\``);
}

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
    return makeHandle(this, { by: "get", name, key: keyParts(key) }, options);
  }

  getOrCreate(
    name: string,
    key?: ActorKey,
    options: GetOrCreateOptions<unknown> = {},
  ): ActorHandle<UntypedActor> {
    refuseOption(options, "input", "createWithInput");
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
    refuseOption(options, "createWithInput", "input");
    const { input, region, poolName: pool = this.#config.poolName, signal } = options;
    const id = await this.transport.create(
      name,
      keyParts(key),
      { input, region, pool, reuse: false },
      signal,
    );
    return makeHandle(this, { by: "id", name, id }, options);
  }

  getForId(name: string, id: string, options: HandleOptions = {}): ActorHandle<UntypedActor> {
    return makeHandle(this, { by: "id", name, id }, options);
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
    };
  }

  assertOpen(): void {
    if (this.#disposed) throw new ActorError("client", "disposed", "the client was disposed");
  }

  adopt(connection: Connection): void {
    this.#connections.add(connection);
  }

  release(connection: Connection): void {
    this.#connections.delete(connection);
  }
}
