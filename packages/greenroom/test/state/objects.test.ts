import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertSame } from "./support/same.js";
import { Session } from "./support/session.js";

type Loose = Record<string, unknown>;

/** Runs `change` on a state and on a plain object; both must end up equal, with these operations recorded. */
function check(initial: () => Loose, change: (state: Loose) => unknown, operations?: unknown[][]): void {
  const session = new Session(initial());
  const plain = initial();
  assertSame(change(session.state), change(plain), "result");
  const recorded = session.commit();
  assertSame(session.state, plain, "state");
  if (operations !== undefined) assert.deepEqual(recorded, operations);
}

describe("objects of the state", () => {
  const writes: [name: string, change: (state: Loose) => unknown, operations: unknown[][]][] = [
    [
      "set",
      (s) => {
        s.a = 5;
      },
      [[0, [], "a", 5]],
    ],
    [
      "add",
      (s) => {
        s.new = [1];
      },
      [[0, [], "new", [1]]],
    ],
    [
      "set undefined",
      (s) => {
        s.u = undefined;
      },
      [[0, [], "u", undefined]],
    ],
    [
      "increment",
      (s) => {
        (s.n as { x: number }).x++;
      },
      [[0, ["n"], "x", 2]],
    ],
    ["delete", (s) => delete s.a, [[1, [], "a"]]],
    ["delete what is absent", (s) => delete s.zzz, []],
    [
      "set the same",
      (s) => {
        s.a = 1;
        s.nan = Number.NaN;
        s.z = 0;
      },
      [],
    ],
    [
      "set -0",
      (s) => {
        s.z = -0;
      },
      [[0, [], "z", -0]],
    ],
    [
      "assign",
      (s) => {
        Object.assign(s, { a: 1, b: 3 });
      },
      [[0, [], "b", 3]],
    ],
    [
      "delete and add again",
      (s) => {
        delete s.a;
        s.a = 1;
      },
      [
        [1, [], "a"],
        [0, [], "a", 1],
      ],
    ],
    [
      "define",
      (s) => {
        Object.defineProperty(s, "a", { value: 9 });
      },
      [[0, [], "a", 9]],
    ],
    [
      "own __proto__",
      (s) => {
        Object.defineProperty(s, "__proto__", {
          value: 1,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      },
      [[0, [], "__proto__", 1]],
    ],
    [
      "constructor",
      (s) => {
        Object.assign(s, { constructor: 1 });
      },
      [[0, [], "constructor", 1]],
    ],
    [
      "logical assignment",
      (s) => {
        s.m ??= {};
        (s.m as Loose).k = 1;
        s.a ||= 7;
      },
      [
        [0, [], "m", {}],
        [0, ["m"], "k", 1],
      ],
    ],
  ];
  const initial = () => ({ a: 1, b: 2, n: { x: 1, y: [{ z: 1 }] }, nan: Number.NaN, z: 0 });
  for (const [name, change, operations] of writes) {
    test(`${name} behaves as on a plain object and is recorded as such`, () =>
      check(initial, change, operations));
  }

  const reads: [name: string, read: (state: Loose) => unknown][] = [
    ["in", (s) => ["a" in s, "zzz" in s, "toString" in s]],
    ["Object.keys", (s) => Object.keys(s)],
    ["Object.entries", (s) => Object.entries(s)],
    [
      "for in",
      (s) => {
        const keys = [];
        for (const key in s) keys.push(key);
        return keys;
      },
    ],
    ["spread", (s) => ({ ...s })],
    ["rest", ({ a, ...rest }) => [a, rest]],
    ["JSON.stringify", (s) => JSON.stringify(s)],
    ["hasOwn", (s) => [Object.hasOwn(s, "a"), Object.hasOwn(s, "toString"), Object.hasOwn(s, "n")]],
    ["descriptor", (s) => Object.getOwnPropertyDescriptor(s, "n")],
    ["Object.groupBy-like reduce", (s) => Object.values(s).map((each) => typeof each)],
    ["prototype", (s) => Object.getPrototypeOf(s) === Object.prototype],
    ["missing", (s) => s.zzz],
    ["text", (s) => `${String(s)}`],
  ];
  for (const [name, read] of reads) {
    test(`${name} reads as from a plain object and records nothing`, () => check(initial, read, []));
  }

  test("what reads return stays tracked", () => {
    const session = new Session(initial());
    Object.values(session.state).forEach((each) => {
      if (typeof each === "object") each.x = 7;
    });
    const descriptor = Object.getOwnPropertyDescriptor(session.state.n, "y");
    Object.assign(descriptor?.value[0], { z: 5 });
    assert.equal(session.commit().length, 2);
  });

  test("proxies keep their identity", () => {
    const { state } = new Session(initial());
    assert.equal(state.n, state.n);
    assert.equal(state.n.y[0], state.n.y.at(0));
    assert.equal(new Session(initial()).state.n === state.n, false);
  });

  test("keys from outside cannot reach a prototype", () => {
    const session = new Session<Record<string, Loose>>({});
    const { state } = session;
    const key = String("__proto__");
    assert.throws(() => {
      (state[key] as Loose).polluted = 1;
    }, TypeError);
    state[key] = { polluted: 1 };
    assert.equal(({} as Loose).polluted, undefined);
    assert.deepEqual(Object.keys(state), [key]);
    assertSame(state[key], { polluted: 1 });
    session.commit();
    delete state[key];
    session.commit();
  });

  const refusals: [name: string, attempt: (state: Loose) => unknown, message: RegExp][] = [
    ["freezing", (s) => Object.freeze(s.n), /^c\.state\.n cannot be frozen/],
    ["sealing", (s) => Object.seal(s), /^c\.state cannot be frozen, sealed/],
    [
      "another prototype",
      (s) => Object.setPrototypeOf(s.n, null),
      /^the prototype of c\.state\.n cannot be changed/,
    ],
    [
      "a getter",
      (s) => Object.defineProperty(s, "a", { get: () => 1 }),
      /^c\.state\.a must be an ordinary property/,
    ],
    [
      "a hidden property",
      (s) => Object.defineProperty(s, "h", { value: 1 }),
      /^c\.state\.h must be an ordinary property/,
    ],
    [
      "a constant",
      (s) => Object.defineProperty(s, "a", { writable: false }),
      /^c\.state\.a must be an ordinary property/,
    ],
    [
      "a symbol key",
      (s) => {
        (s as Record<symbol, unknown>)[Symbol("k")] = 1;
      },
      /^c\.state cannot store the symbol key Symbol\(k\)/,
    ],
    [
      "a key that is not Unicode",
      (s) => {
        s["\udc00"] = 1;
      },
      /^c\.state cannot store the key "\\udc00"/,
    ],
  ];
  for (const [name, attempt, message] of refusals) {
    test(`${name} is refused`, () => {
      const session = new Session(initial());
      assert.throws(() => attempt(session.state), { name: "TypeError", message });
      assert.deepEqual(session.commit(), []);
      assertSame(session.state, initial());
    });
  }

  test("an object that inherits from the state has properties of its own", () => {
    const session = new Session(initial());
    const child = Object.create(session.state) as Loose;
    child.a = 2;
    assert.equal(child.a, 2);
    assert.equal(session.state.a, 1);
    assert.deepEqual(session.commit(), []);
  });
});
