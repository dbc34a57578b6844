import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createClient } from "@greenroom/client";
import {
  type ActorObserver,
  type ActorSnapshot,
  createObservers,
  type ObserveOptions,
  type ObserversOptions,
} from "@greenroom/client/observer";
import { FakeClock, settle } from "./support/fake-clock.js";
import { type FakeSocket, fakeWebSockets } from "./support/fake-socket.js";

interface Lot {
  readonly "~types"?: {
    actions: { bid: (c: never, cents: number) => boolean };
    events: { sold: [cents: number] };
    queues: undefined;
    params: { me: string };
    input: unknown;
    state: unknown;
    connState: unknown;
  };
}
interface Registry {
  readonly "~actors"?: { lot: Lot };
}
type Options = ObserveOptions<Registry, "lot">;

/** The time after which an unused connection is closed, and one that was asked for ahead. */
const RELEASE_MS = 250;
const HOLD_MS = 5_000;

function setUp(t: TestContext, options: ObserversOptions = {}) {
  // Of the observers; the client has a clock of its own.
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const clock = new FakeClock();
  const { sockets, WebSocket } = fakeWebSockets();
  const client = createClient<Registry>({
    endpoint: "http://host:1",
    transport: "websocket",
    disableMetadataLookup: true,
    runtime: {
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      random: () => 0,
      loadWebSocket: async () => WebSocket,
      fetch: () => Promise.reject(new TypeError("there is no network here")),
    },
  });
  const reported: string[] = [];
  const observers = createObservers(client, {
    onError: ({ error, options, isConnected }) =>
      reported.push(`${options?.name} ${error.group}.${error.code}${isConnected ? " connected" : ""}`),
    ...options,
  });
  const observe = (more: Partial<Options> = {}): ActorObserver<Lot> =>
    observers.observe({ name: "lot", key: "9", ...more });
  const socket = (index = -1): FakeSocket => {
    const found = sockets.at(index);
    assert.ok(found, "no socket was opened");
    return found;
  };
  const pass = async (milliseconds: number): Promise<void> => {
    t.mock.timers.tick(milliseconds);
    await settle();
  };
  return { client, clock, sockets, socket, observe, observers, reported, pass };
}

/** The status and the error of a snapshot. */
function state({ connStatus, error }: ActorSnapshot<Lot>): string {
  return error === null ? connStatus : `${connStatus} ${error.group}.${error.code}`;
}

test("observers of one actor share a connection, which closes a moment after the last one left", async (t) => {
  const { observe, sockets, socket, pass } = setUp(t);
  const [one, other] = [observe(), observe({ key: ["9"] })];
  assert.equal(one.hash, other.hash);
  assert.equal(state(one.getSnapshot()), "idle");
  assert.equal(one.getSnapshot(), one.getSnapshot());
  const changes: string[] = [];
  const leave = one.subscribe(() => changes.push(state(one.getSnapshot())));
  const leaveToo = other.subscribe(() => {});
  const deafen = other.on("sold", () => {});
  await settle();
  socket().init();
  assert.deepEqual(changes, ["connected"]);
  assert.equal(one.getSnapshot(), other.getSnapshot());
  assert.equal(sockets.length, 1);
  leave();
  leave();
  leaveToo();
  await pass(RELEASE_MS * 4);
  assert.equal(socket().closed, undefined, "somebody listens to events");
  deafen();
  await pass(RELEASE_MS - 1);
  assert.equal(socket().closed, undefined);
  observe().subscribe(() => {})();
  await pass(RELEASE_MS - 1);
  assert.equal(socket().closed, undefined, "it was used again meanwhile");
  await pass(1);
  assert.equal(socket().closed?.code, 1000);
  assert.equal(state(one.getSnapshot()), "idle");
  one.subscribe(() => {});
  await settle();
  assert.equal(sockets.length, 2);
});

test("what the hash is made of", (t) => {
  const { observe } = setUp(t);
  const hash = (more: object) => observe(more).hash;
  const both = { params: { me: "a", you: { x: 1, y: 2 } } };
  assert.equal(hash(both), hash({ params: { you: { y: 2, x: 1 }, me: "a" } }));
  assert.equal(
    hash({}),
    hash({ noCreate: false, createInRegion: "eu", createWithInput: 1, params: undefined }),
  );
  const all = [{}, both, { key: ["9", ""] }, { key: [] }, { noCreate: true }, { params: { me: "b" } }].map(
    hash,
  );
  assert.equal(new Set(all).size, all.length);
});

