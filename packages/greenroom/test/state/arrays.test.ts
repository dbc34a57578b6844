import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertSame } from "./support/same.js";
import { Session } from "./support/session.js";

type Item = { id: number; tags: string[] };

const item = (id: number): Item => ({ id, tags: [`t${id}`] });
const numbers = (): number[] => [5, 3, 9, 1, 7];
const items = (): Item[] => [3, 1, 2, 0].map(item);

describe("arrays of the state", () => {
  const onNumbers: [name: string, change: (list: number[]) => unknown, operations: unknown[][]][] = [
    ["push", (l) => l.push(1, 2), [[2, [], [1, 2]]]],
    ["push nothing", (l) => l.push(), []],
    [
      "index at the end",
      (l) => {
        l[5] = 4;
      },
      [[2, [], [4]]],
    ],
    [
      "index beyond the end",
      (l) => {
        l[7] = 4;
        return l.length;
      },
      [[2, [], [undefined, undefined, 4]]],
    ],
    [
      "index",
      (l) => {
        l[1] = 4;
      },
      [[0, [], 1, 4]],
    ],
    [
      "same index",
      (l) => {
        l[1] = 3;
      },
      [],
    ],
    ["pop", (l) => l.pop(), [[3, [], 4, 1, []]]],
    ["shift", (l) => l.shift(), [[3, [], 0, 1, []]]],
    ["unshift", (l) => l.unshift(8, 9), [[3, [], 0, 0, [8, 9]]]],
    ["unshift nothing", (l) => l.unshift(), []],
    ["splice to the end", (l) => l.splice(2), [[3, [], 2, 3, []]]],
    ["splice", (l) => l.splice(1, 2, 10, 11, 12), [[3, [], 1, 2, [10, 11, 12]]]],
    ["splice from the end", (l) => l.splice(-2, 1), [[3, [], 3, 1, []]]],
    ["splice at the end", (l) => l.splice(99, 1, 6), [[2, [], [6]]]],
    ["splice without arguments", (l) => (l.splice as () => number[])(), []],
    ["splice of undefined", (l) => l.splice(undefined as never, undefined as never), []],
    ["splice of Infinity", (l) => l.splice(-Infinity, Infinity), [[3, [], 0, 5, []]]],
    [
      "shorter length",
      (l) => {
        l.length = 2;
      },
      [[3, [], 2, 3, []]],
    ],
    [
      "longer length",
      (l) => {
        l.length = 7;
        return [...l];
      },
      [[2, [], [undefined, undefined]]],
    ],
    [
      "same length",
      (l) => {
        l.length = 5;
      },
      [],
    ],
    ["sort", (l) => l.sort(), [[4, [], [3, 1, 1, -2, 4, 1, 2, 1]]]],
    ["sort by", (l) => l.sort((a, b) => b - a), [[4, [], [2, 1, 4, 1, 0, 2, 3, 1]]]],
    [
      "sort what is sorted",
      (l) => {
        l.sort();
        l.sort();
      },
      [[4, [], [3, 1, 1, -2, 4, 1, 2, 1]]],
    ],
    ["reverse", (l) => l.reverse(), [[4, [], [4, -5]]]],
    ["fill", (l) => l.fill(0, 1, 3), [[3, [], 1, 2, [0, 0]]]],
    ["fill from the end", (l) => l.fill(0, -1), [[3, [], 4, 1, [0]]]],
    ["fill nothing", (l) => l.fill(0, 3, 3), []],
    ["copyWithin", (l) => l.copyWithin(0, 3), [[4, [], [3, 2, 2, 3]]]],
    ["copyWithin that overlaps", (l) => l.copyWithin(1, 0, 4), [[4, [], [0, 1, 0, 4]]]],
    [
      "delete",
      (l) => {
        delete l[1];
        return l[1];
      },
      [[0, [], 1, undefined]],
    ],
    ["delete beyond the end", (l) => delete l[9], []],
    [
      "swap",
      (l) => {
        [l[0], l[1]] = [l[1] as number, l[0] as number];
      },
      [
        [0, [], 0, 3],
        [0, [], 1, 5],
      ],
    ],
    ["borrowed push", (l) => Array.prototype.push.call(l, 1), [[2, [], [1]]]],
    [
      "define",
      (l) => {
        Object.defineProperty(l, 0, { value: 1 });
      },
      [[0, [], 0, 1]],
    ],
    [
      "define length",
      (l) => {
        Object.defineProperty(l, "length", { value: 4 });
      },
      [[3, [], 4, 1, []]],
    ],
  ];
  const dense = (list: unknown): unknown => (Array.isArray(list) ? Array.from(list, dense) : list);
  for (const [name, change, operations] of onNumbers) {
    test(`${name} behaves as natively and is one operation`, () => {
      const session = new Session<number[]>(numbers());
      const plain = numbers();
      assertSame(dense(change(session.state)), dense(change(plain)), "result");
      assertSame(session.commit(), operations, "operations");
      assertSame(session.state, dense(plain), "state");
    });
  }

  const onItems: [name: string, change: (list: Item[]) => unknown][] = [
    ["sort by a property", (l) => l.sort((a, b) => a.id - b.id)],
    ["sort by text", (l) => l.sort()],
    ["reverse", (l) => l.reverse()],
    ["splice", (l) => l.splice(1, 2, item(8))],
    ["pop", (l) => l.pop()],
    ["shift", (l) => l.shift()],
    ["unshift", (l) => l.unshift(item(7), item(8))],
    [
      "forEach that writes",
      (l) =>
        l.forEach((each, index) => {
          each.id += index;
        }),
    ],
    [
      "find and write",
      (l) => {
        (l.find((each) => each.id === 1) as Item).tags.push("x");
      },
    ],
    [
      "filter and write",
      (l) => {
        for (const each of l.filter(({ id }) => id > 1)) each.id = 0;
      },
    ],
    [
      "for of that writes",
      (l) => {
        for (const each of l) each.tags.push("y");
      },
    ],
    [
      "for in that writes",
      (l) => {
        for (const index in l) (l[index] as Item).id++;
      },
    ],
    [
      "slice and write",
      (l) => {
        for (const each of l.slice(-3, -1)) each.id = 9;
      },
    ],
    [
      "entries",
      (l) => {
        for (const [index, each] of l.entries()) each.id = index;
      },
    ],
    ["map", (l) => l.map((each) => each.tags)],
    ["flatMap", (l) => l.flatMap((each) => each.tags)],
    ["concat", (l) => l.concat(l.slice(1), [item(5)])],
    ["concat of nested arrays", (l) => ([] as unknown[]).concat(l, l[0]?.tags as never)],
    ["toSorted", (l) => l.toSorted((a, b) => a.id - b.id)],
    ["toReversed", (l) => l.toReversed()],
    ["toSpliced", (l) => l.toSpliced(1, 1)],
    ["with", (l) => l.with(0, item(6))],
    ["at", (l) => [l.at(0), l.at(-1), l.at(9)]],
    ["reduce", (l) => l.reduce((sum, each) => sum + each.id, 0)],
    ["reduce without start", (l) => l.reduce((a, b) => (a.id > b.id ? a : b))],
    ["reduceRight", (l) => l.reduceRight((text, each) => text + each.id, "")],
    [
      "some and every",
      (l) => [l.some(({ id }) => id > 2), l.every(({ id }) => id > 2), [].every(() => false)],
    ],
    [
      "findLast",
      (l) => [
        l.findLast(({ id }) => id < 3),
        l.findLastIndex(({ id }) => id < 3),
        l.findIndex(({ id }) => id > 5),
      ],
    ],
    ["join", (l) => [l.join("-"), l.toString(), l.map(({ id }) => id).join()]],
    ["spread", (l) => [...l, ...(l[0] as Item).tags]],
    ["destructuring", ([first, ...rest]) => [first, rest]],
    ["Array.from", (l) => Array.from(l, ({ id }) => id)],
    ["Object.keys", (l) => Object.keys(l)],
    ["in", (l) => [0 in l, 9 in l, "length" in l]],
    ["isArray", (l) => Array.isArray(l)],
    ["JSON", (l) => JSON.stringify(l)],
    ["flat", (l) => l.flatMap((each) => each.tags)],
    [
      "push in forEach",
      (l) => {
        l.forEach((each) => {
          if (l.length < 9) l.push(item(each.id + 10));
        });
      },
    ],
    [
      "shrinking in forEach",
      (l) => {
        const seen: number[] = [];
        l.forEach((each) => {
          seen.push(each.id);
          l.pop();
        });
        return seen;
      },
    ],
    [
      "callback arguments",
      (l) =>
        l.map(function (this: unknown, each, index, array) {
          return [this, each === array[index], array === l];
        }, "self"),
    ],
  ];
  for (const [name, change] of onItems) {
    test(`${name} behaves as natively on nested objects`, () => {
      const session = new Session<Item[]>(items());
      const plain = items();
      assertSame(change(session.state), change(plain), "result");
      session.commit();
      assertSame(session.state, plain, "state");
    });
  }

  test("searching finds elements by identity", () => {
    const { state } = new Session<Item[]>(items());
    const [, second] = state as [Item, Item];
    assert.deepEqual(
      [state.includes(second), state.indexOf(second), state.lastIndexOf(second)],
      [true, 1, 1],
    );
    assert.deepEqual(
      [state.includes(item(1)), state.indexOf(item(1)), state.indexOf(second, 2)],
      [false, -1, -1],
    );
    const mixed = new Session<unknown[]>([Number.NaN, new Date(1), "a"]).state;
    assert.deepEqual(
      [mixed.includes(Number.NaN), mixed.indexOf(Number.NaN), mixed.indexOf(mixed[1])],
      [true, -1, 1],
    );
  });

  test("identity survives moves", () => {
    const session = new Session<Item[]>(items());
    const [first, second, third] = session.state as [Item, Item, Item];
    session.state.sort((a, b) => a.id - b.id);
    assert.equal(session.state[3], first);
    session.state.reverse();
    session.state.unshift(item(9));
    assert.equal(session.state[1], first);
    session.state.copyWithin(0, 2, 3);
    assert.deepEqual([session.state.indexOf(third), session.state.indexOf(second)], [2, 3]);
    first.id = 30;
    second.id = 10;
    third.id = 20;
    session.commit();
    assertSame(
      session.state.map(({ id }) => id),
      [2, 30, 20, 10, 0],
    );
  });

  test("copies made by fill and copyWithin are independent of each other", () => {
    const session = new Session<Item[]>(items());
    session.state.fill(item(5), 0, 2);
    session.state.copyWithin(2, 0, 2);
    for (const [index, each] of session.state.entries()) each.id = index;
    session.commit();
    assertSame(
      session.state.map(({ id }) => id),
      [0, 1, 2, 3],
    );
  });

  const refusals: [name: string, attempt: (list: number[]) => unknown, kind: string, message: RegExp][] = [
    [
      "a property",
      (l) => {
        (l as unknown as Record<string, number>).x = 1;
      },
      "TypeError",
      /^c\.state is an array and cannot store the property x/,
    ],
    [
      "a negative index",
      (l) => {
        l[-1] = 1;
      },
      "TypeError",
      /cannot store the property -1/,
    ],
    [
      "a fractional length",
      (l) => {
        l.length = 1.5;
      },
      "RangeError",
      /Invalid array length/,
    ],
    [
      "an index far beyond the end",
      (l) => {
        l[1e9] = 1;
      },
      "RangeError",
      /would leave 999999995 elements undefined/,
    ],
    [
      "a huge length",
      (l) => {
        l.length = 1e9;
      },
      "RangeError",
      /would leave/,
    ],
    [
      "a locked length",
      (l) => Object.defineProperty(l, "length", { writable: false }),
      "TypeError",
      /cannot be locked/,
    ],
    ["freezing", (l) => Object.freeze(l), "TypeError", /cannot be frozen/],
    [
      "a getter",
      (l) => Object.defineProperty(l, 0, { get: () => 1 }),
      "TypeError",
      /^c\.state\[0\]|ordinary property/,
    ],
    ["sorting by what is no function", (l) => l.sort(1 as never), "TypeError", /comparison function/],
    ["mapping by what is no function", (l) => l.map(1 as never), "TypeError", /1 is not a function/],
    [
      "reducing nothing",
      (l) => {
        l.length = 0;
        l.reduce((a) => a);
      },
      "TypeError",
      /empty array/,
    ],
    [
      "a change while sorting",
      (l) => l.sort(() => l.push(1)),
      "TypeError",
      /was changed while it was sorted/,
    ],
  ];
  for (const [name, attempt, kind, message] of refusals) {
    test(`${name} is refused`, () => {
      const session = new Session<number[]>(numbers());
      assert.throws(() => attempt(session.state), { name: kind, message });
      session.commit();
    });
  }

  test("a splice of many elements keeps what follows", () => {
    const session = new Session<number[]>(numbers());
    const many = Array.from({ length: 3_000 }, (_, index) => index);
    session.state.splice(1, 2, ...many);
    session.commit();
    assertSame(session.state, [5, ...many, 1, 7]);
  });
});
