/**
 * The clients that one actor calls others with. A call is an output of the actor's turn, so it leaves when what the
 * actor did before it is durable, and it says which calls wait for it.
 */
import type { Client } from "@greenroom/client";
import { ActorError } from "@greenroom/client/errors";
import type { RegistryLike } from "@greenroom/client/types";
import { type CallChain, headerOf, namesOf } from "../host/call-chain.js";
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
  /** Those with requests under way, event streams among them. */
  readonly #busy = new Set<Peer>();

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** A new client. @param chain The calls that wait for its calls, outermost first. */
  client(chain: CallChain): Client<RegistryLike> {
    return new Peer(this.#instance, chain, this.#busy).client;
  }

  /** Gives up what is under way and closes all connections. */
  drop(): void {
    for (const peer of [...this.#busy]) peer.drop();
  }
}

/** One client, and what it has under way. Nobody has to end one that has nothing under way. */
class Peer implements Sender {
  readonly client: Client<RegistryLike>;
  readonly #instance: Instance;
  readonly #chain: CallChain;
  readonly #busy: Set<Peer>;
  readonly #open = new Set<number>();

  constructor(instance: Instance, chain: CallChain, busy: Set<Peer>) {
    this.#instance = instance;
    this.#chain = chain;
    this.#busy = busy;
    const fetch = trustedFetch(instance.host.requests, this, [[CALL_CHAIN, headerOf(chain)]]);
    // On its way out, an actor is told at once that another one has gone before it.
    const mayRepeat = (): boolean => instance.life.phase === "running";
    this.client = inProcessClient(instance.services.namespace, fetch, { runtime: { mayRepeat } });
  }

  outputs(): OutputWriter | undefined {
    const instance = this.#instance;
    if (instance.isDropped) {
      // A connection that would try for ever.
      void this.client.dispose();
      throw instanceGone();
    }
    const { length } = this.#chain;
    if (length > MAX_DEPTH) {
      const calls = namesOf(this.#chain).join(" calls ");
      const message = `${length} calls wait for each other, limit is ${MAX_DEPTH}: ${calls}`;
      throw new ActorError("actor", "call_chain_too_long", message, { statusCode: 500 });
    }
    // A start is committed when it is through, and it may wait for this call. If it fails, it begins again.
    return instance.life.phase === "starting" ? undefined : instance.outputs();
  }

  began(request: number): void {
    this.#open.add(request);
    this.#busy.add(this);
  }

  ended(request: number): void {
    this.#open.delete(request);
    if (this.#open.size === 0) this.#busy.delete(this);
  }

  drop(): void {
    const { requests } = this.#instance.host;
    for (const request of [...this.#open]) requests.giveUp(request, instanceGone());
    void this.client.dispose();
  }
}
