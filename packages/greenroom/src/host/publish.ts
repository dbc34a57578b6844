/** Messages that come from outside: who may send them, and what their senders are told. */
import { decodeValue } from "@greenroom/client/codec";
import type { QueueDefinition } from "../definition/queue.js";
import { Client, type ClientRecord } from "./client.js";
import type { RuntimeConn } from "./conn.js";
import { ConnContext } from "./context.js";
import { completionTimedOut, invalidValue, queueNotFound, waiterDropped } from "./failure.js";
import { askGuard } from "./guard.js";
import type { Sender } from "./inbox.js";
import type { Instance } from "./instance.js";
import { prepare } from "./sending.js";

/** A message as it arrives. The byte fields are views into the batch. */
export interface PublishRecord {
  readonly call: number;
  readonly queue: string;
  /** Whether `body` has compat escapes. */
  readonly compat: boolean;
  readonly client: ClientRecord;
  readonly wait: boolean;
  /** In milliseconds; negative for none. */
  readonly timeout: number;
  readonly body: Uint8Array;
}

/** The longest delay of a JavaScript timer. */
const MAX_TIME = 0x7fff_ffff;

/** The messages from outside of one instance. */
export class Publishing {
  readonly #instance: Instance;
  /** Those who wait until their message is finished, by call. */
  readonly #waiting = new Map<number, WaitingSender>();
  /** Those about whom a hook, a schema or a guard has yet to decide. */
  readonly #undecided = new Set<number>();

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** Stores a message and answers, at once or when it is finished. */
  begin(record: PublishRecord): void {
    const instance = this.#instance;
    const { call, wait } = record;
    const queue = instance.definition.queues.get(record.queue);
    const refuse = (error: unknown): void => instance.refusePublish(call, error, record.queue);
    if (queue === undefined) {
      refuse(queueNotFound(record.queue));
      return;
    }
    try {
      const payload = prepare(instance, record.queue, decodeBody(record));
      const timeout = record.timeout < 0 ? undefined : record.timeout;
      const store = (): void => {
        if (!instance.isDropped) this.#store(call, record.queue, payload, wait, timeout);
      };
      const { decidesConnections, connParamsSchema } = instance.definition;
      if (queue.canPublish === undefined && connParamsSchema === undefined && !decidesConnections) {
        store();
        return;
      }
      this.#undecided.add(call);
      this.#undecided.add(call);
      const admitted = this.#admit(queue, record).then(() => {
        // The message of one who has given up meanwhile is not taken.
        if (this.#undecided.delete(call)) store();
      });
      const failed = (error: unknown): void => {
        this.#undecided.delete(call);
        refuse(error);
      };
      instance.life.track(admitted.catch(failed));
    } catch (error) {
      refuse(error);
    }
  }

  /** The sender has given up. Its message stays if it is there already. */
  cancel(call: number): void {
    if (this.#undecided.delete(call)) this.#instance.outputs().reply(call, null);
    this.#waiting.get(call)?.giveUp();
  }

  /** Nobody is answered any more. */
  drop(): void {
    for (const sender of this.#waiting.values()) sender.drop();
    this.#waiting.clear();
    this.#undecided.clear();
  }

  ended(sender: WaitingSender): void {
    this.#waiting.delete(sender.call);
  }

  #store(call: number, name: string, payload: Uint8Array, wait: boolean, timeout: number | undefined): void {
    const instance = this.#instance;
    const sender = wait ? new WaitingSender(instance, this, call, name) : undefined;
    const entry = instance.inbox.send({ name, createdAt: instance.host.clock.now(), payload }, sender);
    if (sender === undefined) {
      instance.outputs().published(call, undefined);
    } else if (entry.sender !== undefined) {
      this.#waiting.set(call, sender);
      sender.arm(entry, timeout);
    }
  }

  /** @throws (as a rejection) why the caller may not send. The record is read before this gives a promise. */
  async #admit(queue: QueueDefinition, record: PublishRecord): Promise<void> {
    const { connections, definition } = this.#instance;
    const { queue: name } = record;
    const client = await connections.checked(Client.read(record.client));
    if (!definition.decidesConnections) return this.#ask(queue, name, undefined, client);
    return connections.visit(client, (conn) => this.#ask(queue, name, conn, client));
  }

  async #ask(
    { canPublish }: QueueDefinition,
    name: string,
    conn: RuntimeConn | undefined,
    client: Client,
  ): Promise<void> {
    if (canPublish === undefined) return;
    const context = new ConnContext(this.#instance, conn, client);
    const what = `sending to the queue \`${name}\``;
    await askGuard(this.#instance, canPublish, context, "canPublish", what);
  }
}

/** A sender who waits until its message is finished. */
class WaitingSender implements Sender {
  readonly call: number;
  readonly #instance: Instance;
  readonly #owner: Publishing;
  readonly #name: string;
  #entry: { sender: Sender | undefined } | undefined;
  #timer: unknown;

  constructor(instance: Instance, owner: Publishing, call: number, name: string) {
    this.#instance = instance;
    this.#owner = owner;
    this.call = call;
    this.#name = name;
  }

  /** Starts the clock. @param timeout In milliseconds; absent for as long as an action may take. */
  arm(entry: { sender: Sender | undefined }, timeout: number | undefined): void {
    this.#entry = entry;
    const { actionTimeout } = this.#instance.definition.options;
    if (timeout !== undefined) {
      if (timeout <= MAX_TIME)
        this.#timer = this.#instance.host.clock.setTimeout(() => this.giveUp(), timeout);
    } else if (actionTimeout !== undefined) {
      this.#timer = this.#instance.host.clock.setTimeout(() => {
        this.#leave();
        this.#instance.refusePublish(this.call, completionTimedOut(actionTimeout), this.#name);
      }, actionTimeout);
    }
  }

  completed(response: Uint8Array | undefined): void {
    this.#leave();
    this.#instance.outputs().published(this.call, response);
  }

  left(): void {
    this.#leave();
    this.#instance.refusePublish(this.call, waiterDropped(), this.#name);
  }

  /** The time is up, or nobody listens any more. */
  giveUp(): void {
    this.#leave();
    this.#instance.outputs().reply(this.call, null);
  }

  drop(): void {
    this.#instance.host.clock.clearTimeout(this.#timer);
  }

  #leave(): void {
    this.#instance.host.clock.clearTimeout(this.#timer);
    if (this.#entry !== undefined) this.#entry.sender = undefined;
    this.#owner.ended(this);
  }
}

function decodeBody({ body, compat }: PublishRecord): unknown {
  try {
    return decodeValue(body, compat ? "compat" : "native");
  } catch (error) {
    throw invalidValue("the message", error);
  }
}
