/** The calls of one instance: from the arguments to the reply. */
import { randomUUID } from "node:crypto";
import { decodeValue } from "@greenroom/client/codec";
import type { ActionEntry } from "../definition/action.js";
import type { DurabilityCode } from "../definition/durability.js";
import { isThenable } from "./async.js";
import { Client, type ClientRecord } from "./client.js";
import { RuntimeConn } from "./conn.js";
import { ConnContext, FiringContext } from "./context.js";
import { actionNotFound, actionTimedOut, HostError, invalidValue, notConnected } from "./failure.js";
import type { Firing } from "./firing.js";
import type { Instance } from "./instance.js";
import { NONE } from "./records.js";

/** A call as it arrives. The byte fields are views into the batch. */
export interface CallRecord {
  readonly call: number;
  /** The connection, or `NONE`. */
  readonly conn: number;
  readonly name: string;
  /** Whether `args` have compat escapes. */
  readonly compat: boolean;
  readonly client: ClientRecord;
  readonly args: Uint8Array;
}

/** An action that has not come to its end yet. */
export class PendingCall {
  readonly id: number;
  readonly entry: ActionEntry;
  readonly context: ConnContext;
  readonly #instance: Instance;
  readonly #after: (() => void) | undefined;
  readonly #firing: Firing | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAnswered = false;
  #isOver = false;

  constructor(
    instance: Instance,
    id: number,
    entry: ActionEntry,
    context: ConnContext,
    after: (() => void) | undefined,
    firing: Firing | undefined,
  ) {
    this.#instance = instance;
    this.id = id;
    this.entry = entry;
    this.context = context;
    this.#after = after;
    this.#firing = firing;
  }

  /** Starts the clock, unless the action is over already. */
  arm(): void {
    const { actionTimeout } = this.#instance.definition.options;
    if (this.#isOver || actionTimeout === undefined) return;
    this.#timer = setTimeout(() => {
      const error = actionTimedOut(this.entry.name, actionTimeout);
      this.#answer(() => this.#instance.calls.failed(this.id, error, this.entry, this.#firing));
      ConnContext.abort(this.context, error);
    }, actionTimeout);
  }

  readonly resolve = (value: unknown): void => {
    this.#end();
    this.#answer(() => this.#instance.calls.completed(this.id, value, this.entry, this.#firing));
    this.#after?.();
  };

  readonly reject = (error: unknown): void => {
    this.#end();
    this.#answer(() => this.#instance.calls.failed(this.id, error, this.entry, this.#firing));
    this.#after?.();
  };

  /** The instance is gone: nobody waits for anything. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#isAnswered = true;
    this.#isOver = true;
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#isOver = true;
    this.#instance.calls.ended(this);
  }

  #answer(write: () => void): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#instance.turn.atLeast(this.entry.durability);
    write();
  }
}

/** The calls of one instance. */
export class Calls {
  readonly #instance: Instance;
  readonly #pending = new Map<number, PendingCall>();

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** How many actions are in progress. */
  get size(): number {
    return this.#pending.size;
  }

  /** The strictest durability among the actions in progress. */
  strictest(): DurabilityCode | undefined {
    let found: DurabilityCode | undefined;
    for (const { entry } of this.#pending.values()) {
      if (found === undefined || entry.durability < found) found = entry.durability;
    }
    return found;
  }

  /** Runs an action and answers it, now or later. */
  begin(record: CallRecord): void {
    const instance = this.#instance;
    const entry = instance.definition.actions.get(record.name);
    if (entry === undefined) {
      instance.replyError(record.call, actionNotFound(record.name), record.name);
      return;
    }
    try {
      const args = decodeArgs(record);
      if (record.conn !== NONE) {
        const conn = instance.connections.get(record.conn);
        if (conn === undefined || RuntimeConn.phaseOf(conn) !== "open") throw notConnected();
        this.#run(record.call, entry, new ConnContext(instance, conn), args, undefined);
        return;
      }
      const client = Client.read(record.client);
      if (instance.definition.decidesConnections) this.#runStateless(record.call, entry, client, args);
      else this.#run(record.call, entry, new ConnContext(instance, undefined, client), args, undefined);
    } catch (error) {
      instance.replyError(record.call, error, record.name);
    }
  }

