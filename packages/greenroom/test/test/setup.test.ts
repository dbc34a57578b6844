/** `setupTest` under `node:test`, and with a context like that of vitest. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { type TestContext as NodeTestContext, test } from "node:test";
import { ActorError, isActorErrorCode } from "../../dist/errors.js";
import { actor, queue, type StandardSchema, setup, Unauthorized } from "../../dist/index.js";
import { setupTest } from "../../dist/test/index.js";

const HOUR = 3_600_000;
const START = Date.parse("2026-03-01T12:00:00Z");

/** What happened in actors, told to the tests past the registry. */
const log: string[] = [];

const diary = actor({
  state: { n: 0, at: [] as number[], attempts: 0 },
  onSleep: (c): void => void log.push(`sleep ${c.state.n}`),
  onDestroy: (): void => void log.push("destroy"),
  actions: {
    add(c, by: number): number {
      c.state.n += by;
      c.broadcast("n", c.state.n);
      return c.state.n;
    },
    addLoosely: {
      durability: "relaxed",
      run(c, by: number): number {
        c.state.n += by;
        return c.state.n;
      },
    },
    read: (c) => ({ n: c.state.n, at: c.state.at }),
    async remind(c, delay: number): Promise<void> {
      await c.schedule.after(delay, "note", delay);
    },
    note(c, delay: number): void {
      c.state.at.push(delay);
      log.push(`note ${delay}`);
    },
    async everyHour(c): Promise<void> {
      await c.cron.every({ name: "tick", interval: HOUR, action: "note", args: [HOUR] });
    },
    async stumble(c): Promise<void> {
      await c.schedule.after(1000, "stumbles");
    },
    stumbles(c): void {
      c.state.attempts++;
      if (c.state.attempts < 3) throw new Error("not yet");
    },
    attempts: (c): number => c.state.attempts,
    hang: (): Promise<void> => new Promise(() => {}),
    end: (c): void => c.destroy(),
    async tell(c, key: string): Promise<number> {
      return c.client<typeof registry>().diary.getOrCreate(key).add(1);
    },
  },
});

/** What is heard of `c.setTimeout`, and how long an actor is awake. */
const timers = actor({
  state: { rung: 0 },
  options: { sleepTimeout: 5000, actionTimeout: 2000 },
  actions: {
    wait(c, delay: number): void {
      c.setTimeout(() => {
        c.state.rung++;
      }, delay);
    },
    rung: (c): number => c.state.rung,
    hang: (): Promise<void> => new Promise(() => {}),
  },
});

const registry = setup({ use: { diary, timers }, logging: { level: "silent" } });

test("each test has data of its own, and no port or file", async (t) => {
  const before = readdirSync(".").length;
  const first = await setupTest(t, registry);
  const second = await setupTest(t, registry);
  assert.equal(await first.client.diary.getOrCreate("a").add(1), 1);
  assert.equal(await second.client.diary.getOrCreate("a").add(5), 5);
  assert.equal(await first.client.diary.getOrCreate("a").tell("b"), 1);
  assert.equal(readdirSync(".").length, before);
});

test("scheduled calls run at their own times, in order, when the clock gets there", async (t) => {
  const { client, clock } = await setupTest(t, registry, { now: START });
  assert.equal(clock.now(), START);
  const handle = client.diary.getOrCreate("a");
  log.length = 0;
  for (const delay of [90_000, 30_000, 60_000]) await handle.remind(delay);
  await clock.advance(29_999);
  assert.equal(log.length, 0);
  await clock.advance(1);
  assert.equal(log.join(), "note 30000");
  await clock.advance(HOUR);
  assert.deepEqual(
    log.filter((line) => line.startsWith("note")),
    ["note 30000", "note 60000", "note 90000"],
  );
  assert.equal(clock.now(), START + 30_000 + HOUR);
});

test("a job runs as often as it is due, in actors that sleep between the runs", async (t) => {
  const { client, clock } = await setupTest(t, registry, { now: START });
  const handle = client.diary.getOrCreate("a");
  await handle.everyHour();
  log.length = 0;
  await clock.advance(24 * HOUR);
  assert.equal((await handle.read()).at.length, 24);
  assert.equal(log.filter((line) => line.startsWith("sleep")).length, 24);
});

