/**
 * Clients that make their calls again through everything that can get lost: connections are cut, actors lose their
 * instance, the server is killed. Each effect is there once, and each call has the right answer.
 *
 * `ONCE_SEED` replays the choices of a run (the moments of the faults depend on the machine, too), `ONCE_FAULTS` sets
 * how many faults there are (60, on other runtimes than the first 30; 1,000 is the full run).
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ClientConfig } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { CuttingProxy } from "../harness/cutting-proxy.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import { Random } from "../kill/random.js";
import { AccountModel, type AccountState } from "../once/account-model.js";
import { keepCalling } from "../once/callers.js";
import type { registry } from "../server/once-registry.js";

const SEED = Number(process.env.ONCE_SEED ?? Math.floor(Math.random() * 2 ** 32));
const FAULTS = Number(process.env.ONCE_FAULTS ?? (process.env.GREENROOM_E2E_RUNTIME === undefined ? 60 : 30));
const ACTORS = 4;
/** Calls that each caller has in flight. */
const DEPTH = 3;
/** The longest pause between faults, in milliseconds. */
const PAUSE = 150;

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: `${DIST}/server/once-main.js` });
});

/** Through a proxy, with pauses that are a fiftieth of the usual ones, so that there is little but work between faults. */
const clientThrough = (proxy: CuttingProxy, config: ClientConfig = {}) =>
  createClient<typeof registry>({
    endpoint: proxy.url,
    retryTimeout: 120_000,
    ...config,
    runtime: { random: () => -0.96, ...config.runtime },
  });

const direct = () => createClient<typeof registry>({ endpoint: server.url });

async function stateOf(client: ReturnType<typeof direct>, name: string): Promise<AccountState> {
  const handle = client.account.getOrCreate(name);
  return { ...(await handle.read()), pairs: await handle.pairs() };
}

test(`${FAULTS} random faults, and each effect is there once (ONCE_SEED=${SEED})`, async (t) => {
  const random = new Random(SEED);
  const proxy = await CuttingProxy.start(server.port);
  const models = Array.from({ length: ACTORS }, (_, i) => new AccountModel(`account-${i}`));
  const watcher = direct();
  const ids = await Promise.all(models.map(({ name }) => watcher.account.getOrCreate(name).resolve()));
  const stop = new AbortController();
  t.after(() => stop.abort());

  const groups = models.map((model, i) => {
    const encoding = (["bare", "cbor", "json", "bare"] as const)[i] ?? "bare";
    const own = () => new Random(random.between(0, 2 ** 32));
    const handleOf = (config: ClientConfig) =>
      clientThrough(proxy, { encoding, ...config }).account.getOrCreate(model.name);
    const handles = [
      handleOf({}),
      handleOf({ transport: "websocket" }),
      handleOf({ transport: "sse" }),
    ] as const;
    const [http, websocket, sse] = handles;
    const start = () =>
      [
        { way: "http", surface: http },
        { way: "ws", surface: websocket.connect() },
        { way: "sse", surface: sse.connect() },
      ].flatMap(({ way, surface }) =>
        Array.from({ length: DEPTH }, (_, n) =>
          keepCalling(`${way}${i}.${n}`, surface, model, own(), stop.signal),
        ),
      );
    return { handles, start };
  });
  // Clients find out once where to connect. With pauses as short as theirs they would not wait long for a server.
  await Promise.all(groups.flatMap(({ handles }) => handles.map((handle) => handle.resolve())));
  const callers = groups.flatMap(({ start }) => start());
  // The first caller that meets what no fault explains ends the test.
  const working = Promise.all(callers);
  working.catch(() => {});

  const faults = { cuts: 0, losses: 0, kills: 0 };
  const injure = async () => {
    for (let fault = 0; fault < FAULTS; fault++) {
      await delay(random.between(0, PAUSE));
      const kind = random.between(0, 10);
      if (kind < 6) {
        faults.cuts++;
        proxy.cutAll(false, () => random.oneIn(2));
      } else if (kind < 8) {
        faults.losses++;
        const id = ids[random.between(0, ids.length)] ?? "";
        await watcher.reaper.getOrCreate().lose(id);
      } else {
        faults.kills++;
        await server.kill();
        await server.restart();
      }
    }
  };
  await Promise.race([injure(), working.then(() => assert.fail("the callers stop when they are told to"))]);
  stop.abort();
  await working;

  const totals = { answered: 0, interrupted: 0 };
  for (const model of models) {
    model.check(await stateOf(watcher, model.name));
    totals.answered += model.totals.answered;
    totals.interrupted += model.totals.interrupted;
  }
  t.diagnostic(`seed ${SEED}, ${JSON.stringify({ ...faults, connectionsCut: proxy.cuts, ...totals })}`);
  assert.ok(totals.answered > FAULTS, "the callers got work done between the faults");
});

for (const transport of ["websocket", "sse"] as const) {
  test(`what a client sent over a connection that it has lost does not run behind later calls: ${transport}`, async () => {
    const proxy = await CuttingProxy.start(server.port);
    const handle = clientThrough(proxy, { transport }).account.getOrCreate(`left-${transport}`);
    const connection = handle.connect();
    assert.equal(await connection.add("first"), 1);
    const isHeld = proxy.hold();
    // One that is given up with its connection, and one that is made again.
    const lost = connection.action({ name: "add", args: ["lost"], retryTimeout: 0 });
    const kept = connection.add("kept");
    await isHeld;
    proxy.cutAll(true);
    await assert.rejects(lost, { code: "connection_lost" });
    assert.equal(await kept, 2);
    assert.equal(await connection.add("next"), 3);
    await proxy.release();
    assert.deepEqual((await connection.read()).entries, ["first", "kept", "next"]);
    await connection.dispose();
  });
}

test("the check notices effects of calls that ran twice", async (t) => {
  const random = new Random(SEED);
  const proxy = await CuttingProxy.start(server.port);
  const model = new AccountModel("account-twice");
  const stop = new AbortController();
  t.after(() => stop.abort());
  // The planted fault: the actor does not learn which call it is.
  const forgetful: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers);
    headers.delete("x-greenroom-call");
    return fetch(input, { ...init, headers });
  };
  const { account } = clientThrough(proxy, { runtime: { random: () => -0.96, fetch: forgetful } });
  const handle = account.getOrCreate(model.name);
  await handle.resolve();
  const callers = Array.from({ length: 8 }, (_, n) =>
    keepCalling(`twice${n}`, handle, model, random, stop.signal),
  );
  const watcher = direct();
  const seenTwice = async () => {
    for (;;) {
      await delay(20);
      proxy.cutAll();
      const { entries } = await watcher.account.getOrCreate(model.name).read();
      if (new Set(entries).size < entries.length) return;
    }
  };
  await Promise.race([seenTwice(), Promise.all(callers)]);
  stop.abort();
  await Promise.all(callers);
  const state = await stateOf(watcher, model.name);
  assert.throws(() => model.check(state), /has .* twice/);
});
