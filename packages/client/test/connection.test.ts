import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type ActorConn,
  ActorConnDisposed,
  type ActorError,
  type ConnStatus,
  createClient,
} from "@greenroom/client";
import { FakeClock, settle } from "./support/fake-clock.js";
import { type FakeSocket, fakeWebSockets } from "./support/fake-socket.js";

interface Lot {
  readonly "~types"?: {
    actions: { bid: (c: never, cents: number) => boolean };
    events: undefined;
    queues: undefined;
    params: unknown;
    input: unknown;
    state: unknown;
    connState: unknown;
  };
}
interface Registry {
  readonly "~actors"?: { lot: Lot };
}

interface Setup {
  readonly conn: ActorConn<Lot>;
  readonly clock: FakeClock;
  readonly sockets: FakeSocket[];
  readonly statuses: ConnStatus[];
  readonly errors: string[];
  /** The socket of the attempt under way. */
  socket(): FakeSocket;
}

interface Options {
  readonly random?: () => number;
  readonly getParams?: () => unknown;
  readonly method?: "get" | "getOrCreate";
}

async function connect(options: Options = {}): Promise<Setup> {
  const clock = new FakeClock();
  const { sockets, WebSocket } = fakeWebSockets();
  const client = createClient<Registry>({
    endpoint: "http://host:1",
    disableMetadataLookup: true,
    runtime: {
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      random: options.random ?? (() => 0),
      loadWebSocket: async () => WebSocket,
      fetch: () => Promise.reject(new TypeError("there is no network here")),
    },
  });
  const conn = client.lot[options.method ?? "getOrCreate"]("9", { getParams: options.getParams }).connect();
  const statuses: ConnStatus[] = [conn.connStatus];
  const errors: string[] = [];
  conn.onStatusChange((status) => statuses.push(status));
  conn.onError((error) => errors.push(codeOf(error)));
  await settle();
  const socket = (): FakeSocket => {
    const last = sockets.at(-1);
    assert.ok(last, "no socket was opened");
    return last;
  };
  return { conn, clock, sockets, statuses, errors, socket };
}

function codeOf(error: ActorError): string {
  return `${error.group}.${error.code}`;
}

/** Bare bytes of a call, as protocol 5.2 has them. */
function bidFrame(id: number, cents: number): string {
  return Buffer.from([4, 0, 0, id, 3, ...Buffer.from("bid"), 2, 0x81, cents]).toString("hex");
}

function subscriptionFrame(event: string, subscribe: boolean): string {
  return Buffer.from([4, 0, 1, event.length, ...Buffer.from(event), subscribe ? 1 : 0]).toString("hex");
}

