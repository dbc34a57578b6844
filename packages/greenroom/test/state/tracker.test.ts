import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ByteWriter, encodeValue } from "@greenroom/client/codec";
import { StateTracker, unwrap } from "../../dist/state/index.js";
import { assertSame } from "./support/same.js";
import { imageOf, Session } from "./support/session.js";

describe("the root", () => {
  const roots: unknown[] = [
    0,
    "text",
    null,
    undefined,
    1n,
    [1, 2],
    new Map([["a", 1]]),
    new Set([1]),
    {},
    /x/,
    new Error("e"),
  ];
  for (const root of roots) {
    test(`can be ${String(root)}, before and after another`, () => {
      const session = new Session<unknown>(root);
      assertSame(session.state, root);
      session.state = { other: 1 };
      session.commit();
      session.state = root;
      session.commit();
      assertSame(session.state, root);
    });
  }

  test("replaced as a whole, the old parts are detached", () => {
    const session = new Session({ a: { n: 1 } });
    const old = session.state;
    session.state = { a: { n: 2 } };
    old.a.n = 9;
    (old as Record<string, unknown>).b = 1;
    assert.deepEqual(session.commit(), [[7, { a: { n: 2 } }]]);
    assertSame(old, { a: { n: 9 }, b: 1 });
    session.state = old;
    old.a.n = 10;
    session.commit();
    assertSame(session.state, { a: { n: 9 }, b: 1 });
  });

  test("replaced by one of its own parts", () => {
    const session = new Session<Record<string, unknown>>({ a: { b: { c: 1 } } });
    session.state = session.state.a as Record<string, unknown>;
    (session.state.b as Record<string, unknown>).c = 2;
    session.commit();
    assertSame(session.state, { b: { c: 2 } });
  });

  test("set to the same primitive value, nothing is recorded", () => {
    const session = new Session<unknown>(5);
    session.state = 5;
    assert.deepEqual(session.commit(), []);
  });
});

describe("taking changes", () => {
  test("a new state is created by the first of them", () => {
    const tracker = StateTracker.create({ a: 1 });
    const writer = new ByteWriter();
    assert.equal(tracker.dirty, true);
    assert.equal(tracker.takeChanges(writer), true);
    assert.deepEqual([...writer.finish()], [0x82, 0x07, 0xa1, 0x61, 0x61, 0x01]);
  });

  test("a loaded state has none", () => {
    const tracker = StateTracker.load(imageOf({ a: [1] }));
    const writer = new ByteWriter();
    assert.deepEqual([tracker.dirty, tracker.takeChanges(writer), writer.length], [false, false, 0]);
    (tracker.root as { a: number[] }).a.push(2);
    assert.equal(tracker.takeChanges(writer), true);
    assert.deepEqual([...writer.finish()], [0x83, 0x02, 0x81, 0x61, 0x61, 0x81, 0x02]);
  });

  test("what is no image cannot be loaded", () => {
    assert.throws(() => StateTracker.load(new Uint8Array([0x82, 0x01])), { name: "ValueFormatError" });
  });

  test("they are added to what the writer already has, and taken once", () => {
    const session = new Session({ n: 0 });
    session.state.n = 1;
    const writer = new ByteWriter();
    writer.u8(0xaa);
    assert.equal(session.tracker.takeChanges(writer), true);
    const { length } = writer;
    assert.equal(writer.view()[0], 0xaa);
    assert.deepEqual([session.tracker.takeChanges(writer), writer.length], [false, length]);
  });

  test("a value that changes again later in the turn is recorded as it was", () => {
    const session = new Session<{ list: { n: number }[] }>({ list: [] });
    session.state.list.push({ n: 1 });
    (session.state.list[0] as { n: number }).n = 2;
    session.state.list.pop();
    assert.deepEqual(
      session.take(),
      concat(
        imageOf([2, ["list"], [{ n: 1 }]]),
        imageOf([0, ["list", 0], "n", 2]),
        imageOf([3, ["list"], 0, 1, []]),
      ),
    );
  });

  test("more than fits the first buffer is taken whole", () => {
    const session = new Session({ text: "" });
    for (const size of [10, 1_000, 300_000, 10]) {
      session.state.text = "x".repeat(size);
      session.state.text += "y";
      session.commit();
    }
  });

  test("onChange is called once per turn, at the first change or the first read of what is writable", () => {
    const tracker = StateTracker.load(imageOf({ n: 0, bytes: new Uint8Array(1), inner: {} }));
    const state = tracker.root as Record<string, unknown>;
    const inner = state.inner as Record<string, unknown>;
    const bytes = state.bytes as Uint8Array;
    tracker.takeChanges(new ByteWriter());
    let calls = 0;
    tracker.onChange = () => calls++;
    const steps: [change: () => void, calls: number, taken: boolean][] = [
      [
        () => {
          state.n = 0;
        },
        0,
        false,
      ],
      [
        () =>
          assert.throws(() => {
            state.f = () => 1;
          }),
        0,
        false,
      ],
      [
        () => {
          state.n = 1;
          state.n = 2;
        },
        1,
        true,
      ],
      [
        () => {
          void state.bytes;
          void state.bytes;
        },
        1,
        false,
      ],
      [() => (state.bytes as Uint8Array).fill(1), 1, true],
      [() => bytes.fill(2), 0, true],
      [() => delete state.inner, 1, true],
      [
        () => {
          inner.x = 1;
        },
        0,
        false,
      ],
      [
        () => {
          tracker.root = 1;
        },
        1,
        true,
      ],
    ];
    for (const [change, expected, taken] of steps) {
      calls = 0;
      change();
      assert.equal(calls, expected, String(change));
      assert.equal(tracker.takeChanges(new ByteWriter()), taken, String(change));
    }
  });
});

