import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StateTracker } from "../../dist/state/index.js";
import { assertSame } from "./support/same.js";
import { imageOf, Session } from "./support/session.js";

class Socket {
  readonly id = 1;
}

class ScreenError extends Error {
  override readonly name = "ScreenError";
}

const nested = { list: [1, { deep: new Map([["k", [undefined, null]]]) }], "": { " ": 0 } };

/** Name, value, and how it reads back where that differs. */
const kept: [name: string, value: unknown, becomes?: unknown][] = [
  ["null", null],
  ["undefined", undefined],
  ["booleans", [true, false]],
  ["strings", ["", "a", "ä€😀", "x".repeat(70_000), "\ud800 alone", "__proto__"]],
  [
    "integers",
    [0, 1, -1, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, -(2 ** 32), -(2 ** 32) - 1, 2 ** 53],
  ],
  ["other numbers", [-0, 0.5, -1.25, Number.NaN, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE]],
  [
    "bigints",
    [0n, 1n, -1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n, -(2n ** 64n), -(2n ** 64n) - 1n, 7n ** 99n],
  ],
  ["dates", [new Date(0), new Date(1_763_800_000_123), new Date(-1), new Date(Number.NaN)]],
  ["regular expressions", [/a/, /[/\]]+$/giu]],
  ["errors", [new Error("no"), new TypeError("odd"), new RangeError("")]],
  [
    "named errors",
    new ScreenError("dark"),
    Object.defineProperty(new Error("dark"), "name", { value: "ScreenError" }),
  ],
  ["an ArrayBuffer", new Uint8Array([1, 2, 3]).buffer],
  ["an empty ArrayBuffer", new ArrayBuffer(0)],
  ["Uint8Array", new Uint8Array([0, 255])],
  ["a Node Buffer", Buffer.from([7, 8]), new Uint8Array([7, 8])],
  [
    "a part of a buffer",
    new Uint16Array(new Uint16Array([1, 2, 3, 4]).buffer, 2, 2),
    new Uint16Array([2, 3]),
  ],
  ["Uint8ClampedArray", new Uint8ClampedArray([0, 255])],
  ["Uint16Array", new Uint16Array([0, 65_535])],
  ["Uint32Array", new Uint32Array([0, 2 ** 32 - 1])],
  ["BigUint64Array", new BigUint64Array([0n, 2n ** 64n - 1n])],
  ["Int8Array", new Int8Array([-128, 127])],
  ["Int16Array", new Int16Array([-1, 1])],
  ["Int32Array", new Int32Array([-1, 1])],
  ["BigInt64Array", new BigInt64Array([-1n, 1n])],
  ["Float32Array", new Float32Array([0.5, -0, Number.NaN])],
  ["Float64Array", new Float64Array([0.1, -0, Infinity])],
  [
    "maps",
    new Map<unknown, unknown>([
      ["a", 1],
      [1, "a"],
      [1n, null],
      [null, {}],
      [undefined, []],
      [Number.NaN, true],
      [false, new Map()],
    ]),
  ],
  ["sets", new Set<unknown>(["a", 1, 1n, null, undefined, Number.NaN, false])],
  ["nested containers", nested],
  ["an object without prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  [
    "keys that look special",
    JSON.parse('{"__proto__":{"x":1},"constructor":2,"toString":3,"then":4,"toJSON":5}'),
  ],
  ["integer-like keys", { b: 1, 2: 2, 1: 3, a: 4 }],
  ["holes", Object.assign(new Array(3), { 0: 1, 2: 3 }), [1, undefined, 3]],
  ["frozen objects", Object.freeze({ a: Object.freeze([1]) })],
  ["non-enumerable properties", Object.defineProperty({ a: 1 }, "hidden", { value: Symbol() }), { a: 1 }],
];

describe("every kind of value", () => {
  for (const [name, value, becomes = value] of kept) {
    test(`${name} can be stored, in all places`, () => {
      const session = new Session<Record<string, unknown>>({
        initial: value,
        list: [value],
        map: new Map([["k", value]]),
      });
      assertSame(session.state.initial, becomes);
      const { state } = session;
      state.assigned = value;
      (state.list as unknown[]).push(value, [value]);
      (state.map as Map<string, unknown>).set("other", value);
      session.commit();
      assertSame(state.assigned, becomes);
      assertSame((state.list as unknown[])[2], [becomes]);
      session.state = value as Record<string, unknown>;
      session.commit();
      assertSame(session.state, becomes);
      assertSame(StateTracker.load(imageOf(session.tracker.raw)).root, becomes);
    });
  }

  test("what was assigned stays the caller's own", () => {
    const mine = { list: [1], date: new Date(1), bytes: new Uint8Array(1) };
    const session = new Session<{ x?: typeof mine }>({});
    session.state.x = mine;
    mine.list.push(2);
    mine.date.setTime(2);
    mine.bytes[0] = 2;
    assertSame(session.state, { x: { list: [1], date: new Date(1), bytes: new Uint8Array(1) } });
    session.commit();
  });
});

const cyclic: Record<string, unknown> = { a: {} };
(cyclic.a as Record<string, unknown>).b = cyclic;