test("a call that is due comes before the sleep of an actor that wants no more than that", async (t) => {
  const drowsy = actor({
    state: { rung: [] as number[] },
    onWake: (c): void => void (c.state.rung.length < 2 && c.sleep()),
    actions: {
      async remind(c, delay: number): Promise<void> {
        await c.schedule.after(delay, "ring", delay);
      },
      async ring(c, delay: number): Promise<void> {
        await c.saveState({ immediate: true });
        c.state.rung.push(delay);
      },
      rung: (c) => c.state.rung,
    },
  });
  const { client, clock } = await setupTest(t, setup({ use: { drowsy } }));
  const handle = client.drowsy.getOrCreate("a");
  await handle.remind(HOUR);
  await handle.remind(2 * HOUR);
  await clock.advance(HOUR + 2000);
  await clock.advance(HOUR);
  assert.deepEqual(await handle.rung(), [HOUR, 2 * HOUR]);
});

test("a call that fails is tried again after pauses of virtual time", async (t) => {
  const { client, clock } = await setupTest(t, registry);
  const handle = client.diary.getOrCreate("a");
  await handle.stumble();
  await clock.advance(1000);
  assert.equal(await handle.attempts(), 1);
  await clock.advance(HOUR);
  assert.equal(await handle.attempts(), 3);
});

test("an idle actor goes to sleep after its timeout, and no earlier", async (t) => {
  const { client, clock } = await setupTest(t, registry);
  await client.diary.getOrCreate("a").add(2);
  log.length = 0;
  await clock.advance(29_000);
  assert.equal(log.length, 0);
  await clock.advance(2_000);
  assert.deepEqual(log, ["sleep 2"]);
});

test("timeouts and timers of actors go by the clock", async (t) => {
  const { client, clock } = await setupTest(t, registry);
  const handle = client.timers.getOrCreate("a");
  const hanging = handle.hang();
  const failed = assert.rejects(hanging, { group: "actor", code: "action_timed_out" });
  await clock.advance(1_999);
  await handle.wait(3_000);
  await clock.advance(1);
  await failed;
  await clock.advance(2_998);
  assert.equal(await handle.rung(), 0);
  await clock.advance(1);
  assert.equal(await handle.rung(), 1);
});

test("a crash runs no hook and loses what was not stored; a restart finds the rest", async (t) => {
  const { client, crash, restart } = await setupTest(t, registry);
  const handle = client.diary.getOrCreate("a");
  assert.equal(await handle.add(1), 1);
  assert.equal(await handle.addLoosely(10), 11);
  log.length = 0;
  await crash();
  assert.equal(log.length, 0);
  await assert.rejects(handle.read(), { group: "guard", code: "service_unavailable" });
  await restart();
  assert.equal((await handle.read()).n, 1);
});

test("a restart in good order runs the hooks and stores everything", async (t) => {
  const { client, restart } = await setupTest(t, registry);
  const handle = client.diary.getOrCreate("a");
  await handle.addLoosely(10);
  log.length = 0;
  await restart();
  assert.deepEqual(log, ["sleep 10"]);
  assert.equal((await handle.read()).n, 10);
  // One whose actor hangs ends by its deadlines, in virtual time.
  handle.hang().catch(() => {});
  await restart();
  assert.equal((await handle.read()).n, 10);
});

test("schedules survive a crash; what fell due meanwhile is done after the restart", async (t) => {
  const { client, clock, crash, restart } = await setupTest(t, registry);
  const handle = client.diary.getOrCreate("a");
  await handle.remind(60_000);
  await crash();
  await assert.rejects(clock.advance(1), /restart\(\)/);
  await restart();
  await clock.advance(60_000);
  assert.deepEqual((await handle.read()).at, [60_000]);
});

test("one actor can crash alone", async (t) => {
  const { client, clock, crash } = await setupTest(t, registry);
  const [a, b] = [client.diary.getOrCreate("a"), client.diary.getOrCreate("b")];
  await a.add(1);
  await a.addLoosely(10);
  await b.addLoosely(10);
  const waiting = assert.rejects(a.hang(), { group: "actor", code: "restarting" });
  await clock.settle();
  log.length = 0;
  await crash(a);
  await waiting;
  assert.equal(log.length, 0);
  assert.equal((await a.read()).n, 1);
  assert.equal((await b.read()).n, 10);
});