function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe("the cost of a change", () => {
  const sizes = [100, 100_000];
  const list = (size: number) => Array.from({ length: size }, (_, id) => ({ id, text: "hello" }));
  const changes: [
    name: string,
    change: (state: { items: { id: number; text: string }[]; n: number }) => unknown,
  ][] = [
    ["appending an element", (s) => s.items.push({ id: 1, text: "new" })],
    ["removing the last element", (s) => s.items.splice(-1, 1) && s.items.unshift()],
    [
      "editing an element",
      (s) => {
        (s.items[50] as { text: string }).text = "edited";
      },
    ],
    ["removing the first element", (s) => s.items.shift()],
    ["inserting an element", (s) => s.items.splice(7, 0, { id: 0, text: "x" })],
    ["a counter", (s) => s.n++],
  ];
  for (const [name, change] of changes) {
    test(`${name} takes as many bytes among 100 as among 100,000`, () => {
      const [small, large] = sizes.map((size) => {
        const tracker = StateTracker.create({ items: list(size), n: 0 });
        tracker.takeChanges(new ByteWriter());
        change(tracker.root as never);
        const writer = new ByteWriter();
        tracker.takeChanges(writer);
        return writer.length;
      }) as [number, number];
      // The index of the last element itself has up to three bytes more.
      assert.ok(
        large - small <= (name === "removing the last element" ? 3 : 0),
        `${small} and ${large} bytes`,
      );
      assert.ok(small < 40, `${small} bytes`);
    });
  }

  test("reversing 100,000 elements takes a few bytes", () => {
    const session = new Session({ items: list(100_000) });
    session.state.items.reverse();
    assert.ok(session.take().length < 30);
  });
});

