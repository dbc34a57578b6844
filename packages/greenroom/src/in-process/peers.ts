/**
 * The clients that one actor calls others with. A call is an output of the actor's turn, so it leaves when what the
 * actor did before it is durable, and it says which actors wait for it.
 */
import type { Client } from "@greenroom/client";
import { ActorError } from "@greenroom/client/errors";
import type { RegistryLike } from "@greenroom/client/types";
import { instanceGone } from "../host/failure.js";
import type { Instance } from "../host/instance.js";
import type { OutputWriter } from "../host/output-writer.js";
import { inProcessClient, trustedFetch } from "./fetcher.js";
import type { Sender } from "./requests.js";

/** Calls within calls within calls: most likely they go in circles. */
const MAX_DEPTH = 32;
const CALL_CHAIN = "x-greenroom-chain";

/** See the top of the file. */
export class Peers {
  readonly #instance: Instance;
  /** By the actors that wait for the calling one, as the header has them. */
  readonly #clients = new Map<string, Client<RegistryLike>>();
  readonly #open = new Set<number>();

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** @param chain The ids of the actors that wait for the calling one, outermost first. */
  client(chain: readonly string[]): Client<RegistryLike> {
    const waiting = [...chain, this.#instance.actorId];
    const text = waiting.join(",");
    let client = this.#clients.get(text);
    if (client === undefined) {
      client = this.#create(waiting, text);
      this.#clients.set(text, client);
    }
    return client;
  }

  /** Gives up what is under way and closes all connections. */
  drop(): void {
    const { requests } = this.#instance.host;
    for (const id of [...this.#open]) requests.giveUp(id, instanceGone());
    for (const client of this.#clients.values()) void client.dispose();
    this.#clients.clear();
  }

  #create(waiting: readonly string[], chain: string): Client<RegistryLike> {
    const instance = this.#instance;
    const sender: Sender = {
      open: this.#open,
      outputs: () => this.#outputs(waiting),
    };
    const fetch = trustedFetch(instance.host.requests, sender, [[CALL_CHAIN, chain]]);
    return inProcessClient(instance.services.namespace, fetch);
  }

  #outputs(waiting: readonly string[]): OutputWriter | undefined {
    const instance = this.#instance;
    if (instance.isDropped) throw instanceGone();
    if (waiting.length > MAX_DEPTH) {
      const message = `${waiting.length} actors wait for each other, limit is ${MAX_DEPTH}: ${waiting.join(" -> ")}`;
      throw new ActorError("actor", "call_chain_too_long", message);
    }
    // A start is committed when it is through, and it may wait for this call. If it fails, it begins again.
    return instance.life.phase === "starting" ? undefined : instance.outputs();
  }
}