test("connections get events, and come back after a restart", async (t) => {
  const { client, crash, restart } = await setupTest(t, registry);
  const conn = client.diary.getOrCreate("a").connect();
  const heard: number[] = [];
  let onHeard = (): void => {};
  conn.on("n", (n: number) => {
    heard.push(n);
    onHeard();
  });
  assert.equal(await conn.add(1), 1);
  assert.deepEqual(heard, [1]);
  await crash();
  await restart();
  const again = new Promise<void>((resolve) => (onHeard = resolve));
  assert.equal(await conn.add(1), 2);
  await again;
  assert.deepEqual(heard, [1, 2]);
});

test("destroying runs its hook, and the next one with the key is new", async (t) => {
  const { client } = await setupTest(t, registry);
  const handle = client.diary.getOrCreate("a");
  await handle.add(1);
  log.length = 0;
  await handle.end();
  assert.equal((await handle.read()).n, 0);
  assert.deepEqual(log, ["destroy"]);
});

test("requests can be tried without a server, too", async (t) => {
  const { registry: running } = await setupTest(t, registry);
  const response = await running.fetch(new Request("http://any/metadata"));
  assert.deepEqual(((await response.json()) as { actorNames: object }).actorNames, { diary: {}, timers: {} });
});

test("loops that wait for messages go by the clock", async (t) => {
  const worker = actor({
    state: { done: [] as string[], ticks: 0 },
    options: { sleepTimeout: HOUR },
    queues: { jobs: queue<string>() },
    run: async (c) => {
      while (!c.aborted) {
        const message = await c.queue.next({ names: ["jobs"], timeout: 60_000 });
        if (message === undefined) c.state.ticks++;
        else c.state.done.push(message.body);
      }
    },
    actions: { look: (c) => ({ done: [...c.state.done], ticks: c.state.ticks }) },
  });
  const { client, clock } = await setupTest(t, setup({ use: { worker }, logging: { level: "silent" } }));
  const handle = client.worker.getOrCreate("w");
  assert.deepEqual(await handle.look(), { done: [], ticks: 0 });
  await clock.advance(180_000);
  await handle.send("jobs", "one");
  await clock.settle();
  assert.deepEqual(await handle.look(), { done: ["one"], ticks: 3 });
});

test("the program's own fake timers do not stop the registry", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval", "setImmediate", "Date"] });
  const { client, clock } = await setupTest(t, registry, { now: START });
  const handle = client.diary.getOrCreate("a");
  assert.equal(await handle.add(1), 1);
  await handle.remind(1000);
  await clock.advance(1000);
  assert.deepEqual((await handle.read()).at, [1000]);
});

test("a test as one writes it for vitest", async () => {
  const stock = actor({
    state: { left: 10 },
    actions: {
      take(c, n: number): boolean {
        if (c.state.left < n) return false;
        c.state.left -= n;
        c.broadcast("left", c.state.left);
        return true;
      },
    },
  });
  const ends: (() => Promise<void>)[] = [];
  const t = { task: { id: "7" }, onTestFinished: (work: () => Promise<void>) => void ends.push(work) };
  const { client } = await setupTest(t, setup({ use: { stock }, logging: { level: "silent" } }));
  const s = client.stock.getOrCreate(["sku", t.task.id]);
  assert.equal(await s.take(7), true);
  assert.equal(await s.take(7), false);
  const seen: number[] = [];
  const conn = s.connect();
  conn.on("left", (n: number) => seen.push(n));
  await conn.ready;
  await conn.take(3);
  assert.deepEqual(seen, [0]);
  for (const end of ends) await end();
});

test("everything is gone when the test ends, whatever the runner calls that", async () => {
  const ends: (() => Promise<void>)[] = [];
  const likeVitest = {
    onTestFinished: (work: () => Promise<void>) => void ends.push(work),
    task: { id: "1" },
  };
  const { client, clock } = await setupTest(likeVitest, registry);
  const conn = client.diary.getOrCreate("a").connect();
  await conn.add(1);
  log.length = 0;
  for (const end of ends) await end();
  assert.equal(conn.connStatus, "idle");
  assert.equal(log.length, 0);
  await assert.rejects(client.diary.getOrCreate("a").read(), (error) => error instanceof ActorError);
  await assert.rejects(clock.advance(1), /has crashed|is over/);
});

