import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertSame } from "./support/same.js";
import { Session } from "./support/session.js";

describe("dates of the state", () => {
  const initial = () => ({ date: new Date(1), list: [new Date(2)], map: new Map([["k", new Date(3)]]) });
  type State = ReturnType<typeof initial>;

  const writes: [name: string, write: (state: State) => unknown, operations: unknown[][]][] = [
    ["setTime", (s) => s.date.setTime(5), [[0, [], "date", new Date(5)]]],
    ["an invalid date", (s) => s.date.setTime(Number.NaN), [[0, [], "date", new Date(Number.NaN)]]],
    [
      "setUTCHours",
      (s) => s.date.setUTCHours(1, 2, 3, 4),
      [[0, [], "date", new Date("1970-01-01T01:02:03.004Z")]],
    ],
    [
      "setYear",
      (s) => (s.date as Date & { setYear(year: number): number }).setYear(99),
      [[0, [], "date", new Date(new Date(1).setFullYear(1999))]],
    ],
    ["in an array", (s) => s.list[0]?.setTime(6), [[0, ["list"], 0, new Date(6)]]],
    ["in a Map", (s) => s.map.get("k")?.setTime(7), [[0, ["map"], "k", new Date(7)]]],
    ["the same time", (s) => s.date.setTime(1), []],
    [
      "an invalid time twice",
      (s) => [s.date.setTime(Number.NaN), s.date.setDate(1)],
      [[0, [], "date", new Date(Number.NaN)]],
    ],
    [
      "there and back",
      (s) => [s.date.setTime(7), s.date.setTime(1)],
      [
        [0, [], "date", new Date(7)],
        [0, [], "date", new Date(1)],
      ],
    ],
    [
      "on what was replaced",
      (s) => {
        const old = s.date;
        s.date = new Date(3);
        old.setTime(4);
        return old;
      },
      [[0, [], "date", new Date(3)]],
    ],
    [
      "on what was removed",
      (s) => {
        const old = s.list.pop();
        old?.setTime(4);
        return old;
      },
      [[3, ["list"], 0, 1, []]],
    ],
    [
      "on what has moved",
      (s) => {
        const [date] = s.list;
        s.list.unshift(new Date(0));
        date?.setTime(9);
      },
      [
        [3, ["list"], 0, 0, [new Date(0)]],
        [0, ["list"], 1, new Date(9)],
      ],
    ],
    [
      "after assigning it to itself",
      (s) => {
        const { date } = s;
        s.date = date;
        date.setTime(9);
      },
      [[0, [], "date", new Date(9)]],
    ],
    [
      "nothing",
      (s) => [+s.date, `${s.date}`, s.date > new Date(0), JSON.stringify(s.date), structuredClone(s.date)],
      [],
    ],
  ];
  for (const [name, write, operations] of writes) {
    test(`a write is recorded when it happens: ${name}`, () => {
      const session = new Session(initial());
      const plain = initial();
      assertSame(write(session.state), write(plain), "result");
      assertSame(session.commit(), operations, "operations");
      assertSame(session.state, plain, "state");
    });
  }

  test("a copy is independent", () => {
    const session = new Session(initial());
    const { date, list } = session.state;
    list.push(date);
    date.setTime(8);
    list[1]?.setTime(9);
    session.commit();
    assertSame([date, ...list], [new Date(8), new Date(2), new Date(9)]);
  });

  test("every setter that the engine has is recorded", () => {
    for (const name of Object.getOwnPropertyNames(Date.prototype).filter((each) => each.startsWith("set"))) {
      const session = new Session(initial());
      const plain = initial();
      for (const { date } of [session.state, plain]) Reflect.apply(Reflect.get(date, name), date, [3]);
      assert.equal(session.tracker.dirty, plain.date.getTime() !== 1, name);
      session.commit();
      assertSame(session.state, plain, name);
    }
  });

  test("they are dates in every respect, and stay the same ones", () => {
    const session = new Session(initial());
    const { date } = session.state;
    assert.ok(date instanceof Date);
    assert.equal(date.constructor, Date);
    assert.deepEqual(Object.getOwnPropertyNames(date), []);
    session.commit();
    assert.equal(session.state.date, date);
    date.setTime(4);
    assert.deepEqual(session.commit(), [[0, [], "date", new Date(4)]]);
  });

  test("what was assigned is no part of the state", () => {
    const session = new Session(initial());
    const mine = new Date(5);
    session.state.date = mine;
    mine.setTime(6);
    assert.equal(session.state.date.getTime(), 5);
    assert.equal(Object.getPrototypeOf(mine), Date.prototype);
    session.commit();
  });

  test("detached ones work on, and are attached again by copy", () => {
    const session = new Session({ list: [{ at: new Date(1) }] });
    const part = session.state.list.pop() as { at: Date };
    const { at } = part;
    session.commit();
    at.setTime(2);
    assert.equal(part.at, at);
    session.state.list.push(part);
    at.setTime(3);
    assertSame(session.commit(), [[2, ["list"], [{ at: new Date(2) }]]]);
  });

  test("one that is the root is tracked as well", () => {
    const session = new Session<Date | number>(new Date(1));
    const date = session.state as Date;
    date.setTime(2);
    assertSame(session.commit(), [[7, new Date(2)]]);
    session.state = 1;
    date.setTime(3);
    session.commit();
    assert.equal(session.state, 1);
  });
});

describe("regular expressions and errors of the state", () => {
  test("they cannot be changed", () => {
    const session = new Session({ pattern: /a/g, error: new Error("no") });
    session.state.pattern.exec("aaa");
    assert.throws(() => {
      session.state.error.message = "yes";
    }, TypeError);
    assert.deepEqual(session.commit(), []);
  });
});
