import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertSame } from "./support/same.js";
import { Session } from "./support/session.js";

type Part = { n: number; child?: Part };

describe("one value, one place", () => {
  test("assigning a part elsewhere copies it", () => {
    const session = new Session<Record<string, Part>>({ a: { n: 1, child: { n: 2 } } });
    const { state } = session;
    state.b = state.a as Part;
    (state.a as Part).n = 5;
    ((state.b as Part).child as Part).n = 6;
    session.commit();
    assertSame(state, { a: { n: 5, child: { n: 2 } }, b: { n: 1, child: { n: 6 } } });
    assert.notEqual(state.a, state.b);
  });

  test("assigning a part to its own place changes nothing", () => {
    const session = new Session({ a: { n: 1 }, list: [{ n: 1 }], map: new Map([["k", { n: 1 }]]) });
    const { state } = session;
    const before = [state.a, state.list[0], state.map.get("k")] as [Part, Part, Part];
    state.a = before[0];
    state.list[0] = before[1];
    state.map.set("k", before[2]);
    session.state = state;
    assert.deepEqual(session.commit(), []);
    for (const each of before) each.n = 2;
    assert.equal(session.commit().length, 3);
    assertSame(state, { a: { n: 2 }, list: [{ n: 2 }], map: new Map([["k", { n: 2 }]]) });
  });

  test("swapping swaps", () => {
    const session = new Session({ a: { n: 1 }, b: { n: 2 }, list: [{ n: 3 }, { n: 4 }] });
    const { state } = session;
    [state.a, state.b] = [state.b, state.a];
    [state.list[0], state.list[1]] = [state.list[1] as Part, state.list[0] as Part];
    session.commit();
    assertSame(state, { a: { n: 2 }, b: { n: 1 }, list: [{ n: 4 }, { n: 3 }] });
    state.a.n = 9;
    session.commit();
    assertSame(state.b, { n: 1 });
  });

  test("a part can be put inside itself", () => {
    const session = new Session<{ a: Part }>({ a: { n: 1 } });
    session.state.a.child = session.state.a;
    session.commit();
    session.state.a.child = session.state.a;
    session.commit();
    assertSame(session.state, { a: { n: 1, child: { n: 1, child: { n: 1 } } } });
  });

  test("an array can be appended to itself", () => {
    const session = new Session<{ list: unknown[] }>({ list: [1, { n: 1 }] });
    session.state.list.push(...session.state.list, session.state.list);
    session.commit();
    assertSame(session.state.list, [1, { n: 1 }, 1, { n: 1 }, [1, { n: 1 }]]);
  });

  test("parts of one state are copied into another", () => {
    const [one, two] = [new Session({ a: { n: 1 } }), new Session({ a: { n: 2 } })];
    two.state.a = one.state.a;
    two.state.a.n = 7;
    assert.deepEqual(one.commit(), []);
    two.commit();
    assertSame([one.state, two.state], [{ a: { n: 1 } }, { a: { n: 7 } }]);
  });

  test("new objects that contain parts copy them too", () => {
    const session = new Session<{ a: Part; box?: unknown }>({ a: { n: 1 } });
    session.state.box = { inner: [session.state.a, new Map([["k", session.state.a]])] };
    session.state.a.n = 2;
    session.commit();
    assertSame(session.state.box, { inner: [{ n: 1 }, new Map([["k", { n: 1 }]])] });
  });
});

describe("methods of state containers", () => {
  test("called on other objects, they are the native ones", () => {
    const session = new Session({ list: [1], map: new Map([["k", 1]]), set: new Set([1]) });
    const { list, map, set } = session.state;
    const plain = { list: [3, 2], map: new Map([["p", 1]]), set: new Set([2]) };
    list.push.call(plain.list, 1);
    list.sort.call(plain.list);
    map.set.call(plain.map, "q", 2);
    set.add.call(plain.set, 3);
    assertSame(plain, {
      list: [1, 2, 3],
      map: new Map([
        ["p", 1],
        ["q", 2],
      ]),
      set: new Set([2, 3]),
    });
    assert.equal(list.join.call(plain.list, ""), "123");
    for (const wrong of [
      () => list.push.call(map as never, 1),
      () => map.get.call(list as never, ""),
      () => set.has.call(map as never, 1),
    ]) {
      assert.throws(wrong, TypeError);
    }
    assert.deepEqual(session.commit(), []);
  });
});

