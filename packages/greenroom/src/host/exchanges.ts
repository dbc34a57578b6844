/** The HTTP requests to one instance: from the request to the end of the response. */
import type { Hook } from "../definition/actor.js";
import { Client, type ClientRecord } from "./client.js";
import type { RuntimeConn } from "./conn.js";
import { Exchange } from "./exchange.js";
import type { Instance } from "./instance.js";

/** A request as it arrives. The byte fields are views into the batch. */
export interface FetchRecord {
  readonly call: number;
  /** Whether a body follows. */
  readonly hasBody: boolean;
  readonly client: ClientRecord;
}

/** The requests of one instance. */
export class Exchanges {
  readonly #instance: Instance;
  readonly #open = new Map<number, Exchange>();

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** How many are in progress: their handler runs, or their response goes on. */
  get size(): number {
    return this.#open.size;
  }

  /** The request that has this number, while it is in progress. */
  get(call: number): Exchange | undefined {
    return this.#open.get(call);
  }

  /** Runs the handler and answers, now or later. */
  begin({ call, hasBody, client: record }: FetchRecord): void {
    const instance = this.#instance;
    const { onRequest } = instance.definition;
    if (onRequest === undefined) {
      instance.outputs().responseHead(call, { status: 404, reason: "", headers: [] }, false);
      return;
    }
    let exchange: Exchange;
    let client: Client;
    try {
      client = Client.read(record);
      exchange = new Exchange(instance, call, client, hasBody);
    } catch (error) {
      instance.replyError(call, error, "onRequest");
      return;
    }
    this.#open.set(call, exchange);
    const ended = (): void => this.#ended(call);
    const { connParamsSchema, decidesConnections } = instance.definition;
    if (connParamsSchema === undefined && !decidesConnections) {
      exchange.run(onRequest, client, undefined, ended);
      return;
    }
    const refused = (error: unknown): void => {
      if (instance.isDropped) return;
      instance.replyError(call, error, "onRequest");
      ended();
    };
    instance.life.track(this.#admit(exchange, onRequest, client).then(ended, refused));
  }

  /** Runs the handler for a client that the connect hooks let in. */
  async #admit(exchange: Exchange, handler: Hook, client: Client): Promise<void> {
    const { connections, definition } = this.#instance;
    const checked = await connections.checked(client);
    const run = (conn: RuntimeConn | undefined): Promise<void> =>
      new Promise((resolve) => exchange.run(handler, checked, conn, resolve));
    await (definition.decidesConnections ? connections.visit(checked, run) : run(undefined));
  }

  /** The client has gone. */
  cancel(call: number): void {
    this.#open.get(call)?.cancel();
  }

  /** The actor is about to stop: whoever listens can come to an end. */
  stopping(): void {
    for (const exchange of this.#open.values()) exchange.stopping();
  }

  /** Forgets all of them. */
  drop(): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const exchange of open) exchange.drop();
  }

  #ended(call: number): void {
    this.#open.delete(call);
    this.#instance.life.checkIdle();
  }
}
