/** The calls of one instance: from the arguments to the reply. */
import { randomUUID } from "node:crypto";
import { decodeValue } from "@greenroom/client/codec";
import type { ActionEntry } from "../definition/action.js";
import type { DurabilityCode } from "../definition/durability.js";
import { DeadlineError, isThenable, withDeadline } from "./async.js";
import { type CallChain, type CallOrigin, circleFrom, nameOf } from "./call-chain.js";
import { Client, type ClientRecord } from "./client.js";
import { RuntimeConn } from "./conn.js";
import { ConnContext, FiringContext } from "./context.js";
import { ExclusiveLock } from "./exclusive-lock.js";
import {
  aborted,
  actionNotFound,
  actionTimedOut,
  callCycle,
  type HostError,
  invalidValue,
  notConnected,
} from "./failure.js";
import type { Firing } from "./firing.js";
import type { Instance } from "./instance.js";
import { PendingCall } from "./pending-call.js";
import { CallFlag, NONE } from "./records.js";
import { isStream } from "./stream.js";
import { validatedArgs } from "./validation.js";

/** A call as it arrives. The byte fields are views into the batch. */
export interface CallRecord {
  readonly call: number;
  /** The connection, or `NONE`. */
  readonly conn: number;
  readonly name: string;
  /** Bits of `CallFlag`. */
  readonly flags: number;
  readonly client: ClientRecord;
  readonly args: Uint8Array;
}

/** A call whose action has not begun, because something that comes before it takes its time. */
interface Approach {
  readonly entry: ActionEntry;
  readonly conn: RuntimeConn | undefined;
  /** Whether the caller may come back over another connection. */
  readonly isOnce: boolean;
  /** Takes back what was done for it so far. */
  readonly undo: (() => void) | undefined;
}

