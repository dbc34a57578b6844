/**
 * What the callers of one `ledger` actor know about it, and what must be true of it because of that.
 *
 * A call is invoked, and then acknowledged (a reply came), refused (it certainly did not run) or lost (nobody
 * knows). An acknowledged call ran exactly once, a refused one never, a lost one at most once.
 */
import assert from "node:assert/strict";

/** The state of a `ledger`, as its action `read` shows it. */
export interface LedgerState {
  readonly count: number;
  readonly entries: readonly string[];
  /** The same as pairs of key and value. */
  readonly pairs: readonly (readonly [key: string, value: string])[];
}

/** How a call ended. */
export type Outcome = { readonly reply: number } | "refused" | "lost";

interface Append {
  readonly entry: string;
  readonly caller: string;
  outcome: Outcome | "pending";
}

/** What is known at one moment, and has to be true of every read that begins after it. */
export interface Knowledge {
  readonly increments: readonly number[];
  readonly appends: readonly { readonly entry: string; readonly length: number }[];
  readonly events: readonly { readonly subscriber: string; readonly entries: readonly string[] }[];
}

export class LedgerModel {
  readonly name: string;
  /** The replies to acknowledged increments, by caller and in the order of the calls. */
  readonly #increments = new Map<string, number[]>();
  #possibleIncrements = 0;
  readonly #appends = new Map<string, Append>();
  readonly #events = new Map<string, string[]>();
  /** Calls by how they ended. */
  readonly totals = { acknowledged: 0, refused: 0, lost: 0, events: 0 };

  constructor(name: string) {
    this.name = name;
  }

  /** An increment is about to be sent. The returned function takes its outcome. */
  increment(caller: string): (outcome: Outcome) => void {
    this.#possibleIncrements += 1;
    return (outcome) => {
      this.#tally(outcome);
      if (outcome === "refused") this.#possibleIncrements -= 1;
      else if (outcome !== "lost") listIn(this.#increments, caller).push(outcome.reply);
    };
  }

  /** An append of `entry`, which nobody appended before, is about to be sent. */
  append(caller: string, entry: string): (outcome: Outcome) => void {
    assert.ok(!this.#appends.has(entry), "the test appends every entry once");
    const append: Append = { entry, caller, outcome: "pending" };
    this.#appends.set(entry, append);
    return (outcome) => {
      this.#tally(outcome);
      append.outcome = outcome;
    };
  }

  /** A subscriber received the event of `entry`. */
  event(subscriber: string, entry: string): void {
    this.totals.events += 1;
    listIn(this.#events, subscriber).push(entry);
  }

  /** What is known now. */
  knowledge(): Knowledge {
    const appends = [...this.#appends.values()].flatMap(({ entry, outcome }) =>
      typeof outcome === "object" ? [{ entry, length: outcome.reply }] : [],
    );
    const events = [...this.#events].map(([subscriber, entries]) => ({ subscriber, entries: [...entries] }));
    return { increments: [...this.#increments.values()].flat(), appends, events };
  }

  /** Checks a state that was read after `known` was known. */
  check(state: LedgerState, known: Knowledge): void {
    this.#checkCount(state.count, known.increments);
    const places = this.#placesOf(state.entries);
    for (const { entry, length } of known.appends) {
      assert.equal(places.get(entry), length - 1, `${this.name} lost or moved the acknowledged ${entry}`);
    }
    for (const { subscriber, entries } of known.events) {
      this.#checkOrder(`events at ${subscriber}`, entries, places);
    }
    this.#checkCallOrder(places);
    this.#checkPairs(state);
  }

  /** What an action does to the state and to the pairs is stored together, so they always agree. */
  #checkPairs({ count, entries, pairs }: LedgerState): void {
    const expected = entries.map((entry, place) => [`entry/${String(place).padStart(6, "0")}`, entry]);
    if (count > 0) expected.unshift(["count", String(count)]);
    assert.deepEqual(pairs, expected, `${this.name} has pairs that are not of the same turn as its state`);
  }

  #checkCount(count: number, acknowledged: readonly number[]): void {
    const range = `${acknowledged.length} increments were acknowledged, ${this.#possibleIncrements} may have run`;
    assert.ok(count >= acknowledged.length, `${this.name} lost increments: it counts ${count}, but ${range}`);
    assert.ok(count <= this.#possibleIncrements, `${this.name} counts ${count}, but only ${range}`);
    const distinct = new Set(acknowledged);
    assert.equal(distinct.size, acknowledged.length, `${this.name} gave two increments the same number`);
    const highest = acknowledged.reduce((a, b) => Math.max(a, b), 0);
    assert.ok(highest <= count, `${this.name} counts ${count} and acknowledged number ${highest}`);
    for (const [caller, replies] of this.#increments) {
      assert.ok(isRising(replies), `${this.name} answered the increments of ${caller} out of order`);
    }
  }

  /** Where each entry is. Each is there once and came from a call that may have run. */
  #placesOf(entries: readonly string[]): Map<string, number> {
    const places = new Map<string, number>();
    for (const [place, entry] of entries.entries()) {
      assert.ok(!places.has(entry), `${this.name} has ${entry} twice, and nobody repeated the call`);
      const append = this.#appends.get(entry);
      assert.ok(append, `${this.name} has ${entry}, which nobody appended`);
      assert.notEqual(append.outcome, "refused", `${this.name} has ${entry}, whose call was refused`);
      places.set(entry, place);
    }
    return places;
  }

  /** Events that someone received are in the state, in the order in which they came, none of them twice. */
  #checkOrder(what: string, entries: readonly string[], places: ReadonlyMap<string, number>): void {
    const found = entries.map((entry) => {
      const place = places.get(entry);
      assert.notEqual(place, undefined, `${what} of ${this.name}: ${entry} is not in the state`);
      return place ?? -1;
    });
    assert.ok(isRising(found), `${what} of ${this.name} are out of order or repeated`);
  }

  /** The calls of one caller took effect in the order in which it made them. */
  #checkCallOrder(places: ReadonlyMap<string, number>): void {
    const byCaller = new Map<string, number[]>();
    for (const { entry, caller } of this.#appends.values()) {
      const place = places.get(entry);
      if (place !== undefined) listIn(byCaller, caller).push(place);
    }
    for (const [caller, found] of byCaller) {
      assert.ok(isRising(found), `the appends of ${caller} to ${this.name} are out of order`);
    }
  }

  #tally(outcome: Outcome): void {
    this.totals[typeof outcome === "object" ? "acknowledged" : outcome] += 1;
  }
}

function listIn<T>(lists: Map<string, T[]>, name: string): T[] {
  let list = lists.get(name);
  if (list === undefined) {
    list = [];
    lists.set(name, list);
  }
  return list;
}

function isRising(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? number));
}