describe("a frozen state", () => {
  const refusal = () => new Error("not now");
  const initial = () => ({
    n: 1,
    list: [1],
    map: new Map([["k", 1]]),
    set: new Set([1]),
    date: new Date(1),
    bytes: new Uint8Array(1),
  });
  type State = ReturnType<typeof initial>;
  const attempts: [name: string, attempt: (state: State) => unknown][] = [
    [
      "set",
      (s) => {
        s.n = 2;
      },
    ],
    ["delete", (s) => delete (s as Partial<State>).n],
    ["push", (s) => s.list.push(2)],
    ["sort", (s) => s.list.reverse().unshift(0)],
    ["splice", (s) => s.list.splice(0, 1)],
    ["Map set", (s) => s.map.set("k", 2)],
    ["Map delete", (s) => s.map.delete("k")],
    ["Map clear", (s) => s.map.clear()],
    ["Set add", (s) => s.set.add(2)],
    ["Set clear", (s) => s.set.clear()],
    ["date", (s) => s.date.setTime(2)],
    ["bytes", (s) => s.bytes.fill(2)],
  ];
  for (const [name, attempt] of attempts) {
    test(`refuses ${name} and can be changed again afterwards`, () => {
      const session = new Session(initial());
      assert.throws(() => session.tracker.whileFrozen(refusal, () => attempt(session.state)), {
        message: "not now",
      });
      assert.deepEqual(session.commit(), []);
      assertSame(session.state, initial());
      attempt(session.state);
      assert.notEqual(session.commit().length, 0);
    });
  }

  test("undoes all writes to byte arrays, also when the work throws", () => {
    const session = new Session({ one: new Uint8Array(1), two: new Uint8Array(1) });
    const write = (): never => {
      session.state.one[0] = 1;
      session.state.two[0] = 1;
      throw new Error("of its own");
    };
    assert.throws(() => session.tracker.whileFrozen(refusal, write), { message: "not now" });
    assert.deepEqual(session.commit(), []);
    assertSame(session.state, { one: new Uint8Array(1), two: new Uint8Array(1) });
  });

  test("lets errors of the work through", () => {
    const { tracker } = new Session({ n: 1 });
    const fail = (): never => {
      throw new Error("of its own");
    };
    assert.throws(() => tracker.whileFrozen(refusal, fail), { message: "of its own" });
  });

  test("refuses another root", () => {
    const session = new Session<unknown>(1);
    assert.throws(
      () =>
        session.tracker.whileFrozen(refusal, () => {
          session.state = 2;
        }),
      { message: "not now" },
    );
    assert.equal(session.state, 1);
  });

  test("can be read, and its detached parts be changed", () => {
    const session = new Session({ list: [{ n: 1 }] });
    const part = session.state.list.pop() as { n: number };
    session.commit();
    const result = session.tracker.whileFrozen(refusal, () => {
      part.n = 2;
      return session.state.list.length + part.n;
    });
    assert.equal(result, 2);
  });

  test("keeps writes to byte arrays that were made before", () => {
    const session = new Session(initial());
    session.state.bytes[0] = 9;
    session.tracker.whileFrozen(refusal, () => session.state.bytes);
    assertSame(session.commit(), [[0, [], "bytes", new Uint8Array([9])]]);
  });
});

describe("unwrap", () => {
  test("gives the owned values behind proxies, also one level down", () => {
    const session = new Session({ list: [{ n: 1 }], bytes: new Uint8Array(1) });
    const { state, tracker } = session;
    const raw = tracker.raw as typeof state;
    assert.equal(unwrap(state), raw);
    assert.equal(unwrap(state.list), raw.list);
    assert.equal((unwrap(state.list.slice()) as unknown[])[0], raw.list[0]);
    assert.equal((unwrap({ x: state.list, y: 1 }) as { x: unknown }).x, raw.list);
    for (const other of [1, null, undefined, "s", [1], { a: 1 }, new Map(), state.bytes])
      assert.equal(unwrap(other), other);
    state.bytes[0] = 5;
    assertSame((unwrap(state) as typeof state).bytes, new Uint8Array([5]));
  });

  test("is not needed: proxies are encoded like what they stand for", () => {
    const value = {
      list: [{ n: 1 }],
      map: new Map([["k", [1]]]),
      set: new Set([1]),
      date: new Date(1),
      bytes: new Uint8Array(2),
    };
    const { state } = new Session(value);
    for (const form of ["compat", "native", "state"] as const) {
      const [plain, tracked] = [value, state].map((each) => {
        const writer = new ByteWriter();
        encodeValue(writer, each, form);
        return writer.finish();
      });
      assert.deepEqual(tracked, plain);
    }
  });
});