/** The calls of one instance. */
export class Calls {
  readonly #instance: Instance;
  /** There once a call took longer than its turn. */
  #pending: Map<number, PendingCall> | undefined;
  /** There once a call had to wait before it began. */
  #approaching: Map<number, Approach> | undefined;
  /** There once an exclusive action was called. */
  #lock: ExclusiveLock | undefined;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** How many calls are in progress. */
  get size(): number {
    return (this.#pending?.size ?? 0) + (this.#approaching?.size ?? 0);
  }

  /** The strictest durability among the actions in progress. */
  strictest(): DurabilityCode | undefined {
    let found: DurabilityCode | undefined;
    for (const { entry } of this.#pending?.values() ?? []) {
      if (found === undefined || entry.durability < found) found = entry.durability;
    }
    return found;
  }

  /** Runs an action and answers it, now or later. */
  begin(record: CallRecord): void {
    const instance = this.#instance;
    const { call, name } = record;
    const origin = originOf(record.flags);
    const entry = instance.definition.actions.get(name);
    if (entry === undefined) {
      instance.replyError(call, actionNotFound(name), name);
      return;
    }
    try {
      const args = decodeArgs(record);
      if (record.conn === NONE) {
        const client = Client.read(record.client);
        this.#beginStateless(call, entry, client, args, originOf(record.flags, client.chain));
        return;
      }
      const conn = instance.connections.get(record.conn);
      if (conn === undefined || RuntimeConn.phaseOf(conn) !== "open") throw notConnected();
      const context = new ConnContext(instance, conn);
      if (entry.input === undefined) {
        this.#enter(call, entry, context, args, undefined, undefined, origin);
        return;
      }
      const checked = this.#checkArgs(entry, args);
      const enter = (args: readonly unknown[]): void =>
        this.#enter(call, entry, context, args, undefined, undefined, origin);
      this.#whenKnown(call, entry, conn, checked, enter, undefined, origin.isOnce);
    } catch (error) {
      instance.replyError(call, error, name);
    }
  }

  /** Runs an action because an alarm says so. */
  fire(call: number, entry: ActionEntry, args: readonly unknown[], firing: Firing): void {
    this.#enter(call, entry, new FiringContext(this.#instance), args, firing.over, firing, NO_STREAMS);
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
    this.#cancel(call, aborted("the caller has given up"));
  }

  /** The caller has taken so many items of what the call streams. */
  credit(call: number, items: number): void {
    this.#pending?.get(call)?.credit(items);
  }

  /** What a caller gets of an item: what `onBeforeActionResponse` makes of it. */
  rewrite(context: ConnContext, entry: ActionEntry, output: unknown): unknown {
    const { onBeforeActionResponse } = this.#instance.definition;
    if (onBeforeActionResponse === undefined) return output;
    return onBeforeActionResponse(context, entry.name, ConnContext.argsOf(context), output);
  }

  /** A client is gone, and with it the caller of whatever it called. */
  callerGone(conn: RuntimeConn): void {
    const error = aborted("the client has disconnected");
    for (const [call, pending] of this.#pending ?? []) {
      if (ConnContext.connOf(pending.context) === conn && !pending.mayBeAskedAgain) this.#cancel(call, error);
    }
    for (const [call, approach] of this.#approaching ?? []) {
      if (approach.conn === conn && !approach.isOnce) this.#cancel(call, error);
    }
  }

  /** An action comes to its end: nothing counts on it any more. */
  ending(call: number): void {
    this.#pending?.delete(call);
    this.#instance.life.checkIdle();
  }

  /** An action has come to its end, and is answered. */
  ended(pending: PendingCall): void {
    pending.after?.();
    this.gaveUp(pending.id);
  }

  /** A call is over as far as others are concerned, even if its action goes on. */
  gaveUp(call: number): void {
    this.#lock?.release(call);
  }

  /** Forgets all calls. */
  drop(): void {
    for (const pending of this.#pending?.values() ?? []) pending.drop();
    this.#pending?.clear();
    this.#approaching?.clear();
    this.#lock?.drop();
  }

  #cancel(call: number, error: HostError): void {
    const pending = this.#pending?.get(call);
    if (pending !== undefined) {
      pending.cancel(error);
      return;
    }
    const approach = this.#approaching?.get(call);
    if (approach === undefined) return;
    this.#approaching?.delete(call);
    this.#lock?.leave(call);
    this.#instance.replyError(call, error, approach.entry.name);
    approach.undo?.();
    this.#instance.life.checkIdle();
  }

  /** Goes on with `value`: at once if it is known, otherwise unless the call is given up before. */
  #whenKnown<T>(
    call: number,
    entry: ActionEntry,
    conn: RuntimeConn | undefined,
    value: T | PromiseLike<T>,
    next: (value: T) => void,
    undo?: () => void,
    isOnce = false,
  ): void {
    if (!isThenable(value)) {
      next(value as T);
      return;
    }
    const instance = this.#instance;
    this.#approaches(call, { entry, conn, isOnce, undo });
    instance.defer();
    const refuse = (error: unknown): void => {
      instance.replyError(call, error, entry.name);
      undo?.();
    };
    const unlessGivenUp = (goOn: () => void): void => {
      if (this.#approaching?.delete(call) !== true) return;
      try {
        goOn();
      } catch (error) {
        refuse(error);
      }
      instance.life.checkIdle();
    };
    Promise.resolve(value).then(
      (known) => unlessGivenUp(() => next(known as T)),
      (error: unknown) => unlessGivenUp(() => refuse(error)),
    );
  }

  /** @throws (or rejects with) HostError `actor.validation_error`, `actor.action_timed_out` */
  #checkArgs(
    entry: ActionEntry,
    args: readonly unknown[],
  ): readonly unknown[] | PromiseLike<readonly unknown[]> {
    if (entry.input === undefined) return args;
    const checked = validatedArgs(entry.input, args, entry.name);
    const { actionTimeout } = this.#instance.definition.options;
    if (!isThenable(checked) || actionTimeout === undefined) return checked;
    return withDeadline(
      this.#instance.host.clock,
      checked,
      actionTimeout,
      "the check of the arguments",
    ).catch((error: unknown) => {
      throw error instanceof DeadlineError ? actionTimedOut(entry.name, actionTimeout) : error;
    });
  }