const refused: [name: string, value: () => unknown, message: RegExp][] = [
  ["a class instance", () => new Socket(), /^c\.state\.users\[3\]\.socket is a Socket instance: /],
  [
    "a nested class instance",
    () => ({ "a-b": [new Socket()] }),
    /^c\.state\.users\[3\]\.socket\["a-b"\]\[0\] is a Socket instance/,
  ],
  [
    "a class instance in a Map",
    () => new Map([["k", new Socket()]]),
    /\.socket\.get\("k"\) is a Socket instance/,
  ],
  ["a function", () => () => 1, /\.socket is a function/],
  ["a symbol", () => Symbol("x"), /\.socket is a symbol/],
  ["a symbol key", () => ({ [Symbol("x")]: 1 }), /\.socket has the symbol key Symbol\(x\)/],
  [
    "a getter",
    () => ({
      get a() {
        return 1;
      },
    }),
    /\.socket\.a is an accessor/,
  ],
  ["a setter", () => ({ set a(_: number) {} }), /\.socket\.a is an accessor/],
  ["a Promise", () => Promise.resolve(), /\.socket is a Promise instance/],
  ["a WeakMap", () => new WeakMap(), /\.socket is a WeakMap instance/],
  ["a DataView", () => new DataView(new ArrayBuffer(1)), /\.socket is a DataView instance/],
  ["a boxed primitive", () => Object("x"), /\.socket is a String instance/],
  ["a subclass of Array", () => new (class Stack extends Array {})(), /\.socket is a Stack instance/],
  ["a subclass of Map", () => new (class Cache extends Map {})(), /\.socket is a Cache instance/],
  ["a subclass of Set", () => new (class Tags extends Set {})(), /\.socket is a Tags instance/],
  ["a subclass of Date", () => new (class Day extends Date {})(), /\.socket is a Day instance/],
  [
    "an array with properties",
    () => Object.assign([1], { extra: 1 }),
    /\.socket is an array with the property "extra"/,
  ],
  ["a match", () => /a/.exec("a"), /\.socket is an array with the property "groups"/],
  [
    "an object as Map key",
    () => new Map([[{}, 1]]),
    /\.socket has an object, function or symbol as a Map key/,
  ],
  [
    "an object as Set member",
    () => ({ s: new Set([{}]) }),
    /\.socket\.s has an object, function or symbol as a Set member/,
  ],
  [
    "a key that is not Unicode",
    () => ({ "\ud800": 1 }),
    /\.socket has the key "\\ud800", which is not valid Unicode/,
  ],
  ["a cycle", () => cyclic, /^c\.state\.users\[3\]\.socket\.a\.b is one of its own parents \(a cycle\)/],
];

describe("what cannot be stored", () => {
  for (const [name, make, message] of refused) {
    test(`${name} is refused by name and changes nothing`, () => {
      const users = [{}, {}, {}, { socket: 0 }] as Record<string, unknown>[];
      const session = new Session({ users, map: new Map<string, unknown>() });
      const { state } = session;
      const user = state.users[3] as Record<string, unknown>;
      const attempts = [
        () => {
          user.socket = make();
        },
        () => Object.defineProperty(user, "socket", { value: make() }),
        () => Object.assign(user, { socket: make() }),
      ];
      for (const attempt of attempts) assert.throws(attempt, { name: "TypeError", message });
      const others = [
        () => state.users.push({}, make() as never),
        () => state.users.unshift({}, make() as never),
        () => state.users.splice(0, 2, {}, make() as never),
        () => state.users.fill(make() as never),
        () => state.map.set("k", make()),
        () => {
          state.users[9] = make() as never;
        },
        () => {
          session.state = { users: [make() as never], map: new Map() };
        },
        () => StateTracker.create(make()),
      ];
      for (const attempt of others) assert.throws(attempt, TypeError);
      assert.equal(session.tracker.dirty, false);
      assert.deepEqual(session.commit(), []);
      assertSame(session.state, { users: [{}, {}, {}, { socket: 0 }], map: new Map() });
    });
  }

  test("the name of the root can be chosen", () => {
    const message = /^conn\.state\.socket is a Socket instance/;
    assert.throws(() => StateTracker.create({ socket: new Socket() }, { name: "conn.state" }), { message });
  });

  test("a detached part says that it is one", () => {
    const session = new Session({ list: [{} as Record<string, unknown>] });
    const part = session.state.list.pop() as Record<string, unknown>;
    assert.throws(
      () => {
        part.x = new Socket();
      },
      { message: /^a detached part of c\.state\.x is a Socket/ },
    );
  });
});

/** Arrays inside each other, `levels` of them. */
function nestedArrays(levels: number): unknown[] {
  let value: unknown[] = [];
  for (let level = 1; level < levels; level++) value = [value];
  return value;
}

describe("depth", () => {
  test("128 levels can be stored and loaded, 129 cannot", () => {
    assertSame(
      StateTracker.load(imageOf(StateTracker.create(nestedArrays(128)).raw)).root,
      nestedArrays(128),
    );
    assert.throws(() => StateTracker.create(nestedArrays(129)), {
      name: "TypeError",
      message: /nested deeper than 128 levels/,
    });
  });

  test("levels above the assigned value count", () => {
    const session = new Session({ a: { b: {} as Record<string, unknown> } });
    session.state.a.b.c = nestedArrays(125);
    assert.throws(
      () => {
        session.state.a.b.c = nestedArrays(126);
      },
      { message: /^c\.state\.a\.b\.c\[0\].* is nested deeper than 128 levels/ },
    );
    assertSame(session.state, { a: { b: { c: nestedArrays(125) } } });
  });
});
