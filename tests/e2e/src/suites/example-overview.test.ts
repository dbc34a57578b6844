/** The programs of the overview, called as it calls them: replies, events and types, over a kill. Also on Bun. */

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { registry as chatRegistry, Message } from "../../../../examples/chat-room/dist/registry.js";
import type { registry as counterRegistry } from "../../../../examples/counter/dist/registry.js";
import type { registry as auctionRegistry } from "../../../../examples/live-auction/dist/registry.js";
import type { registry as reminderRegistry } from "../../../../examples/reminder/dist/registry.js";
import type { User, registry as userRegistry } from "../../../../examples/user-manager/dist/registry.js";
import { createClient } from "../harness/client.js";
import { exampleScript } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

/** Compiles only if both types are the same. */
function same<A, B>(..._proof: Same<A, B> extends true ? [] : [never]): void {}
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

async function start(t: TestContext, example: string): Promise<ServerProcess> {
  const server = await ServerProcess.start({ script: exampleScript(example) });
  t.after(() => server.dispose());
  return server;
}

test("counter: state, actions, an event", async (t) => {
  const server = await start(t, "counter");
  const client = createClient<typeof counterRegistry>(server.url);
  const counter = client.counter.getOrCreate("main");
  const connection = counter.connect();
  const heard = new Promise<number>((resolve) => connection.once("newCount", resolve));
  await connection.ready;
  const count = await counter.increment(2);
  same<number, typeof count>();
  assert.equal(await heard, 2);
  await server.kill();
  await server.restart();
  assert.equal(await counter.getCount(), 2);
});

test("chat room: sendMessage and getMessages", async (t) => {
  const server = await start(t, "chat-room");
  const client = createClient<typeof chatRegistry>(server.url);
  const room = client.chatRoom.getOrCreate(["general"]);
  const connection = room.connect();
  const heard = new Promise<Message>((resolve) => connection.once("newMessage", resolve));
  await connection.ready;
  const message = await room.sendMessage("user-123", "Hello everyone!");
  same<Message, typeof message>();
  assert.deepEqual([message.userId, message.text], ["user-123", "Hello everyone!"]);
  assert.deepEqual(await heard, message);
  // The same message again, as after a lost connection: it is known.
  assert.deepEqual(await room.sendMessage("user-123", "Hello everyone!", message.id), message);
  await server.kill();
  await server.restart();
  assert.deepEqual(await room.getMessages(), [message]);
});

test("live auction: placeBid and newBid", async (t) => {
  const server = await start(t, "live-auction");
  const client = createClient<typeof auctionRegistry>(server.url);
  const auction = client.liveAuction.getOrCreate(["auction-123"]);
  const connection = auction.connect();
  const heard = new Promise<string>((resolve) => {
    connection.on("newBid", (data) => resolve(`New bid: $${data.amount}`));
  });
  await connection.ready;
  const amount = await auction.placeBid(150);
  same<number, typeof amount>();
  assert.equal(amount, 150);
  assert.equal(await heard, "New bid: $150");
  await server.kill();
  await server.restart();
  assert.equal(await auction.placeBid(150), 150, "it is the leading bid still");
});

test("reminder: what is planned outlives its process", async (t) => {
  const server = await start(t, "reminder");
  const client = createClient<typeof reminderRegistry>(server.url);
  const reminder = client.reminder.getOrCreate("me");
  const planned = await reminder.setReminder("stretch", 3_600_000);
  await server.kill();
  await server.restart();
  assert.deepEqual(await reminder.list(), { planned: [planned], sent: [] });
  assert.equal(await reminder.cancel(planned.id), true);
  const connection = reminder.connect();
  const heard = new Promise<string>((resolve) => connection.once("reminder", ({ text }) => resolve(text)));
  await connection.ready;
  await reminder.setReminder("breathe", 0);
  assert.equal(await heard, "breathe");
  assert.deepEqual(
    (await reminder.list()).sent.map(({ text }) => text),
    ["breathe"],
  );
});

test("user manager: createUser and getUser, with the types of the page", async (t) => {
  const server = await start(t, "user-manager");
  const client = createClient<typeof userRegistry>(server.url);
  const manager = client.userManager.getOrCreate(["default"]);

  const user = await manager.createUser("Alice");
  same<{ userId: string; name: string }, typeof user>();
  const foundUser = await manager.getUser(user.userId);
  same<User | undefined, typeof foundUser>();
  assert.equal(foundUser?.name, "Alice");

  // @ts-expect-error a name is no number
  await assert.rejects(manager.createUser(5), { group: "user", code: "name_missing" });
  // @ts-expect-error there is no such field
  assert.equal(foundUser?.nmae, undefined);
  await assert.rejects(manager.createUser("x".repeat(61)), { group: "user", code: "name_too_long" });
  for (const stranger of ["nobody", "constructor", "__proto__", ""]) {
    assert.equal(await manager.getUser(stranger), undefined, stranger);
    assert.equal(await manager.removeUser(stranger), false, stranger);
  }
  await server.kill();
  await server.restart();
  assert.deepEqual(await manager.getUsers(), { [user.userId]: foundUser });
  assert.equal(await manager.removeUser(user.userId), true);
  assert.deepEqual(await manager.getUsers(), {});
  await assert.rejects(client.userManager.getOrCreate(["Old Vic"]).createUser(" "), { code: "name_missing" });
});
