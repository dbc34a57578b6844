/** Actors that call, watch and wait for each other. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Client } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/peers-registry.js";

let server: ServerProcess;
let client: Client<typeof registry>;

before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/peers-main.js") });
  client = createClient<typeof registry>(server.url);
});
after(async () => {
  await client?.dispose();
  await server?.dispose();
});

test("an actor calls another one and gets its answer", async () => {
  const checkout = client.checkout.getOrCreate("calls");
  assert.equal(await checkout.buy("a", 7), true);
  assert.equal(await checkout.buy("a", 7), false);
  assert.equal(await checkout.orders(), 1);
  assert.equal(await client.stock.get(["sku", "a"]).left(), 3);
  assert.equal(await checkout.buyOverConnection("a", 3), true);
  assert.equal(await client.stock.get(["sku", "a"]).left(), 0);
});

test("a user error of the callee comes through to the first caller, with its metadata", async () => {
  await assert.rejects(client.checkout.getOrCreate("errors").refused(), {
    group: "user",
    code: "sold_out",
    message: "sold out",
    metadata: { until: "monday" },
  });
  await assert.rejects(client.checkout.getOrCreate("errors").missing(), { code: "internal_error" });
});

test("an actor that watches another one hears its events until it sleeps", async () => {
  const checkout = client.checkout.getOrCreate("watches");
  const stock = client.stock.getOrCreate(["sku", "w"]);
  const conn = checkout.connect();
  const heard: unknown[] = [];
  conn.on("stock", (sku: string, left: number) => heard.push([sku, left]));
  await conn.orders();
  await checkout.watch("w");
  await stock.take(1);
  await eventually(() => assert.deepEqual(heard, [["w", 9]]));
  // The one that is watched may sleep meanwhile.
  await stock.sleep();
  await stock.take(1);
  await eventually(() => assert.deepEqual(heard[1], ["w", 8]));
  await checkout.sleep();
  await stock.take(1);
  assert.deepEqual(await checkout.seen(), [9, 8]);
  await conn.dispose();
});

test("calls in circles come to their end, because the actors take other calls while they wait", async () => {
  assert.equal(await client.link.getOrCreate("a").around(6), 4);
  assert.equal(await client.link.getOrCreate("b").calls(), 3);
});

test("a circle through an exclusive actor is refused with all its calls instead of waiting for itself", async () => {
  const guarded = client.guarded.getOrCreate("circle, with a comma");
  await assert.rejects(guarded.there(), {
    group: "actor",
    code: "call_cycle",
    message: /`guarded\/circle, with a comma.there` calls `guarded\/circle, with a comma\/other.back`/,
  });
  // Neither of them is stuck.
  assert.equal(await guarded.onward(), "again 0");
  assert.equal(await guarded.again(), "again 1");
});

test("a chain of calls ends at 32, with an error that shows it", async () => {
  assert.equal(await client.link.getOrCreate("top").down(31), 31);
  await assert.rejects(client.link.getOrCreate("top").down(33), {
    group: "actor",
    code: "call_chain_too_long",
    message: /33 calls wait for each other, limit is 32: link\/top.down calls link\/link-33.down/,
  });
});

test("a call that is given up is given up by the callee, too", async () => {
  const checkout = client.checkout.getOrCreate("gives-up");
  assert.equal(await checkout.giveUp("slow"), "aborted");
  await eventually(async () => assert.equal(await client.stock.get(["sku", "slow"]).left(), -1));
});

test("an actor may call others while it comes into being", async () => {
  assert.equal(await client.newcomer.getOrCreate("n").greeting(), 2);
  assert.equal(await client.ledger.getOrCreate("newcomers").highest(), 7);
});

test("an actor reads the streamed answer of another one's onRequest, however long", async () => {
  const reader = client.reader.getOrCreate("r");
  assert.deepEqual(await reader.read(1), { status: 207, who: "web", size: 10_000, last: "/a/b 1" });
  assert.deepEqual(await reader.read(200), { status: 207, who: "web", size: 2_000_000, last: "/a/b 200" });
  assert.equal(await reader.socket(), "unsupported");
});

test("a shutdown does not wait for actors that watch each other, and they find each other again", async () => {
  const checkout = client.checkout.getOrCreate("shutdown");
  await checkout.watch("s");
  const begun = performance.now();
  assert.equal(await server.stop("SIGTERM"), 0);
  assert.ok(performance.now() - begun < 5_000);
  await server.restart();
  await checkout.watch("s");
  await client.stock.getOrCreate(["sku", "s"]).take(1);
  await eventually(async () => assert.deepEqual(await checkout.seen(), [9]));
});

test("an actor may call others on its way to sleep; when all of them go, it is told at once that nobody is there", async () => {
  const parting = client.parting.getOrCreate("p");
  await parting.greet();
  await parting.sleep();
  await eventually(async () => assert.equal(await client.ledger.getOrCreate("good-byes").highest(), 1));
  await parting.greet();
  const begun = performance.now();
  assert.equal(await server.stop("SIGTERM"), 0);
  assert.ok(performance.now() - begun < 4_000);
  assert.match(server.stderr, /no good-bye: restarting;/);
  await server.restart();
});

test("clients cannot pretend that actors wait for them", async () => {
  const query = "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=pretends";
  const chain = Array.from({ length: 40 }, (_, i) => `actor${i}`).join(",");
  const response = await fetch(`${server.url}/gateway/link/action/down?${query}`, {
    method: "POST",
    headers: { "x-rivet-encoding": "json", "x-greenroom-chain": chain },
    body: '{"args":[2]}',
  });
  assert.deepEqual(await response.json(), { output: 2 });
});

test("no callee ever hears of a step that a crash of its caller takes back", async () => {
  for (let round = 0; round < 6; round++) {
    const key = `gate-${round}`;
    // What is lost stays lost, so that the callers end with their server.
    const own = createClient<typeof registry>({ endpoint: server.url, retryTimeout: 0 });
    const said = (): number[] =>
      [...server.stderr.matchAll(new RegExp(`saw ${key} (\\d+);`, "g"))].map(([, step]) => Number(step));
    let isRunning = true;
    const call = async (): Promise<void> => {
      while (isRunning) await own.journal.getOrCreate(key).step();
    };
    const ended = Promise.allSettled([call(), call(), call()]);
    await eventually(() => assert.ok(said().length > 20 + round), { every: 1 });
    isRunning = false;
    await server.kill();
    await ended;
    await own.dispose();
    await server.restart();
    const steps = await client.journal.getOrCreate(key).steps();
    const highest = Math.max(...said());
    assert.ok(highest <= steps, `the witness saw step ${highest}, the journal has ${steps}`);
  }
});