test("an error stays until a socket opens, and is reported once", async (t) => {
  const { observe, socket, clock, reported } = setUp(t);
  const lot = observe();
  const changes: string[] = [];
  lot.subscribe(() => changes.push(state(lot.getSnapshot())));
  assert.equal(state(lot.getSnapshot()), "connecting");
  for (let attempt = 0; attempt < 3; attempt++) {
    await settle();
    socket().drop(1011, "user.banned");
    assert.equal(state(lot.getSnapshot()), "disconnected user.banned");
    await clock.advance(1_000);
  }
  await settle();
  socket().init();
  assert.equal(state(lot.getSnapshot()), "connected");
  assert.deepEqual(changes.slice(0, 4), [
    "disconnected",
    "disconnected user.banned",
    "connecting user.banned",
    "disconnected user.banned",
  ]);
  assert.deepEqual(reported, ["lot user.banned"]);
  socket().error("auth", "forbidden", "not for you");
  assert.equal(state(lot.getSnapshot()), "connected auth.forbidden");
  assert.deepEqual(reported, ["lot user.banned", "lot auth.forbidden connected"]);
});

test("how often events were missed for good is counted", async (t) => {
  const { observe, socket, clock } = setUp(t);
  const lot = observe();
  const counts: number[] = [];
  lot.subscribe(() => counts.push(lot.getSnapshot().resyncs));
  lot.on("sold", () => {});
  await settle();
  socket().init();
  socket().drop();
  await clock.advance(1_000);
  await settle();
  assert.equal(lot.getSnapshot().resyncs, 0);
  socket().init();
  assert.equal(lot.getSnapshot().resyncs, 1);
  assert.equal(counts.at(-1), 1);
});

test("a listener that throws keeps nobody from hearing, and is no error of the connection", async (t) => {
  const { observe, socket } = setUp(t);
  const logged = t.mock.method(console, "error", () => {});
  const heard: number[] = [];
  const lot = observe();
  lot.subscribe(() => {
    throw new Error("a subscriber");
  });
  lot.on("sold", () => {
    throw new Error("a handler");
  });
  lot.on("sold", (cents) => heard.push(cents));
  await settle();
  socket().init();
  socket().event("sold", 5);
  assert.deepEqual(heard, [5]);
  assert.equal(state(lot.getSnapshot()), "connected");
  assert.equal(logged.mock.callCount(), 2);
});

test("options that cannot be used are the error of the snapshot", (t) => {
  const { observers, sockets, reported } = setUp(t);
  const circle: Record<string, unknown> = {};
  circle.circle = circle;
  const cases: readonly [options: unknown, message: RegExp][] = [
    [undefined, /an object/],
    [null, /./],
    [{ key: "9" }, /`name` is missing/],
    [{ name: "", key: "9" }, /`name` is missing/],
    [{ name: "lot" }, /`key` is missing/],
    [{ name: "lot", key: 9 }, /an actor key is a well-formed string/],
    [{ name: "lot", key: ["a", null] }, /an actor key/],
    [{ name: "lot", key: [1n] }, /an actor key is a well-formed string/],
    [{ name: Symbol("lot"), key: [] }, /`name` is symbol/],
    [{ name: "lot", key: [], enabled: 1 }, /`enabled` is number, not boolean/],
    [{ name: "lot", key: [], input: 1 }, /use `createWithInput`/],
    [{ name: "lot", key: [], params: { n: 1n } }, /BigInt/],
    [{ name: "lot", key: [], params: circle }, /circular/],
  ];
  for (const [options, message] of cases) {
    const lot = observers.observe(options as Options);
    assert.equal(lot.enabled, false);
    const { error } = lot.getSnapshot();
    assert.equal(state(lot.getSnapshot()), "disconnected client.invalid_options");
    assert.match(error?.message ?? "", message);
    assert.deepEqual(lot.prepare(), { status: "failed", error });
    lot.on("sold", () => {})();
    const before = reported.length;
    lot.subscribe(() => {})();
    assert.equal(reported.length, before + 1);
  }
  assert.equal(sockets.length, 0);
});

test("a hash function of one's own decides who shares, and may fail", async (t) => {
  const { observe, sockets } = setUp(t, {
    hashFunction: ({ key }) => {
      if (key === "none") throw new Error("no hash");
      return "all the same";
    },
  });
  observe({ key: "a" }).subscribe(() => {});
  observe({ key: "b" }).subscribe(() => {});
  await settle();
  assert.equal(sockets.length, 1);
  const failed = observe({ key: "none" }).getSnapshot();
  assert.match(failed.error?.message ?? "", /no hash/);
});

test("who is disabled connects to nothing", async (t) => {
  const { observe, sockets } = setUp(t);
  const lot = observe({ enabled: false });
  lot.subscribe(() => assert.fail("nothing changes"))();
  lot.on("sold", () => {})();
  assert.deepEqual([lot.enabled, lot.hash], [false, observe().hash]);
  assert.equal(lot.prepare().status, "failed");
  await settle();
  assert.equal(sockets.length, 0);
});