  #beginStateless(
    call: number,
    entry: ActionEntry,
    client: Client,
    args: readonly unknown[],
    origin: CallOrigin,
  ): void {
    const instance = this.#instance;
    const { connParamsSchema, decidesConnections } = instance.definition;
    const go = (client: Client, args: readonly unknown[]): void => {
      if (decidesConnections) this.#introduce(call, entry, client, args, origin);
      else
        this.#enter(
          call,
          entry,
          new ConnContext(instance, undefined, client),
          args,
          undefined,
          undefined,
          origin,
        );
    };
    if (connParamsSchema === undefined && entry.input === undefined) {
      go(client, args);
      return;
    }
    this.#whenKnown(call, entry, undefined, instance.connections.checked(client), (client) => {
      try {
        this.#whenKnown(call, entry, undefined, this.#checkArgs(entry, args), (args) => go(client, args));
      } catch (error) {
        instance.replyError(call, error, entry.name);
      }
    });
  }

  /** A stateless call goes through the same hooks as a connection, with one that lives as long as the call. */
  #introduce(
    call: number,
    entry: ActionEntry,
    client: Client,
    args: readonly unknown[],
    origin: CallOrigin,
  ): void {
    const instance = this.#instance;
    const { connections } = instance;
    const conn = new RuntimeConn(instance, undefined, randomUUID(), client);
    const end = (): void => {
      RuntimeConn.setPhase(conn, "gone");
      instance.life.track(connections.farewell(conn));
    };
    const admit = (): void => {
      RuntimeConn.setPhase(conn, "open");
      try {
        const greeted = connections.greet(conn);
        // `onDisconnect` waits for `onConnect`.
        const undo = (): void => instance.life.track(Promise.resolve(greeted).then(end, end));
        this.#whenKnown(
          call,
          entry,
          undefined,
          greeted,
          () => this.#enter(call, entry, new ConnContext(instance, conn), args, end, undefined, origin),
          undo,
        );
      } catch (error) {
        instance.replyError(call, error, entry.name);
        end();
      }
    };
    this.#whenKnown(call, entry, undefined, connections.decide(conn, client), admit);
  }

  /**
   * Runs an action, or lets it wait until those before it are over.
   *
   * @param after Runs when the action is over.
   */
  #enter(
    call: number,
    entry: ActionEntry,
    context: ConnContext,
    args: readonly unknown[],
    after: (() => void) | undefined,
    firing: Firing | undefined,
    origin: CallOrigin,
  ): void {
    ConnContext.begin(context, call, entry.name, args, origin);
    if (!entry.isExclusive) {
      this.#run(call, entry, context, args, after, firing);
      return;
    }
    this.#lock ??= new ExclusiveLock();
    const lock = this.#lock;
    if (lock.take(call)) {
      this.#run(call, entry, context, args, after, firing);
      return;
    }
    const { holder } = lock;
    const circle = holder === undefined ? undefined : circleFrom(origin.chain, this.#instance, holder);
    if (circle !== undefined) {
      const error = callCycle([...circle, nameOf(this.#instance, entry.name)]);
      this.#instance.replyError(call, error, entry.name);
      after?.();
      return;
    }
    const { isOnce } = origin;
    this.#approaches(call, { entry, conn: ConnContext.connOf(context), isOnce, undo: after });
    lock.wait(call, () => {
      this.#approaching?.delete(call);
      this.#run(call, entry, context, args, after, firing);
      this.#instance.life.checkIdle();
    });
  }

  #run(
    call: number,
    entry: ActionEntry,
    context: ConnContext,
    args: readonly unknown[],
    after: (() => void) | undefined,
    firing: Firing | undefined,
  ): void {
    const instance = this.#instance;
    instance.host.desk.relabel(instance.id, entry.label);
    instance.beginTurn(entry.durability);
    let result: unknown;
    try {
      result = invoke(entry.run, context, args);
      // Nobody looks at what comes of an alarm.
      if (instance.definition.onBeforeActionResponse !== undefined && firing === undefined) {
        result = this.#rewritten(context, entry, result);
      }
      if (isThenable(result) || isStream(result)) {
        this.#wait(new PendingCall(instance, call, entry, context, after, firing), result);
        instance.endTurn(entry.durability);
        return;
      }
      this.completed(call, result, entry, firing);
    } catch (error) {
      this.failed(call, error, entry, firing);
    }
    ConnContext.end(context);
    after?.();
    instance.endTurn(entry.durability);
    if (entry.isExclusive) this.#lock?.release(call);
  }

  #approaches(call: number, approach: Approach): void {
    this.#approaching ??= new Map();
    this.#approaching.set(call, approach);
  }

  #rewritten(context: ConnContext, entry: ActionEntry, result: unknown): unknown {
    // The items of a stream come one by one.
    const rewrite = (output: unknown): unknown =>
      isStream(output) ? output : this.rewrite(context, entry, output);
    return isThenable(result) ? result.then(rewrite) : rewrite(result);
  }

  #wait(pending: PendingCall, result: PromiseLike<unknown> | AsyncIterable<unknown>): void {
    this.#pending ??= new Map();
    this.#pending.set(pending.id, pending);
    this.#instance.defer();
    this.#instance.host.armLater(pending);
    if (pending.mayBeAskedAgain) this.#instance.turn.goesOn(pending.id);
    if (isThenable(result)) Promise.resolve(result).then(pending.resolve, pending.reject);
    else pending.flow(result);
  }
}

/** Calls of clients have one of these, so that most calls need none of their own. */
const NO_STREAMS: CallOrigin = { takesStreams: false, isOnce: false, chain: [] };
const STREAMS: CallOrigin = { takesStreams: true, isOnce: false, chain: [] };
const NO_STREAMS_ONCE: CallOrigin = { takesStreams: false, isOnce: true, chain: [] };
const STREAMS_ONCE: CallOrigin = { takesStreams: true, isOnce: true, chain: [] };

function originOf(flags: number, chain: CallChain = []): CallOrigin {
  const takesStreams = (flags & CallFlag.streams) !== 0;
  const isOnce = (flags & CallFlag.once) !== 0;
  if (chain.length > 0) return { takesStreams, isOnce, chain };
  if (isOnce) return takesStreams ? STREAMS_ONCE : NO_STREAMS_ONCE;
  return takesStreams ? STREAMS : NO_STREAMS;
}

function decodeArgs(record: CallRecord): readonly unknown[] {
  let args: unknown;
  try {
    args = decodeValue(record.args, (record.flags & CallFlag.compat) === 0 ? "native" : "compat");
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
