/** The auction over sockets: its rules, its clock, and what a kill leaves of them. Also on Bun. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { isActorErrorCode } from "@greenroom/client";
import type { Bid, Clock, registry } from "../../../../examples/live-auction/dist/registry.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { ROOT } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

let server: ServerProcess;

before(async () => {
  server = await ServerProcess.start({ script: join(ROOT, "examples/live-auction/dist/server.js") });
});
after(() => server?.dispose());

const LONG = { openFor: 600_000, lastCall: 1_000 };

/** The visitors of one auction. */
function auction(t: TestContext, room: string, timing = LONG) {
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  return {
    enter(name: string) {
      const params = { name, secret: `${name}-${"s".repeat(16)}` };
      const handle = client.liveAuction.getOrCreate(["tide", room], { params, createWithInput: timing });
      return handle.connect();
    },
  };
}

const refused = (code: string) => (error: unknown) => isActorErrorCode(error, "user", code);

test("a bid reaches everybody, and the next one has to be higher", async (t) => {
  const { enter } = auction(t, "bids");
  const ann = enter("ann");
  await ann.ready;
  const bob = enter("bob");
  const heard: Bid[] = [];
  bob.on("newBid", (bid) => void heard.push(bid));
  await bob.ready;
  assert.equal(await ann.placeBid(400), 400);
  await eventually(() =>
    assert.deepEqual(
      heard.map(({ amount, name, paddle }) => [amount, name, paddle]),
      [[400, "ann", 1]],
    ),
  );
  await assert.rejects(bob.placeBid(410), (error: unknown) => {
    assert.ok(isActorErrorCode(error, "user", "bid_too_low"));
    assert.deepEqual(error.metadata, { least: 420 });
    assert.equal(error.message, "bid at least $420");
    return true;
  });
  assert.equal(await bob.placeBid(420), 420);
  const { bids, bidCount, paddle, watchers } = await bob.look();
  assert.deepEqual([bids.map(({ amount }) => amount), bidCount, paddle, watchers], [[400, 420], 2, 2, 2]);
});

test("what is no bid is refused with a reason of its own", async (t) => {
  const { enter } = auction(t, "refusals");
  const ann = enter("ann");
  for (const amount of [Number.NaN, 400.5, -1, 1e9, Number.POSITIVE_INFINITY])
    await assert.rejects(ann.placeBid(amount), refused("bid_invalid"), String(amount));
  await assert.rejects(ann.action({ name: "placeBid", args: ["400"] as never }), refused("bid_invalid"));
  await assert.rejects(ann.placeBid(399), refused("bid_too_low"));
  await ann.placeBid(400);
  assert.equal(await ann.placeBid(400), 400, "the same bid again is the same bid");
  await assert.rejects(ann.placeBid(500), refused("already_leading"));
  await assert.rejects(ann.reopen(), refused("auction_open"));
  assert.equal((await ann.look()).bidCount, 1);
});

test("a secret that is also a name every object knows gets a paddle like any other", async (t) => {
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  const params = { name: "eve", secret: "propertyIsEnumerable" };
  const enter = () =>
    client.liveAuction.getOrCreate(["tide", "names"], { params, createWithInput: LONG }).connect();
  assert.equal((await enter().look()).paddle, 1);
  assert.equal((await enter().look()).paddle, 1, "the same secret has the same paddle again");
});

test("secrets that are none and times that make no sense are refused", async (t) => {
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  for (const secret of ["", "__proto__", "x".repeat(65)]) {
    const params = { name: "eve", secret };
    await assert.rejects(
      client.liveAuction.getOrCreate(["tide", "eve"], { params }).look(),
      refused("secret_invalid"),
    );
  }
  for (const openFor of [0, Number.NaN, 1e12]) {
    const createWithInput = { openFor, lastCall: 1_000 };
    await assert.rejects(
      client.liveAuction.getOrCreate(["tide", `eve ${openFor}`], { createWithInput }).look(),
      refused("timing_invalid"),
    );
  }
});

test("those who do not say who they are bid by telephone, all with one paddle", async (t) => {
  const { enter } = auction(t, "telephone");
  const one = enter("");
  const other = enter("");
  await one.placeBid(400);
  await assert.rejects(other.placeBid(420), refused("already_leading"));
  const ann = enter("ann");
  await ann.placeBid(420);
  await other.placeBid(440);
  const { bids } = await ann.look();
  assert.deepEqual(
    bids.map(({ name, paddle }) => [name, paddle]),
    [
      ["Telephone", 0],
      ["ann", 1],
      ["Telephone", 0],
    ],
  );
});

test("a late bid moves the end, and after the end there are no bids", async (t) => {
  const { enter } = auction(t, "soft", { openFor: 4_000, lastCall: 4_000 });
  const ann = enter("ann");
  const bob = enter("bob");
  const clocks: Clock[] = [];
  const over = new Promise<Clock>((resolve) =>
    bob.on("clock", (clock) => {
      clocks.push(clock);
      if (clock.isOver) resolve(clock);
    }),
  );
  await bob.ready;
  const before = (await bob.look()).clock;
  await ann.placeBid(400);
  const end = await over;
  assert.equal(end.extensions, 1);
  const { bids, now } = await bob.look();
  assert.equal(end.endsAt, (bids[0]?.at ?? 0) + 4_000);
  assert.ok(end.endsAt > before.endsAt && now >= end.endsAt);
  assert.equal(clocks.length, 2);
  await assert.rejects(bob.placeBid(420), refused("auction_over"));
  await bob.reopen();
  assert.equal(await bob.placeBid(400), 400);
});

test("a kill takes neither the price nor the deadline", async (t) => {
  const { enter } = auction(t, "killed", { openFor: 4_000, lastCall: 200 });
  const ann = enter("ann");
  await ann.placeBid(400);
  const before = await ann.look();
  await server.kill();
  await server.restart();
  const { bids, clock, paddle } = await enter("ann").look();
  assert.deepEqual([bids, paddle], [before.bids, before.paddle]);
  assert.equal(clock.endsAt, before.clock.endsAt);
  // Asking does not end it: the schedule does, whether it was due before or after the restart.
  const watcher = enter("bob");
  await eventually(async () => assert.equal((await watcher.look()).clock.isOver, true));
});
