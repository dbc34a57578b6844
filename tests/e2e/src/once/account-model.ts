/** What is known of the calls of one `account`, and what has to be true at the end because of that. */
import assert from "node:assert/strict";

/** The state of an `account`, as its actions show it. */
export interface AccountState {
  readonly entries: readonly string[];
  readonly sum: number;
  readonly halves: readonly string[];
  readonly pairs: readonly (readonly [key: string, value: string])[];
}

/** How a call ended: with a number that it answered, or in a way that says that it may have run in part. */
export type Outcome = number | "interrupted";

export class AccountModel {
  readonly name: string;
  /** Calls by kind and entry; `undefined` while they have no outcome. */
  readonly #calls = {
    add: new Map<string, Outcome | undefined>(),
    addLater: new Map<string, Outcome | undefined>(),
    addTwice: new Map<string, Outcome | undefined>(),
  };

  constructor(name: string) {
    this.name = name;
  }

  /** How many calls have an outcome, and how many of them were interrupted. */
  get totals(): { readonly answered: number; readonly interrupted: number } {
    const outcomes = Object.values(this.#calls).flatMap((calls) => [...calls.values()]);
    const interrupted = outcomes.filter((outcome) => outcome === "interrupted").length;
    return { answered: outcomes.filter((outcome) => outcome !== undefined).length, interrupted };
  }

  /** A call is about to be made. The returned function takes its outcome. */
  begin(kind: "add" | "addLater" | "addTwice", entry: string): (outcome: Outcome) => void {
    const calls = this.#calls[kind];
    assert.ok(!calls.has(entry), "every entry is added once");
    calls.set(entry, undefined);
    return (outcome) => void calls.set(entry, outcome);
  }

  /** Checks the state when every call has its outcome. */
  check({ entries, sum, halves, pairs }: AccountState): void {
    const { add, addLater, addTwice } = this.#calls;
    const places = this.#placesOf(entries);
    for (const entry of places.keys()) {
      assert.ok(add.has(entry) || addLater.has(entry), `${this.name} has ${entry}, which nobody added`);
    }
    // A call of one turn is never interrupted: it has stored everything, or nothing.
    for (const [entry, outcome] of add) {
      assert.equal(outcome, (places.get(entry) ?? -1) + 1, `${this.name}: the answer to ${entry}`);
    }
    for (const [entry, outcome] of addLater) {
      if (outcome === "interrupted") continue;
      assert.equal(outcome, (places.get(entry) ?? -1) + 1, `${this.name}: the answer to ${entry}`);
    }
    const expectedSum = [...add.keys()].reduce((total, entry) => total + entry.length, 0);
    assert.equal(sum, expectedSum, `${this.name} has a sum that is not that of its entries`);
    const expectedPairs = [...add].map(([entry, outcome]) => [`entry/${entry}`, String(outcome)]).sort();
    assert.deepEqual([...pairs].sort(), expectedPairs, `${this.name} has pairs of other turns`);
    this.#checkHalves(this.#placesOf(halves), addTwice);
  }

  #checkHalves(places: ReadonlyMap<string, number>, calls: ReadonlyMap<string, Outcome | undefined>): void {
    for (const half of places.keys()) {
      assert.ok(calls.has(half.slice(0, -2)), `${this.name} has ${half}, which nobody added`);
    }
    for (const [entry, outcome] of calls) {
      const [first, second] = [places.get(`${entry} 1`), places.get(`${entry} 2`)];
      if (outcome === "interrupted") continue;
      assert.notEqual(first, undefined, `${this.name} has no first half of ${entry}`);
      assert.equal(outcome, (second ?? -1) + 1, `${this.name}: the answer to ${entry}`);
    }
  }

  /** Where everything is. Nothing is there twice. */
  #placesOf(list: readonly string[]): Map<string, number> {
    const places = new Map<string, number>();
    for (const [place, entry] of list.entries()) {
      assert.ok(!places.has(entry), `${this.name} has ${entry} twice`);
      places.set(entry, place);
    }
    return places;
  }
}
