import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assertSame } from "./support/same.js";
import { Session } from "./support/session.js";

const buffer = (...values: number[]): ArrayBuffer => new Uint8Array(values).buffer;
const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

/** Collects garbage, in Node or Bun. */
function collect(): void {
  const { Bun: bun } = globalThis as { Bun?: { gc(sync: boolean): void } };
  if (bun !== undefined) {
    bun.gc(true);
    return;
  }
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

describe("typed arrays and buffers of the state", () => {
  const initial = () => ({
    bytes: bytes(1, 2, 3),
    floats: new Float64Array([0, 1]),
    buffer: buffer(1, 2),
    list: [bytes(2)],
    map: new Map([["k", new Int16Array([1])]]),
  });
  type State = ReturnType<typeof initial> & Record<string, unknown>;

  /** Name, write, operations, and whether assigning copies, so that plain JavaScript would do something else. */
  const writes: [name: string, write: (state: State) => unknown, operations: unknown[][], copies?: true][] = [
    [
      "an element",
      (s) => {
        s.bytes[1] = 9;
      },
      [[0, [], "bytes", bytes(1, 9, 3)]],
    ],
    ["fill", (s) => s.bytes.fill(7), [[0, [], "bytes", bytes(7, 7, 7)]]],
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
      [[0, [], "bytes", bytes(8, 2, 3)]],
    ],
    [
      "a subarray",
      (s) => {
        s.bytes.subarray(1)[0] = 8;
      },
      [[0, [], "bytes", bytes(1, 8, 3)]],
    ],
    ["an ArrayBuffer", (s) => new Uint8Array(s.buffer).fill(4), [[0, [], "buffer", buffer(4, 4)]]],
    ["in an array", (s) => s.list[0]?.fill(6), [[0, ["list"], 0, bytes(6)]]],
    ["in a Map", (s) => s.map.get("k")?.fill(2), [[0, ["map"], "k", new Int16Array([2])]]],
    [
      "the same again",
      (s) => {
        s.bytes[0] = 1;
      },
      [],
    ],
    [
      "there and back",
      (s) => {
        s.bytes[0] = 7;
        s.bytes[0] = 1;
      },
      [],
    ],
    ["nothing", (s) => [s.bytes[0], [...s.floats], s.buffer.byteLength], []],
    [
      "on what was replaced",
      (s) => {
        const old = s.bytes;
        s.bytes = bytes(3);
        old[0] = 4;
        return old;
      },
      [[0, [], "bytes", bytes(3)]],
    ],
    [
      "on what was removed",
      (s) => {
        const old = s.list.pop();
        old?.fill(4);
        return old;
      },
      [[3, ["list"], 0, 1, []]],
    ],
    [
      "on what has moved",
      (s) => {
        const [moved] = s.list;
        s.list.unshift(bytes(0));
        moved?.fill(9);
      },
      [
        [3, ["list"], 0, 0, [bytes(0)]],
        [0, ["list"], 1, bytes(9)],
      ],
    ],
    [
      "on what was copied",
      (s) => {
        s.list[0]?.fill(8);
        s.list.push(s.list[0] as Uint8Array);
        s.list[0]?.fill(9);
      },
      [
        [2, ["list"], [bytes(8)]],
        [0, ["list"], 0, bytes(9)],
      ],
      true,
    ],
    [
      "after assigning it to itself",
      (s) => {
        const { bytes } = s;
        bytes[0] = 8;
        s.bytes = bytes;
        bytes[0] = 9;
      },
      [[0, [], "bytes", bytes(9, 2, 3)]],
    ],
    [
      "before a copy in a new container",
      (s) => {
        s.list[0]?.fill(8);
        s.list = [...s.list];
      },
      [[0, [], "list", [bytes(8)]]],
    ],
    [
      "before a copy of the container",
      (s) => {
        s.map.get("k")?.fill(3);
        s.copy = s.map;
      },
      [
        [0, ["map"], "k", new Int16Array([3])],
        [0, [], "copy", new Map([["k", new Int16Array([3])]])],
      ],
    ],
    [
      "before copyWithin",
      (s) => {
        s.list.push(bytes(0));
        s.list[0]?.fill(5);
        s.list.copyWithin(1, 0, 1);
      },
      [
        [2, ["list"], [bytes(0)]],
        [0, ["list"], 0, bytes(5)],
        [4, ["list"], [0, 1, 0, 1]],
      ],
    ],
  ];
  for (const [name, write, operations, copies] of writes) {
    test(`a write is found when changes are taken: ${name}`, () => {
      const session = new Session<State>(initial());
      const plain: State = initial();
      assertSame(write(session.state), write(plain), "result");
      assertSame(session.commit(), operations, "operations");
      if (copies !== true) assertSame(session.state, plain, "state");
    });
  }

  test("views keep their identity and stay writable in later turns", () => {
    const session = new Session(initial());
    const { bytes, buffer } = session.state;
    for (let turn = 2; turn < 5; turn++) {
      assert.equal(session.state.bytes, bytes);
      assert.equal(session.state.buffer, buffer);
      bytes[0] = turn;
      new Uint8Array(buffer)[0] = turn;
      assert.equal(session.commit().length, 2);
      assertSame(session.state.bytes[0], turn);
    }
  });

  test("detached ones stay usable in later turns", () => {
    const session = new Session({ list: [{ data: bytes(1) }] });
    const part = session.state.list.pop() as { data: Uint8Array };
    const { data } = part;
    session.commit();
    data[0] = 2;
    assert.equal(part.data, data);
    session.state.list.push(part);
    assertSame(session.commit(), [[2, ["list"], [{ data: bytes(2) }]]]);
  });

  test("what others read in the same turn shows the write", () => {
    const session = new Session(initial());
    session.state.bytes[0] = 5;
    assertSame((session.tracker.raw as State).bytes, bytes(5, 2, 3));
    assert.equal(session.commit().length, 1);
  });

  test("one that is the root is tracked as well", () => {
    const session = new Session<Uint8Array>(bytes(1));
    const old = session.state;
    old[0] = 2;
    assertSame(session.commit(), [[7, bytes(2)]]);
    session.state = bytes(0, 0);
    old[0] = 3;
    session.state[1] = 4;
    assertSame(session.commit(), [
      [7, bytes(0, 0)],
      [7, bytes(0, 4)],
    ]);
  });

  test("memory that was given away is no change, and the next read gives it anew", () => {
    const session = new Session(initial());
    const { buffer, bytes } = session.state;
    structuredClone([buffer, bytes], { transfer: [buffer, bytes.buffer as ArrayBuffer] });
    assert.deepEqual(session.commit(), []);
    assertSame(session.state, initial());
  });

  test("views that nobody holds any more are let go, and what was written to their memory is not lost", async () => {
    const session = new Session({ list: Array.from({ length: 100 }, () => bytes(0, 0)) });
    const seen: WeakRef<Uint8Array>[] = session.state.list.map((each) => new WeakRef(each));
    const memory = session.state.list[0]?.buffer as ArrayBuffer;
    session.take();
    // What a WeakRef gave in this job stays alive until its end.
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    assert.ok(seen.filter((each) => each.deref() === undefined).length > 90, "views were collected");
    new Uint8Array(memory)[0] = 1;
    assertSame(session.commit(), [[0, ["list"], 0, bytes(1, 0)]]);
  });
});