describe("detached parts", () => {
  type State = { list: Part[]; a: Part; map: Map<string, Part> };
  const initial = (): State => ({
    list: [{ n: 0, child: { n: 10 } }, { n: 1 }, { n: 2 }],
    a: { n: 3, child: { n: 4 } },
    map: new Map([["k", { n: 5 }]]),
  });
  const part = (value: Part | undefined): Part => value as Part;

  const removals: [name: string, take: (state: State) => Part][] = [
    ["pop", (s) => part(s.list.pop())],
    ["shift", (s) => part(s.list.shift())],
    ["splice", (s) => part(s.list.splice(0, 2)[0])],
    [
      "a shorter length",
      (s) => {
        const last = part(s.list.at(-1));
        s.list.length = 1;
        return last;
      },
    ],
    [
      "fill",
      (s) => {
        const first = part(s.list[0]);
        s.list.fill({ n: 8 });
        return first;
      },
    ],
    [
      "copyWithin",
      (s) => {
        const first = part(s.list[0]);
        s.list.copyWithin(0, 1);
        return first;
      },
    ],
    [
      "assignment to the index",
      (s) => {
        const first = part(s.list[0]);
        s.list[0] = { n: 8 };
        return first;
      },
    ],
    [
      "deletion of the index",
      (s) => {
        const first = part(s.list[0]);
        delete s.list[0];
        return first;
      },
    ],
    [
      "assignment",
      (s) => {
        const { a } = s;
        s.a = { n: 8 };
        return a;
      },
    ],
    [
      "deletion",
      (s) => {
        const { a } = s;
        delete (s as Partial<State>).a;
        return a;
      },
    ],
    [
      "nested in what was assigned over",
      (s) => {
        const { child } = s.a;
        s.a = { n: 8 };
        return part(child);
      },
    ],
    [
      "Map set",
      (s) => {
        const old = part(s.map.get("k"));
        s.map.set("k", { n: 8 });
        return old;
      },
    ],
    [
      "Map delete",
      (s) => {
        const old = part(s.map.get("k"));
        s.map.delete("k");
        return old;
      },
    ],
    [
      "Map clear",
      (s) => {
        const old = part(s.map.get("k"));
        s.map.clear();
        return old;
      },
    ],
    [
      "a part replaced by a copy of itself",
      (s) => {
        const { a } = s;
        s.a = { ...a };
        return a;
      },
    ],
  ];
  for (const [name, take] of removals) {
    test(`${name}: what was removed works on as plain data, and is attached again by copy`, () => {
      const session = new Session(initial());
      const removed = take(session.state);
      session.commit();
      removed.n = 100;
      removed.child = { n: 200 };
      removed.child.n++;
      assert.equal(session.tracker.dirty, false);
      assert.deepEqual(session.commit(), []);
      assertSame([removed.n, removed.child], [100, { n: 201 }]);
      session.state.list.push(removed);
      removed.n = 300;
      assert.deepEqual(session.commit(), [[2, ["list"], [{ ...removed, n: 100, child: { n: 201 } }]]]);
    });
  }

  test("moving an element by pop and push keeps its content", () => {
    const session = new Session({ from: [{ n: 1 }], to: [] as Part[] });
    session.state.to.push(session.state.from.pop() as Part);
    (session.state.to[0] as Part).n = 2;
    session.commit();
    assertSame(session.state, { from: [], to: [{ n: 2 }] });
  });

  test("all kinds of detached containers work on", () => {
    const session = new Session({
      box: { list: [3, 1, 2], map: new Map([["k", { n: 1 }]]), set: new Set([1]) } as Record<string, unknown>,
    });
    const { list, map, set } = session.state.box as {
      list: number[];
      map: Map<string, Part>;
      set: Set<number>;
    };
    session.state.box = {};
    session.commit();
    list.sort().reverse();
    list.push(0);
    list.splice(1, 1);
    list.copyWithin(0, 1);
    list.fill(7, 2);
    list.length = 4;
    map.set("j", { n: 2 }).delete("k");
    (map.get("j") as Part).n++;
    set.add(2).delete(1);
    assertSame([list, map, set], [[1, 0, 7, undefined], new Map([["j", { n: 3 }]]), new Set([2])]);
    map.clear();
    set.clear();
    assert.deepEqual(session.commit(), []);
  });
});

describe("references held across turns", () => {
  test("they write to the right place wherever it has moved", () => {
    const session = new Session({ list: Array.from({ length: 300 }, (_, n) => ({ n, hits: 0 })) });
    const { list } = session.state;
    const held = [list[3], list[150], list[299]] as { n: number; hits: number }[];
    const moves = [
      () => list.unshift({ n: -1, hits: 0 }),
      () => list.splice(5, 100),
      () => list.reverse(),
      () => list.sort((a, b) => ((a.n * 7919) % 301) - ((b.n * 7919) % 301)),
      () => list.shift(),
      () => list.unshift(...Array.from({ length: 100 }, (_, n) => ({ n: -n - 2, hits: 0 }))),
    ];
    for (const [turn, move] of moves.entries()) {
      move();
      for (const each of held) each.hits++;
      session.commit();
      for (const each of held) assert.equal(list.find(({ n }) => n === each.n)?.hits, turn + 1);
    }
  });

  test("nested ones too, also below a Map", () => {
    const session = new Session({ map: new Map([["k", [{ n: 1, child: { n: 2 } }]]]) });
    const list = session.state.map.get("k") as Part[];
    const { child } = list[0] as { child: Part };
    list.unshift({ n: 0, child: { n: 0 } });
    session.commit();
    child.n = 7;
    assert.deepEqual(session.commit(), [[0, ["map", "k", 1, "child"], "n", 7]]);
  });
});
