import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertSame } from "./support/same.js";
import { Session } from "./support/session.js";

type Loose = Map<unknown, unknown>;
type Point = { x: number };

const map = (): Loose =>
  new Map<unknown, unknown>([
    ["a", { x: 1 }],
    [1, "one"],
    [2n, [1]],
    [Number.NaN, null],
  ]);
const set = (): Set<unknown> => new Set<unknown>(["a", 1, Number.NaN, undefined]);

describe("maps of the state", () => {
  const changes: [name: string, change: (map: Loose) => unknown, operations: unknown[][]][] = [
    [
      "set",
      (m) => {
        m.set("a", 2).set("b", 3);
      },
      [
        [0, [], "a", 2],
        [0, [], "b", 3],
      ],
    ],
    [
      "set the same",
      (m) => {
        m.set(1, "one");
        m.set(Number.NaN, null);
      },
      [],
    ],
    [
      "set undefined",
      (m) => {
        m.set("u", undefined);
        m.set("u", undefined);
      },
      [[0, [], "u", undefined]],
    ],
    ["delete", (m) => [m.delete(1), m.delete(1)], [[1, [], 1]]],
    [
      "delete and set again",
      (m) => {
        m.delete("a");
        m.set("a", 1);
      },
      [
        [1, [], "a"],
        [0, [], "a", 1],
      ],
    ],
    [
      "clear",
      (m) => {
        m.clear();
        m.clear();
        return m.size;
      },
      [[6, []]],
    ],
    [
      "-0 as key",
      (m) => {
        m.set(-0, 1);
        m.set(0, 2);
        m.delete(-0);
      },
      [
        [0, [], 0, 1],
        [0, [], 0, 2],
        [1, [], 0],
      ],
    ],
    [
      "NaN as key",
      (m) => m.delete(new Float64Array(new BigUint64Array([0x7ff8_0000_0000_0001n]).buffer)[0]),
      [[1, [], Number.NaN]],
    ],
    [
      "write in a value",
      (m) => {
        (m.get("a") as Point).x++;
        (m.get(2n) as number[]).push(2);
      },
      [
        [0, ["a"], "x", 2],
        [2, [2n], [2]],
      ],
    ],
    [
      "write in forEach",
      (m) =>
        m.forEach((value) => {
          if (typeof value === "object" && value && "x" in value) value.x = 5;
        }),
      [[0, ["a"], "x", 5]],
    ],
    [
      "write in for of",
      (m) => {
        for (const [key, value] of m) if (key === 2n) (value as number[]).length = 0;
      },
      [[3, [2n], 0, 1, []]],
    ],
    [
      "write through values",
      (m) => {
        const [first] = m.values();
        (first as Point).x = 6;
      },
      [[0, ["a"], "x", 6]],
    ],
    [
      "write through entries",
      (m) => {
        const [first] = m.entries();
        ((first as unknown[])[1] as Point).x = 7;
      },
      [[0, ["a"], "x", 7]],
    ],
    [
      "read",
      (m) => [
        m.size,
        m.has("a"),
        m.has({}),
        m.get("zz"),
        [...m.keys()],
        new Map(m),
        m instanceof Map,
        String(m),
      ],
      [],
    ],
    [
      "delete in forEach",
      (m) => m.forEach((_, key) => void m.delete(key)),
      [
        [1, [], "a"],
        [1, [], 1],
        [1, [], 2n],
        [1, [], Number.NaN],
      ],
    ],
  ];
  for (const [name, change, operations] of changes) {
    test(`${name} behaves as natively and is recorded`, () => {
      const session = new Session<Loose>(map());
      const plain = map();
      assertSame(change(session.state), change(plain), "result");
      assertSame(session.commit(), operations, "operations");
      assertSame(session.state, plain, "state");
    });
  }

  test("values keep their identity", () => {
    const { state } = new Session<Loose>(map());
    assert.equal(state.get("a"), state.get("a"));
    assert.equal([...state.values()][0], state.get("a"));
  });

  test("objects as keys and other properties are refused", () => {
    const session = new Session({ m: map() });
    const { m } = session.state;
    assert.throws(() => m.set({}, 1), {
      name: "TypeError",
      message: /^c\.state\.m has an object, function or symbol as a Map key/,
    });
    assert.throws(() => m.set(Symbol("s"), 1), TypeError);
    assert.throws(
      () => {
        (m as unknown as Point).x = 1;
      },
      { name: "TypeError", message: /^c\.state\.m is a Map and cannot store the property x/ },
    );
    assert.throws(() => Object.defineProperty(m, "x", { value: 1 }), TypeError);
    assert.throws(() => Map.prototype.set.call(m, "a", 1), TypeError);
    assert.deepEqual(session.commit(), []);
  });
});

describe("sets of the state", () => {
  const changes: [name: string, change: (set: Set<unknown>) => unknown, operations: unknown[][]][] = [
    [
      "add",
      (s) => {
        s.add("b").add(2n).add("b");
      },
      [
        [5, [], "b"],
        [5, [], 2n],
      ],
    ],
    [
      "add what is there",
      (s) => {
        s.add("a").add(Number.NaN);
      },
      [],
    ],
    ["delete", (s) => [s.delete("a"), s.delete("a")], [[1, [], "a"]]],
    [
      "clear",
      (s) => {
        s.clear();
        s.clear();
      },
      [[6, []]],
    ],
    [
      "-0",
      (s) => {
        s.add(-0);
        return s.has(0);
      },
      [[5, [], 0]],
    ],
    [
      "read",
      (s) => [
        s.size,
        s.has("a"),
        s.has({}),
        [...s],
        [...s.entries()],
        new Set(s),
        s instanceof Set,
        String(s),
      ],
      [],
    ],
    [
      "delete in forEach",
      (s) => s.forEach((each) => void s.delete(each)),
      [
        [1, [], "a"],
        [1, [], 1],
        [1, [], Number.NaN],
        [1, [], undefined],
      ],
    ],
  ];
  for (const [name, change, operations] of changes) {
    test(`${name} behaves as natively and is recorded`, () => {
      const session = new Session<Set<unknown>>(set());
      const plain = set();
      assertSame(change(session.state), change(plain), "result");
      assertSame(session.commit(), operations, "operations");
      assertSame(session.state, plain, "state");
    });
  }

  const algebra = [
    "union",
    "intersection",
    "difference",
    "symmetricDifference",
    "isSubsetOf",
    "isSupersetOf",
    "isDisjointFrom",
  ];
  for (const name of algebra) {
    test(`${name} works where the engine has it`, {
      skip: !(name in Set.prototype) && "not in this engine",
    }, () => {
      const run = (left: unknown, right: unknown) =>
        (left as Record<string, (other: unknown) => unknown>)[name]?.(right);
      const session = new Session({ left: new Set([1, 2]), right: new Set([2, 3]) });
      assertSame(run(session.state.left, session.state.right), run(new Set([1, 2]), new Set([2, 3])));
    });
  }

  test("objects as members and other properties are refused", () => {
    const session = new Session({ s: set() });
    const { s } = session.state;
    assert.throws(() => s.add([]), {
      name: "TypeError",
      message: /^c\.state\.s has an object, function or symbol as a Set member/,
    });
    assert.throws(
      () => {
        (s as unknown as Point).x = 1;
      },
      { name: "TypeError", message: /^c\.state\.s is a Set/ },
    );
    assert.deepEqual(session.commit(), []);
  });
});