test("what is no test, no registry or no time is refused", async (t) => {
  await assert.rejects(setupTest(undefined as never, registry), /takes the context of the test first/);
  await assert.rejects(setupTest(registry as never, t as never), /not made by setup|context of the test/);
  await assert.rejects(setupTest(t, {} as never), /not made by setup/);
  await assert.rejects(setupTest(t, registry, { now: new Date("never") }), /'now' has to be a time/);
  const { clock } = await setupTest(t as NodeTestContext, registry);
  for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY, "1" as never]) {
    await assert.rejects(clock.advance(wrong), /clock\.advance takes milliseconds/);
  }
});

test("clients have tokens of their own, and the registry's own client needs none", async (t) => {
  const whoami = actor({ actions: { whoami: (c) => [c.conn.auth, c.conn.params] } });
  const guarded = setup({
    use: { whoami },
    token: "admin",
    logging: { level: "silent" },
    onAuth: ({ token, request }) => {
      if (token !== "t1" && token !== "t2") throw new Unauthorized("log in first");
      return `${token} ${request?.headers.get("x-trace")}`;
    },
  });
  const { client, createClient, registry: own, crash, restart } = await setupTest(t, guarded);
  const isRefused = (error: unknown): boolean => isActorErrorCode(error, "auth", "unauthorized");
  await assert.rejects(client.whoami.getOrCreate("a").whoami(), isRefused);
  await assert.rejects(createClient({ token: "t3" }).whoami.getOrCreate("a").whoami(), isRefused);
  const one = createClient({ token: "t1", headers: { "x-trace": "7" }, encoding: "json" });
  const connection = one.whoami.getOrCreate("a").connect();
  assert.deepEqual((await connection.whoami())[0], "t1 7");
  const two = createClient({ token: "t2" }).whoami.getOrCreate("a");
  assert.deepEqual((await two.whoami())[0], "t2 null");
  assert.equal(own.client(), own.client());
  assert.equal((await own.client().whoami.getOrCreate("a").whoami())[0], undefined);
  assert.equal((await createClient({ token: "admin" }).whoami.list()).actors.length, 1);
  await assert.rejects(one.whoami.list(), isRefused);
  await crash();
  await assert.rejects(own.client().whoami.get("a").whoami(), /has crashed/);
  await restart();
  assert.equal((await own.client().whoami.get("a").whoami())[0], undefined);
  assert.throws(
    () => createClient({ endpoint: "http://a" } as never),
    /has no option 'endpoint', only token/,
  );
  assert.throws(() => createClient({ token: 7 as never }), /token/);
});

test("clients that a test made are disposed when it ends", async () => {
  const ends: (() => Promise<void>)[] = [];
  const { createClient, registry: own } = await setupTest(
    { after: (work) => void ends.push(work) },
    registry,
  );
  const connections = [createClient(), own.client()].map((each) => each.diary.getOrCreate("a").connect());
  for (const each of connections) await each.add(1);
  for (const end of ends) await end();
  assert.deepEqual(
    connections.map((each) => each.connStatus),
    ["idle", "idle"],
  );
});

test("messages and responses are what their schemas make of what was passed", async (t) => {
  const schemaOf = <In, Out>(change: (value: In) => Out): StandardSchema<In, Out> => ({
    "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: change(value as In) }) },
  });
  const till = actor({
    state: { sum: 0 },
    queues: {
      coin: queue({
        message: schemaOf(({ value }: { value: string }) => ({ value: Number(value), currency: "EUR" })),
        complete: schemaOf(({ sum }: { sum: number }) => `${sum} in all`),
      }),
    },
    run: async (c) => {
      for await (const coin of c.queue.iter({ completable: true })) {
        c.state.sum += coin.body.value;
        await coin.complete({ sum: c.state.sum });
      }
    },
    actions: {
      drop: async (c): Promise<string> => (await c.queue.send("coin", { value: "3" })).body.value,
    },
  });
  const { client } = await setupTest(t, setup({ use: { till }, logging: { level: "silent" } }));
  const mine = client.till.getOrCreate("a");
  assert.equal(await mine.drop(), "3");
  assert.deepEqual(await mine.send("coin", { value: "4" }, { wait: true }), {
    status: "completed",
    response: "7 in all",
  });
});
