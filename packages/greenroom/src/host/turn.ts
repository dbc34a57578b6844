/**
 * What an instance has produced since its last turn: changes of state, and outputs in order.
 *
 * A turn is closed when the host flushes, which it does only between stretches of user code, so a stretch is never
 * torn apart. Where actions of one actor differ in durability, those that are not strict get turns of their own;
 * what an action changes after an `await` then counts as the strictest of the actions in progress, because nobody
 * can tell which of them it was.
 */
import { ByteWriter, encodeValue, writeArrayHead, writeUint } from "@greenroom/client/codec";
import { DurabilityCode } from "../definition/durability.js";
import type { StateTracker } from "../state/index.js";
import { RuntimeConn } from "./conn.js";
import { OutputWriter } from "./output-writer.js";

/** The operation that replaces the whole state, see `state/recorder.ts`. */
const REPLACE_ROOT = 7;

/** What a turn log needs to know of its instance. */
export interface TurnOwner {
  readonly id: number;
  /** The durability of changes that belong to no action. */
  readonly durability: DurabilityCode;
  /** Whether its actions differ in durability. */
  readonly isMixed: boolean;
  /** Whether all changes are ephemeral, so that they are not even handed over. */
  readonly isUnstored: boolean;
  /** The strictest durability among the actions in progress; undefined if there are none. */
  strictestInProgress(): DurabilityCode | undefined;
  /** The state has changed. What this puts out still belongs to the turn. */
  stateChanged(): void;
}

const discarded = new ByteWriter();

/** See the top of the file. */
export class TurnLog {
  state: StateTracker | undefined;
  /** The version of the state, if what is handed over next gives it one. */
  stateVersion: number | undefined;
  readonly outputs = new OutputWriter();
  readonly #owner: TurnOwner;
  /** There once a connection had state. */
  #changedConns: Set<RuntimeConn> | undefined;
  /** Calls that run once and go on beyond a turn, which the core is told with the next turn that it is told. */
  #goingOn: number[] | undefined;
  #durability: DurabilityCode | undefined;
  #storeWhole = false;

  constructor(owner: TurnOwner) {
    this.#owner = owner;
  }

  /** Before user code of the given durability runs. */
  begin(durability: DurabilityCode, batch: ByteWriter): void {
    if (!this.#owner.isMixed) return;
    if (this.#durability !== durability && this.#isPending) this.close(batch);
    this.#durability = durability;
  }

  /** After it has run, up to its first `await`. */
  end(durability: DurabilityCode, batch: ByteWriter): void {
    if (!this.#owner.isMixed) return;
    if (durability !== DurabilityCode.strict && this.#isPending) this.close(batch, durability);
    else if (!this.#isPending) this.#durability = undefined;
  }

  /** The open turn must be at least this strict. */
  atLeast(durability: DurabilityCode): void {
    if (!this.#owner.isMixed) return;
    this.#durability = strictest(this.#durability, durability);
  }

  /** A connection's state has changed, or may have. */
  connChanged(conn: RuntimeConn): void {
    this.#changedConns ??= new Set();
    this.#changedConns.add(conn);
  }

  /** A call that runs once is not over with this turn. */
  goesOn(call: number): void {
    this.#goingOn ??= [];
    this.#goingOn.push(call);
  }

  /** Hands over the whole state with the next turn, if changes are not handed over by themselves. */
  storeWhole(): void {
    this.#storeWhole = this.#owner.isUnstored && this.state !== undefined;
  }

  /** Appends the open turn to `batch`, if there is anything in it, and begins the next. */
  close(batch: ByteWriter, durability = this.#settledDurability()): void {
    const start = batch.length;
    this.#durability = undefined;
    this.#writeConnStates();
    batch.u32le(this.#owner.id);
    batch.u8(durability);
    const size = batch.reserve(4);
    const hasChanged = this.#writeChanges(batch);
    const length = batch.length - size - 4;
    batch.patchU32le(size, length);
    if (length > 0 && this.stateVersion !== undefined) {
      this.outputs.stateVersion(this.stateVersion);
      this.stateVersion = undefined;
    }
    if (hasChanged) this.#owner.stateChanged();
    if (length === 0 && this.outputs.isEmpty) {
      batch.truncate(start);
      return;
    }
    if (this.#goingOn !== undefined) {
      for (const call of this.#goingOn) this.outputs.goesOn(call);
      this.#goingOn = undefined;
    }
    this.outputs.moveTo(batch);
  }

  /** Forgets everything that has not been handed over, and the state with it. */
  abandon(): void {
    this.state = undefined;
    this.stateVersion = undefined;
    this.outputs.clear();
    this.#changedConns = undefined;
    this.#goingOn = undefined;
    this.#storeWhole = false;
  }

  get #isPending(): boolean {
    return !this.outputs.isEmpty || this.state?.dirty === true || (this.#changedConns?.size ?? 0) > 0;
  }

  #settledDurability(): DurabilityCode {
    const owner = this.#owner;
    if (!owner.isMixed) return owner.durability;
    return strictest(this.#durability, owner.strictestInProgress()) ?? owner.durability;
  }

  #writeChanges(batch: ByteWriter): boolean {
    const { state } = this;
    if (state === undefined) return false;
    if (!this.#owner.isUnstored) return state.takeChanges(batch);
    const hasChanged = state.takeChanges(discarded);
    discarded.reset();
    if (this.#storeWhole) {
      this.#storeWhole = false;
      writeArrayHead(batch, 2);
      writeUint(batch, REPLACE_ROOT);
      encodeValue(batch, state.raw, "state");
    }
    return hasChanged;
  }

  #writeConnStates(): void {
    if (this.#changedConns === undefined || this.#changedConns.size === 0) return;
    for (const conn of this.#changedConns) this.#writeConnState(conn);
    this.#changedConns.clear();
  }

  #writeConnState(conn: RuntimeConn): void {
    const key = RuntimeConn.keyOf(conn);
    const state = RuntimeConn.trackerOf(conn);
    if (key === undefined || state === undefined || RuntimeConn.phaseOf(conn) !== "open") return;
    // A connection's state is handed over whole; taking its changes makes it report the next one.
    state.takeChanges(discarded);
    discarded.reset();
    this.outputs.connState(key, state.raw);
  }
}

function strictest(
  first: DurabilityCode | undefined,
  second: DurabilityCode | undefined,
): DurabilityCode | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return first < second ? first : second;
}
