import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assertSame } from "./support/same.js";
import { Session } from "./support/session.js";

const bytes = (...values: number[]): ArrayBuffer => new Uint8Array(values).buffer;

describe("dates, typed arrays and buffers of the state", () => {
  const initial = () => ({
    date: new Date(1),
    bytes: new Uint8Array([1, 2, 3]),
    floats: new Float64Array([0, 1]),
    buffer: bytes(1, 2),
    list: [new Date(2)],
    map: new Map([["k", new Int16Array([1])]]),
  });
  type State = ReturnType<typeof initial>;

  const writes: [name: string, write: (state: State) => unknown, operations: unknown[][]][] = [
    ["setTime", (s) => s.date.setTime(5), [[0, [], "date", new Date(5)]]],
    ["an invalid date", (s) => s.date.setTime(Number.NaN), [[0, [], "date", new Date(Number.NaN)]]],
    [
      "an element",
      (s) => {
        s.bytes[1] = 9;
      },
      [[0, [], "bytes", new Uint8Array([1, 9, 3])]],
    ],
    ["fill", (s) => s.bytes.fill(7), [[0, [], "bytes", new Uint8Array([7, 7, 7])]]],
    [
      "-0",
      (s) => {
        s.floats[0] = -0;
      },
      [[0, [], "floats", new Float64Array([-0, 1])]],
    ],
    [
      "the memory behind",
      (s) => {
        new Uint8Array(s.bytes.buffer)[0] = 8;
      },
      [[0, [], "bytes", new Uint8Array([8, 2, 3])]],
    ],
    [
      "a subarray",
      (s) => {
        s.bytes.subarray(1)[0] = 8;
      },
      [[0, [], "bytes", new Uint8Array([1, 8, 3])]],
    ],
    ["an ArrayBuffer", (s) => new Uint8Array(s.buffer).fill(4), [[0, [], "buffer", bytes(4, 4)]]],
    ["in an array", (s) => s.list[0]?.setTime(6), [[0, ["list"], 0, new Date(6)]]],
    ["in a Map", (s) => s.map.get("k")?.fill(2), [[0, ["map"], "k", new Int16Array([2])]]],
    [
      "the same again",
      (s) => {
        s.date.setTime(1);
        s.bytes[0] = 1;
      },
      [],
    ],
    [
      "there and back",
      (s) => {
        s.date.setTime(7);
        s.date.setTime(1);
      },
      [],
    ],
    ["nothing", (s) => [s.date.getTime(), s.bytes[0], [...s.floats], s.buffer.byteLength], []],
    [
      "on what was replaced",
      (s) => {
        const old = s.date;
        s.date = new Date(3);
        old.setTime(4);
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
      "on what moved",
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
      "on what was copied",
      (s) => {
        s.date.setTime(8);
        s.list.push(s.date);
        s.date.setTime(9);
      },
      [
        [2, ["list"], [new Date(8)]],
        [0, [], "date", new Date(9)],
      ],
    ],
    [
      "on what is assigned to itself",
      (s) => {
        const { date } = s;
        date.setTime(8);
        s.date = date;
        date.setTime(9);
      },
      [[0, [], "date", new Date(9)]],
    ],
    [
      "before a copy of the container",
      (s) => {
        s.list[0]?.setTime(8);
        s.list = [...s.list];
      },
      [[0, [], "list", [new Date(8)]]],
    ],
    [
      "before a copy of the proxy",
      (s) => {
        s.map.get("k")?.fill(3);
        Object.assign(s, { copy: s.map });
        delete (s as { copy?: unknown }).copy;
      },
      [
        [0, ["map"], "k", new Int16Array([3])],
        [0, [], "copy", new Map([["k", new Int16Array([3])]])],
        [1, [], "copy"],
      ],
    ],
    [
      "before copyWithin",
      (s) => {
        s.list.push(new Date(0));
        s.list[0]?.setTime(5);
        s.list.copyWithin(1, 0, 1);
      },
      [
        [2, ["list"], [new Date(0)]],
        [0, ["list"], 0, new Date(5)],
        [4, ["list"], [0, 1, 0, 1]],
      ],
    ],
  ];
  for (const [name, write, operations] of writes) {
    test(`a write is found when changes are taken: ${name}`, () => {
      const session = new Session(initial());
      const plain = initial();
      assertSame(write(session.state), write(plain), "result");
      assertSame(session.commit(), operations, "operations");
      if (!/cop(y|ied)/.test(name)) assertSame(session.state, plain, "state");
    });
  }

  test("views keep their identity and stay writable in later turns", () => {
    const session = new Session(initial());
    const { date, bytes } = session.state;
    for (let turn = 2; turn < 5; turn++) {
      assert.equal(session.state.date, date);
      assert.equal(session.state.bytes, bytes);
      date.setTime(turn);
      bytes[0] = turn;
      assert.equal(session.commit().length, 2);
      assertSame([session.state.date, session.state.bytes[0]], [new Date(turn), turn]);
    }
  });

  test("detached ones stay usable in later turns", () => {
    const session = new Session({ list: [{ at: new Date(1) }] });
    const part = session.state.list.pop() as { at: Date };
    const { at } = part;
    session.commit();
    at.setTime(2);
    assert.equal(part.at, at);
    session.state.list.push(part);
    assert.deepEqual(session.commit(), [[2, ["list"], [{ at: new Date(2) }]]]);
  });

  test("what others read in the same turn shows the write", () => {
    const session = new Session(initial());
    session.state.date.setTime(5);
    session.state.bytes[0] = 5;
    assertSame((session.tracker.raw as State).date, new Date(5));
    assertSame(session.state.list.concat(session.state.date).at(-1), new Date(5));
    assert.equal(session.commit().length, 2);
  });

  test("a root that is a date or an array of bytes is tracked as well", () => {
    const session = new Session<Date | Uint8Array>(new Date(1));
    (session.state as Date).setTime(2);
    assert.deepEqual(session.commit(), [[7, new Date(2)]]);
    const old = session.state as Date;
    session.state = new Uint8Array(2);
    old.setTime(3);
    (session.state as Uint8Array)[0] = 4;
    session.commit();
    assertSame(session.state, new Uint8Array([4, 0]));
  });

  test("memory that was given away is no change, and the next read gives it anew", () => {
    const session = new Session(initial());
    const { buffer, bytes } = session.state;
    structuredClone([buffer, bytes], { transfer: [buffer, bytes.buffer as ArrayBuffer] });
    assert.deepEqual(session.commit(), []);
    assertSame(session.state, initial());
  });

  test("regular expressions and errors cannot be changed", () => {
    const session = new Session({ pattern: /a/g, error: new Error("no") });
    session.state.pattern.exec("aaa");
    assert.throws(() => {
      session.state.error.message = "yes";
    }, TypeError);
    assert.deepEqual(session.commit(), []);
  });

  test("views that nobody holds any more are let go, and what was written to their memory is not lost", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const session = new Session({ list: Array.from({ length: 100 }, () => new Uint8Array(8)) });
    const seen: WeakRef<Uint8Array>[] = session.state.list.map((each) => new WeakRef(each));
    const memory = session.state.list[0]?.buffer as ArrayBuffer;
    session.take();
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    assert.ok(seen.filter((each) => each.deref() === undefined).length > 90, "views were collected");
    new Uint8Array(memory)[0] = 1;
    assert.deepEqual(session.commit(), [[0, ["list"], 0, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0])]]);
  });
});