  /** Runs an action because an alarm says so. */
  fire(call: number, entry: ActionEntry, args: readonly unknown[], firing: Firing): void {
    this.#run(call, entry, new FiringContext(this.#instance), args, firing.over, firing);
  }

  /** An action gave a result. What follows from that belongs to the same turn. */
  completed(call: number, value: unknown, entry: ActionEntry, firing: Firing | undefined): void {
    if (firing === undefined) this.#instance.reply(call, value, entry.name);
    else firing.completed();
  }

  /** An action failed, or took too long. */
  failed(call: number, error: unknown, entry: ActionEntry, firing: Firing | undefined): void {
    if (firing === undefined) this.#instance.replyError(call, error, entry.name);
    else firing.failed(error);
  }

  /** The caller has given up. */
  cancel(call: number): void {
    const pending = this.#pending.get(call);
    if (pending === undefined) return;
    ConnContext.abort(pending.context, new HostError("actor", "aborted", "the caller has given up"));
  }

  ended(pending: PendingCall): void {
    this.#pending.delete(pending.id);
    this.#instance.life.checkIdle();
  }

  /** Forgets all calls. */
  drop(): void {
    for (const pending of this.#pending.values()) pending.drop();
    this.#pending.clear();
  }

  /** @param after Runs when the action is over. */
  #run(
    call: number,
    entry: ActionEntry,
    context: ConnContext,
    args: readonly unknown[],
    after: (() => void) | undefined,
    firing?: Firing,
  ): void {
    const instance = this.#instance;
    instance.beginTurn(entry.durability);
    let result: unknown;
    try {
      result = invoke(entry.run, context, args);
      if (isThenable(result)) {
        this.#wait(new PendingCall(instance, call, entry, context, after, firing), result);
        instance.endTurn(entry.durability);
        return;
      }
      this.completed(call, result, entry, firing);
    } catch (error) {
      this.failed(call, error, entry, firing);
    }
    after?.();
    instance.endTurn(entry.durability);
  }

  #wait(pending: PendingCall, result: PromiseLike<unknown>): void {
    this.#pending.set(pending.id, pending);
    this.#instance.defer();
    this.#instance.host.armLater(pending);
    Promise.resolve(result).then(pending.resolve, pending.reject);
  }

  /** A stateless call goes through the same hooks as a connection, with one that lives as long as the call. */
  #runStateless(call: number, entry: ActionEntry, client: Client, args: readonly unknown[]): void {
    const instance = this.#instance;
    const { connections } = instance;
    const conn = new RuntimeConn(instance, undefined, randomUUID(), client);
    const end = (): void => {
      RuntimeConn.setPhase(conn, "gone");
      instance.life.track(connections.farewell(conn));
    };
    const run = (): void => {
      if (!instance.isDropped) this.#run(call, entry, new ConnContext(instance, conn), args, end);
    };
    const refuse = (error: unknown): void => instance.replyError(call, error, entry.name);
    const admit = (): void | Promise<void> => {
      if (instance.isDropped) return;
      RuntimeConn.setPhase(conn, "open");
      const failed = (error: unknown): void => {
        refuse(error);
        end();
      };
      try {
        const greeted = connections.greet(conn);
        if (greeted !== undefined) return greeted.then(run, failed);
      } catch (error) {
        failed(error);
        return;
      }
      run();
    };
    const decided = connections.decide(conn, client);
    if (decided === undefined) instance.life.track(admit());
    else instance.life.track(decided.then(admit, refuse));
  }
}

function decodeArgs(record: CallRecord): readonly unknown[] {
  let args: unknown;
  try {
    args = decodeValue(record.args, record.compat ? "compat" : "native");
  } catch (error) {
    throw invalidValue("the arguments", error);
  }
  if (!Array.isArray(args)) throw invalidValue("the arguments", "they are not a list");
  return args;
}

/** Spelled out because spreading a short list costs more than the call. */
function invoke(run: ActionEntry["run"], context: ConnContext, args: readonly unknown[]): unknown {
  switch (args.length) {
    case 0:
      return run(context);
    case 1:
      return run(context, args[0]);
    case 2:
      return run(context, args[0], args[1]);
    case 3:
      return run(context, args[0], args[1], args[2]);
    default:
      return run(context, ...args);
  }
}