/** The outcome of a promise that must have one by now. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  const settled = promise.then(
    (value) => ({ value }),
    (error: ActorError) => ({ error: codeOf(error), retryable: error.retryable }),
  );
  return Promise.race([settled, settle().then(() => "pending")]);
}

describe("opening", () => {
  test("nothing is sent before Init; then subscriptions, then calls in order", async () => {
    const { conn, socket } = await connect();
    const first = conn.bid(1);
    conn.on("topBid", () => {});
    const second = conn.bid(2);
    await settle();
    assert.deepEqual(socket().sent, []);
    socket().init("actor-1", "conn-1");
    assert.deepEqual(socket().sent, [subscriptionFrame("topBid", true), bidFrame(0, 1), bidFrame(1, 2)]);
    assert.equal(conn.actorId, "actor-1");
    assert.equal(conn.connectionId, "conn-1");
    assert.equal(conn.connId, "conn-1");
    socket().response(1, true);
    socket().response(0, false);
    assert.deepEqual(await Promise.all([first, second]), [false, true]);
    assert.equal(await conn.ready, undefined);
  });

  test("statuses go idle, connecting, connected, disconnected, connecting", async () => {
    const { statuses, socket, clock, conn } = await connect();
    const seen: string[] = [];
    const offOpen = conn.onOpen(() => seen.push("open"));
    conn.onOpen(() => seen.push("open too"));
    conn.onClose(({ code, reason }) => seen.push(`close ${code} ${reason}`));
    socket().init();
    socket().drop(1000, "kicked");
    assert.deepEqual(statuses, ["idle", "connecting", "connected", "disconnected"]);
    offOpen();
    await clock.advance(250);
    socket().init();
    assert.deepEqual(statuses.slice(4), ["connecting", "connected"]);
    assert.deepEqual(seen, ["open", "open too", "close 1000 kicked", "open too"]);
  });

  test("the URL carries the key in storage form and the subprotocols the encoding", async () => {
    const { socket } = await connect();
    assert.equal(
      socket().url,
      "ws://host:1/gateway/lot/connect?rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key-storage=9&rvt-crash-policy=sleep",
    );
    assert.deepEqual(socket().protocols, ["rivet", "rivet_encoding.bare", "greenroom.1"]);
    assert.equal(socket().binaryType, "arraybuffer");
  });

  test("an attempt without Init ends after 15 s and another follows", async () => {
    const { clock, sockets, errors, statuses } = await connect();
    await clock.advance(14_999);
    assert.deepEqual(errors, []);
    await clock.advance(1);
    assert.deepEqual(errors, ["client.connection_open_failed"]);
    assert.equal(statuses.at(-1), "disconnected");
    assert.equal(sockets[0]?.closed?.code, 1000);
    await clock.advance(125);
    assert.equal(sockets.length, 2);
  });
});

describe("events", () => {
  test("come in order, before the reply that was sent after them", async () => {
    const { conn, socket } = await connect();
    const seen: unknown[] = [];
    conn.on("topBid", (cents: number) => seen.push(cents));
    socket().init();
    const reply = conn.bid(3).then((ok) => seen.push(ok));
    socket().event("topBid", 1);
    socket().event("topBid", 2);
    socket().response(0, true);
    await reply;
    assert.deepEqual(seen, [1, 2, true]);
  });

  test("the server hears of the first and the last listener only", async () => {
    const { conn, socket } = await connect();
    socket().init();
    const offFirst = conn.on("topBid", () => {});
    const offSecond = conn.on("topBid", () => {});
    offFirst();
    offFirst();
    assert.deepEqual(socket().sent, [subscriptionFrame("topBid", true)]);
    offSecond();
    assert.deepEqual(socket().sent.slice(1), [subscriptionFrame("topBid", false)]);
  });

  test("once calls back once and unsubscribes", async () => {
    const { conn, socket } = await connect();
    let calls = 0;
    conn.once("topBid", () => calls++);
    socket().init();
    socket().event("topBid", 1);
    socket().event("topBid", 2);
    assert.equal(calls, 1);
    assert.deepEqual(socket().sent, [subscriptionFrame("topBid", true), subscriptionFrame("topBid", false)]);
  });

  test("a listener that throws is reported and harms nobody else", async () => {
    const { conn, socket, errors } = await connect();
    let calls = 0;
    conn.on("topBid", () => {
      throw new Error("mine");
    });
    conn.on("topBid", () => calls++);
    socket().init();
    socket().event("topBid", 1);
    assert.equal(calls, 1);
    assert.deepEqual(errors, ["client.listener_failed"]);
  });
});

describe("calls", () => {
  test("an error with an action id rejects that call only", async () => {
    const { conn, socket, errors } = await connect();
    socket().init();
    const first = conn.bid(1);
    const second = conn.bid(2);
    socket().error("user", "too_low", "bid more", 0);
    socket().response(1, true);
    assert.deepEqual(await outcome(first), { error: "user.too_low", retryable: false });
    assert.deepEqual(await outcome(second), { value: true });
    assert.deepEqual(errors, []);
  });

  test("every name is an action's that is not a member which users see", async () => {
    const { conn, socket } = await connect();
    socket().init();
    const actions = conn as unknown as Record<string, () => Promise<unknown>>;
    const names = ["opened", "frame", "ended", "surface", "attempt"];
    const calls = names.map((name) => actions[name]?.());
    assert.equal(socket().sent.length, names.length);
    for (const [id, name] of names.entries()) socket().response(id, name);
    assert.deepEqual(await Promise.all(calls), names);
  });

  test("an error without action id goes to onError and leaves calls alone", async () => {
    const { conn, socket, errors } = await connect();
    socket().init();
    const call = conn.bid(1);
    socket().error("auth", "forbidden", "not this event");
    socket().response(0, true);
    assert.deepEqual(await outcome(call), { value: true });
    assert.deepEqual(errors, ["auth.forbidden"]);
  });

  test("an argument that cannot be sent rejects the call, naming the path", async () => {
    const { conn, socket } = await connect();
    socket().init();
    const call = conn.bid({ deep: [() => {}] } as never);
    await assert.rejects(call, /^TypeError: args\[0\]\.deep\[0\] is a function/);
    assert.deepEqual(socket().sent, []);
  });

  test("an aborted call rejects, and its late reply is ignored", async () => {
    const { conn, socket, errors } = await connect();
    const controller = new AbortController();
    socket().init();
    const call = conn.action({ name: "bid", args: [1], signal: controller.signal });
    controller.abort();
    assert.deepEqual(await outcome(call), { error: "actor.aborted", retryable: false });
    socket().response(0, true);
    assert.deepEqual(errors, []);
    const late = conn.action({ name: "bid", args: [1], signal: controller.signal });
    assert.deepEqual(await outcome(late), { error: "actor.aborted", retryable: false });
    assert.equal(socket().sent.length, 1);
  });

  test("a call aborted while it waits for the connection is never sent", async () => {
    const { conn, socket } = await connect();
    const controller = new AbortController();
    const call = conn.action({ name: "bid", args: [1], signal: controller.signal });
    controller.abort();
    assert.deepEqual(await outcome(call), { error: "actor.aborted", retryable: false });
    socket().init();
    assert.deepEqual(socket().sent, []);
  });
});

describe("losing the connection", () => {
  test("in-flight calls reject, later ones wait and run on the next socket, subscriptions return", async () => {
    const { conn, clock, socket, errors } = await connect();
    conn.on("topBid", () => {});
    socket().init();
    const inFlight = conn.bid(1);
    socket().drop();
    assert.deepEqual(await outcome(inFlight), { error: "client.connection_lost", retryable: true });
    const waiting = conn.bid(2);
    assert.equal(await outcome(waiting), "pending");
    await clock.advance(125);
    socket().init();
    assert.deepEqual(socket().sent, [subscriptionFrame("topBid", true), bidFrame(1, 2)]);
    socket().response(1, true);
    assert.deepEqual(await outcome(waiting), { value: true });
    assert.deepEqual(errors, []);
  });

  test("a close that names an error rejects calls with it and reports it", async () => {
    const { conn, socket, errors } = await connect();
    socket().init();
    const call = conn.bid(1);
    socket().drop(1011, "message.incoming_too_long#ray");
    assert.deepEqual(await outcome(call), { error: "message.incoming_too_long", retryable: false });
    assert.deepEqual(errors, ["message.incoming_too_long"]);
  });

  test("the reason of an ordinary close is the actor's own, not an error", async () => {
    const { conn, socket, errors } = await connect();
    const reasons: string[] = [];
    conn.onClose(({ reason }) => reasons.push(reason));
    socket().init();
    const call = conn.bid(1);
    socket().drop(1000, "score.final");
    assert.deepEqual(await outcome(call), { error: "client.connection_lost", retryable: true });
    assert.deepEqual(reasons, ["score.final"]);
    assert.deepEqual(errors, []);
  });

  test("a close that names a passing reason leaves the outcome of calls open", async () => {
    const { conn, socket, errors } = await connect();
    socket().init();
    const call = conn.bid(1);
    socket().drop(1001, "ws.going_away");
    assert.deepEqual(await outcome(call), { error: "client.connection_lost", retryable: true });
    await assert.rejects(call, /bid did not arrive, so it may or may not have run: .*ws\.going_away/);
    assert.deepEqual(errors, ["ws.going_away"]);
  });

  test("an error frame followed by the close it announces is reported once", async () => {
    const { socket, errors } = await connect();
    socket().init();
    socket().error("actor", "stopping", "going down");
    socket().drop(1011, "actor.stopping");
    assert.deepEqual(errors, ["actor.stopping"]);
  });

  test("a frame that cannot be read ends the socket, not the connection", async () => {
    const { conn, clock, socket, sockets, errors } = await connect();
    socket().init();
    const call = conn.bid(1);
    socket().receive((writer) => writer.u8(9));
    assert.deepEqual(await outcome(call), { error: "client.connection_lost", retryable: true });
    assert.deepEqual(errors, ["client.malformed_message"]);
    assert.equal(sockets[0]?.closed?.code, 4002);
    await clock.advance(125);
    assert.equal(sockets.length, 2);
  });

  test("back-off doubles from 250 ms to 30 s, less up to half, for as long as it takes", async () => {
    for (const [random, share] of [
      [0, 0.5],
      [0.5, 0.75],
    ] as const) {
      const { clock, sockets, socket } = await connect({ random: () => random });
      const gaps: number[] = [];
      for (let attempt = 0; attempt < 12; attempt++) {
        socket().drop();
        await settle();
        const gap = clock.next ?? 0;
        gaps.push(gap / share);
        await clock.advance(gap);
        assert.equal(sockets.length, attempt + 2);
      }
      assert.deepEqual(gaps, [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000, 30000]);
    }
  });

  test("back-off starts over only after the connection was stable", async () => {
    const { clock, socket } = await connect();
    const lose = async (openFor: number): Promise<number | undefined> => {
      socket().init();
      await clock.advance(openFor);
      socket().drop();
      const gap = clock.next;
      await clock.advance(gap ?? 0);
      return gap;
    };
    assert.equal(await lose(4_999), 125);
    assert.equal(await lose(4_999), 250);
    assert.equal(await lose(5_000), 125);
  });
});

describe("refusal", () => {
  test("rejects waiting calls and ready with the server's error, and keeps trying", async () => {
    const { conn, clock, socket, errors, statuses } = await connect();
    const call = conn.bid(1);
    const ready = conn.ready;
    socket().error("user", "bad_token", "who are you");
    socket().drop(1011, "user.bad_token");
    assert.deepEqual(await outcome(call), { error: "user.bad_token", retryable: false });
    assert.deepEqual(await outcome(ready), { error: "user.bad_token", retryable: false });
    assert.deepEqual(errors, ["user.bad_token"]);
    assert.equal(statuses.at(-1), "disconnected");
    const later = conn.bid(2);
    await clock.advance(125);
    socket().init();
    assert.deepEqual(socket().sent, [bidFrame(1, 2)]);
    socket().response(1, true);
    assert.deepEqual(await outcome(later), { value: true });
    assert.deepEqual(await outcome(conn.ready), { value: undefined });
  });

  test("waiting calls outlive a passing refusal", async () => {
    for (const reason of ["actor.stopping", "guard.service_unavailable#1", "actor.not_found"]) {
      const { conn, clock, socket } = await connect();
      const call = conn.bid(1);
      socket().drop(1011, reason);
      assert.equal(await outcome(call), "pending", reason);
      await clock.advance(125);
      socket().init();
      socket().response(0, true);
      assert.deepEqual(await outcome(call), { value: true }, reason);
    }
  });

  test("a missing actor refuses a handle that may not create it", async () => {
    const { conn, socket } = await connect({ method: "get" });
    const call = conn.bid(1);
    socket().drop(1011, "actor.not_found");
    assert.deepEqual(await outcome(call), { error: "actor.not_found", retryable: false });
  });
});

describe("getParams", () => {
  test("is asked for every socket and travels as a subprotocol that any server accepts", async () => {
    let count = 0;
    const { clock, socket } = await connect({ getParams: async () => ({ token: `(é${++count})` }) });
    const expected = (n: number) =>
      `rivet_conn_params.${encodeURIComponent(`{"token":"(\\u00e9${n})"}`).replace("(", "%28").replace(")", "%29")}`;
    assert.equal(socket().protocols[2], expected(1));
    socket().init();
    socket().drop();
    await clock.advance(125);
    assert.equal(socket().protocols[2], expected(2));
  });

  test("failing is reported and tried again, while calls wait", async () => {
    let fails = true;
    const { conn, clock, sockets, errors, socket } = await connect({
      getParams: () => {
        if (fails) throw new Error("token service down");
        return {};
      },
    });
    const call = conn.bid(1);
    await settle();
    assert.deepEqual(errors, ["client.get_params_failed"]);
    assert.equal(sockets.length, 0);
    assert.equal(await outcome(call), "pending");
    fails = false;
    await clock.advance(125);
    socket().init();
    socket().response(0, true);
    assert.deepEqual(await outcome(call), { value: true });
  });
});

describe("dispose", () => {
  test("closes with 1000, rejects what is pending, and is final", async () => {
    const { conn, clock, socket, statuses, sockets } = await connect();
    const closes: number[] = [];
    conn.onClose(({ code }) => closes.push(code));
    socket().init();
    const inFlight = conn.bid(1);
    const done = conn.dispose();
    assert.deepEqual(socket().closed, { code: 1000, reason: "Disposed" });
    assert.equal(await outcome(done), "pending");
    socket().drop(1000, "Disposed");
    await done;
    await assert.rejects(inFlight, ActorConnDisposed);
    await assert.rejects(conn.bid(2), ActorConnDisposed);
    assert.equal(conn.connStatus, "idle");
    assert.deepEqual(statuses, ["idle", "connecting", "connected", "idle"]);
    assert.deepEqual(closes, [1000]);
    await conn.dispose();
    assert.equal(clock.pending, 0);
    await clock.advance(60_000);
    assert.equal(sockets.length, 1);
  });

  test("does not wait longer than a second for the server", async () => {
    const { conn, clock, socket } = await connect();
    socket().init();
    const done = conn.dispose();
    await clock.advance(999);
    assert.equal(await outcome(done), "pending");
    await clock.advance(1);
    await done;
  });

  test("during an attempt or a pause ends both, and rejects ready", async () => {
    const opening = await connect();
    const ready = opening.conn.ready;
    const call = opening.conn.bid(1);
    void opening.conn.dispose();
    await assert.rejects(ready, ActorConnDisposed);
    await assert.rejects(call, ActorConnDisposed);
    assert.equal(opening.socket().closed?.code, 1000);

    const pausing = await connect();
    pausing.socket().drop();
    await pausing.conn.dispose();
    assert.equal(pausing.clock.pending, 0);
    assert.equal(pausing.conn.connStatus, "idle");
  });

  test("a call that nobody awaits does not become an unhandled rejection", async () => {
    const unhandled: unknown[] = [];
    const record = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", record);
    try {
      const { conn, socket } = await connect();
      socket().init();
      void conn.bid(1);
      socket().drop();
      void conn.bid(2);
      void conn.dispose();
      await settle();
      await settle();
      assert.deepEqual(unhandled, []);
    } finally {
      process.off("unhandledRejection", record);
    }
  });
});