test("a client that is disposed, and a connection that somebody disposed, are errors", async (t) => {
  const { observe, socket, client } = setUp(t);
  const lot = observe();
  lot.subscribe(() => {});
  await settle();
  socket().init();
  void lot.getSnapshot().connection?.dispose();
  assert.equal(state(lot.getSnapshot()), "idle client.connection_disposed");
  void client.dispose();
  const other = observe({ key: "other" });
  other.subscribe(() => {});
  assert.equal(state(other.getSnapshot()), "disconnected client.disposed");
});

test("what is asked for ahead is kept for whoever comes for it, and closed if nobody does", async (t) => {
  const { observe, socket, sockets, pass } = setUp(t);
  const lot = observe();
  const first = lot.prepare();
  assert.ok(first.status === "pending");
  const again = observe().prepare();
  assert.ok(again.status === "pending" && again.promise === first.promise);
  await settle();
  await pass(HOLD_MS * 2);
  assert.equal(socket().closed, undefined, "it may take its time");
  socket().init();
  await first.promise;
  assert.equal(lot.prepare().status, "ready");
  await pass(HOLD_MS - 1);
  const leave = lot.subscribe(() => {});
  await pass(HOLD_MS * 2);
  assert.equal(socket().closed, undefined);
  assert.equal(lot.prepare().status, "ready", "asking once more is not asking ahead");
  leave();
  await pass(RELEASE_MS);
  assert.equal(socket().closed?.code, 1000);

  assert.equal(lot.prepare().status, "pending");
  await settle();
  assert.equal(sockets.length, 2);
  socket().init();
  await settle();
  await pass(HOLD_MS);
  await pass(RELEASE_MS);
  assert.equal(socket().closed?.code, 1000);
});

test("asking ahead fails with the first attempt, unless the actor is about to be there", async (t) => {
  const { observe, socket, sockets, clock, pass } = setUp(t);
  const lot = observe();
  const preparation = lot.prepare();
  assert.ok(preparation.status === "pending");
  await settle();
  socket().drop(1011, "actor.starting");
  await settle();
  assert.equal(lot.prepare().status, "pending");
  await clock.advance(250);
  socket().drop(1011, "user.banned");
  await preparation.promise;
  const failed = lot.prepare();
  assert.ok(failed.status === "failed" && failed.error.code === "banned");
  await pass(RELEASE_MS);
  const attempts = sockets.length;
  assert.equal(lot.prepare().status, "pending", "a new attempt");
  await settle();
  assert.equal(sockets.length, attempts + 1);
});

test("asking ahead fails when the actor is about to be there for too long", async (t) => {
  const { observe, socket, clock } = setUp(t);
  const lot = observe();
  for (let attempts = 1; lot.prepare().status === "pending"; attempts++) {
    assert.ok(attempts < 20);
    await settle();
    socket().drop(1011, "actor.starting");
    await settle();
    await clock.advance(clock.next ?? 0);
  }
  const failed = lot.prepare();
  assert.ok(failed.status === "failed" && failed.error.code === "starting");
});

test("asking ahead may fail at once, and many times", async (t) => {
  const { observe, client, socket, pass } = setUp(t);
  for (let round = 0; round < 30; round++) {
    assert.equal(observe().prepare().status, "pending", `round ${round}`);
    await settle();
    socket().drop(1011, "user.banned");
    await settle();
    const failed = observe().prepare();
    assert.ok(failed.status === "failed" && failed.error.code === "banned");
    await pass(RELEASE_MS);
  }
  void client.dispose();
  const failed = observe().prepare();
  assert.ok(failed.status === "failed" && failed.error.code === "disposed");
  await pass(RELEASE_MS);
  assert.equal(state(observe().getSnapshot()), "idle", "nothing is kept");
});

test("whoever asks ahead for something else whenever it is there is refused after a while", async (t) => {
  const { observe, socket, sockets, pass } = setUp(t);
  let rounds = 0;
  const ask = async () => {
    const preparation = observe({ params: { me: String(rounds++) } }).prepare();
    if (preparation.status === "pending") {
      await settle();
      socket().init();
      await preparation.promise;
    }
    return preparation;
  };
  for (;;) {
    const preparation = await ask();
    if (preparation.status === "failed") {
      assert.equal(preparation.error.code, "unstable_options");
      break;
    }
    assert.ok(rounds < 100);
  }
  assert.equal(sockets.length, 20);
  assert.equal((await ask()).status, "failed", "also the next time");
  await pass(1_000);
  assert.equal((await ask()).status, "pending", "until a second has passed");
});
