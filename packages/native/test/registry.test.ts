import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { NativeRegistry } from "@greenroom/native";
import { CountingHost, turn } from "./host.js";
import { call, config, inDirectory, listening, run } from "./setup.js";

const unused = (): void => assert.fail("no event was due");

test("actions run, fail and keep their state over a restart", async () => {
  await inDirectory(async (dataDir) => {
    const first = await run(dataDir);
    assert.equal(first.info.url, `http://127.0.0.1:${first.info.port}`);
    assert.deepEqual(await call(first.info.url, "a", "add"), { output: 1 });
    assert.deepEqual(await call(first.info.url, "a", "add"), { output: 2 });
    const failure = (await call(first.info.url, "a", "fail")) as { group: string; code: string };
    assert.deepEqual([failure.group, failure.code], ["user", "no"]);
    await first.registry.shutdown();
    // Start, three calls, and the stop at the end.
    assert.deepEqual(first.host.seen.slice(0, 5), [1, 2, 2, 2, 7]);

    const second = await run(dataDir);
    assert.deepEqual(await call(second.info.url, "a", "add"), { output: 3 });
    await second.registry.shutdown();
  });
});

test("registries of one process are independent", async () => {
  await inDirectory(async (path) => {
    const [one, two] = await Promise.all([run(join(path, "one")), run(join(path, "two"))]);
    assert.notEqual(one.info.port, two.info.port);
    assert.deepEqual(await call(one.info.url, "a", "add"), { output: 1 });
    assert.deepEqual(await call(two.info.url, "a", "add"), { output: 1 });
    await one.registry.shutdown();
    assert.deepEqual(await call(two.info.url, "a", "add"), { output: 2 });
    await two.registry.shutdown();
  });
});

test("many calls at once are all answered", async () => {
  await inDirectory(async (dataDir) => {
    const { registry, info } = await run(dataDir);
    const keys = Array.from({ length: 200 }, (_, index) => `k${index % 20}`);
    const replies = (await Promise.all(keys.map((key) => call(info.url, key, "add")))) as {
      output: number;
    }[];
    const sum = replies.reduce((total, reply) => total + reply.output, 0);
    // Each of the 20 counters answered 1 to 10, in whatever order.
    assert.equal(sum, 20 * 55);
    await registry.shutdown();
  });
});

test("stats count commits and awake actors", async () => {
  await inDirectory(async (dataDir) => {
    const { registry, info } = await run(dataDir);
    const stats = () => JSON.parse(registry.stats()) as Record<string, number>;
    assert.deepEqual([stats().commits, stats().actors], [0, 0]);
    await call(info.url, "a", "add");
    const { commits = 0, journalBytes = 0 } = stats();
    assert.ok(commits >= 1 && journalBytes > 0, registry.stats());
    assert.equal(stats().actors, 1);
    await registry.shutdown();
  });
});

test("a configuration that is no good is refused with the name of the field", () => {
  const check = (json: string, expected: RegExp) => {
    assert.throws(() => new NativeRegistry(json), { code: "invalid_config", message: expected });
  };
  check("no JSON", /expected ident/);
  check("{}", /missing field `version`/);
  check(config({ dataDir: "relative" }), /`dataDir` is `relative`/);
  check(config({ dataDir: "/x", extra: 1 }), /unknown field `extra`/);
  check(config({ dataDir: "/x", logLevel: "loud" }), /`logLevel` is `loud`/);
});

test("what prevents a start is explained and has a code", async () => {
  await inDirectory(async (path) => {
    const dataDir = join(path, "data");
    const { registry, info } = await run(dataDir);
    const check = (changes: Record<string, unknown>, code: string, expected: RegExp) =>
      assert.rejects(new NativeRegistry(config(changes)).start(unused), { code, message: expected });
    await check({ dataDir }, "store_locked", /data directory .*data is in use/);
    await check(
      { dataDir: join(path, "other"), port: info.port },
      "address_in_use",
      /port \d+ on `127.0.0.1` is taken/,
    );
    await check({ dataDir: join(path, "other"), host: "192.0.2.1" }, "address_unavailable", /`192.0.2.1`/);
    writeFileSync(join(path, "file"), "in the way");
    await check({ dataDir: join(path, "file", "data") }, "store_unusable", /cannot be used/);
    await registry.shutdown();
  });
});

test("a registry starts once", async () => {
  await inDirectory(async (dataDir) => {
    const { registry } = await run(dataDir);
    await assert.rejects(registry.start(unused), { code: "already_started" });
    await registry.shutdown();
    await assert.rejects(registry.start(unused), { code: "already_started" });
  });
});

test("shutdown can come at any time and any number of times", async () => {
  await inDirectory(async (dataDir) => {
    const unstarted = new NativeRegistry(config({ dataDir }));
    await unstarted.shutdown();

    const registry = new NativeRegistry(config({ dataDir }));
    const started = registry.start(unused);
    await Promise.all([registry.shutdown(), registry.shutdown(), started]);
    await registry.shutdown();
    assert.equal(registry.exchange(null), null);

    const failing = new NativeRegistry(config({ dataDir, host: "192.0.2.1" }));
    const failed = assert.rejects(failing.start(unused), { code: "address_unavailable" });
    await Promise.all([failed, failing.shutdown()]);
  });
});

test("a malformed batch is an error and nothing else", async () => {
  await inDirectory(async (dataDir) => {
    const { registry, info } = await run(dataDir);
    assert.throws(
      () => registry.exchange(Uint8Array.of(1, 2)),
      /malformed batch at byte 0: the record ends early/,
    );
    assert.throws(() => registry.exchange(turn(1, [], [99])), /malformed batch at byte 14: unknown output/);
    // An instance that does not exist is no mistake: it may just have ended.
    assert.equal(registry.exchange(turn(12345, [], [12])), null);
    assert.deepEqual(await call(info.url, "a", "add"), { output: 1 });
    await registry.shutdown();
  });
});

test("a buffer that was handed over may be written to at once", async () => {
  await inDirectory(async (dataDir) => {
    const registry = new NativeRegistry(config({ dataDir }));
    const host = new CountingHost();
    // Every batch goes through one buffer, wiped after each exchange.
    const buffer = new Uint8Array(65536);
    host.attach({
      exchange(outgoing: Uint8Array | null) {
        if (outgoing === null) {
          return registry.exchange(null);
        }
        buffer.set(outgoing);
        const events = registry.exchange(buffer.subarray(0, outgoing.length));
        buffer.fill(0xff);
        return events;
      },
    } as NativeRegistry);
    const { url } = listening(await registry.start(host.wake));
    assert.deepEqual(await call(url, "a", "add"), { output: 1 });
    await registry.shutdown();
  });
});
