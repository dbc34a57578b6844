/** Actions, values and errors, over HTTP and WebSocket in every encoding, with our own client. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ActorError } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start();
});
after(() => server.dispose());

/** The error that `promise` rejects with, which must be an {@link ActorError}. */
async function refusal(promise: Promise<unknown>): Promise<ActorError> {
  const error = await promise.then(
    (value) => assert.fail(`expected an error, got ${String(value)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ActorError, `expected an ActorError, got ${String(error)}`);
  return error;
}

for (const encoding of ["json", "cbor", "bare"] as const) {
  for (const transport of ["http", "websocket"] as const) {
    describe(`${encoding} over ${transport}`, () => {
      const client = () => createClient<typeof registry>({ endpoint: server.url, encoding });
      const key = `${encoding}-${transport}`;

      const faulty = async () => {
        const own = client();
        const handle = own.faulty.getOrCreate([key]);
        const surface = transport === "http" ? handle : handle.connect();
        return { surface, [Symbol.asyncDispose]: () => own.dispose() };
      };

      test("errors meant for the caller arrive whole", async () => {
        await using f = await faulty();
        const plain = await refusal(f.surface.userError());
        assert.deepEqual([plain.group, plain.code, plain.message], ["user", "user_error", "for your eyes"]);
        const coded = await refusal(f.surface.codedError());
        assert.deepEqual([coded.code, coded.metadata], ["insufficient_funds", { have: 0n, want: 10 }]);
      });

      test("internal errors are masked, and the actor lives on with what changed before", async () => {
        await using f = await faulty();
        const before = await f.surface.calls();
        for (const error of [
          await refusal(f.surface.crash()),
          await refusal(f.surface.crashLater()),
          await refusal(f.surface.throwNothing()),
        ]) {
          assert.equal(error.code, "internal_error");
          assert.doesNotMatch(JSON.stringify(error.metadata ?? "") + error.message, /secret/);
        }
        assert.equal(await f.surface.calls(), before + 1);
      });

      test("values that state cannot hold are refused with their path, in the log", async () => {
        await using f = await faulty();
        assert.equal((await refusal(f.surface.keepInstance())).code, "internal_error");
        assert.equal((await refusal(f.surface.keepFunction())).code, "internal_error");
        assert.equal((await refusal(f.surface.keepSymbol())).code, "internal_error");
        for (const path of [/state\.kept\.users\[0\]/, /state\.kept\.call/, /state\.kept\[0\]/]) {
          await eventually(() => assert.match(server.stderr, path));
        }
      });

      test("nested actions have dotted names, and unknown ones say so", async () => {
        await using f = await faulty();
        assert.equal(await f.surface.nested.deep.act(1), 2);
        for (const name of ["nope", "toString", "__proto__", "constructor", "hasOwnProperty"]) {
          const call = f.surface.action({ name: name as "calls", args: [] });
          assert.equal((await refusal(call)).code, "action_not_found", name);
        }
      });

      test("slow actions time out on the server, fast ones overtake them", async () => {
        await using f = await faulty();
        const held = f.surface.hold();
        await eventually(async () => assert.equal(await f.surface.isHolding(), true));
        await f.surface.letGo();
        assert.equal(await held, "held");
        const late = await refusal(f.surface.slow(60_000));
        assert.equal(`${late.group}.${late.code}`, "actor.action_timed_out");
      });

      test("requests and replies at the limit pass, above it they are refused", async () => {
        const own = client();
        const handle = own.counter.getOrCreate([`${key}-limits`]);
        const text = (length: number) => "x".repeat(length);
        const surface = transport === "http" ? handle : handle.connect();
        assert.equal(await surface.echo(text(60_000)), text(60_000));
        const tooLong = await refusal(surface.echo(text(70_000)));
        assert.equal(`${tooLong.group}.${tooLong.code}`, "message.incoming_too_long");
        await own.dispose();
        await using f = await faulty();
        assert.equal((await f.surface.bigReply(1_000_000)).length, 1_000_000);
        const tooBig = await refusal(f.surface.bigReply(1_100_000));
        assert.equal(`${tooBig.group}.${tooBig.code}`, "message.outgoing_too_long");
        assert.equal(typeof (await f.surface.calls()), "number");
      });

      test("values arrive as they were sent", async () => {
        const own = client();
        const handle = own.counter.getOrCreate([`${key}-values`]);
        const surface = transport === "http" ? handle : handle.connect();
        const values: unknown[] = [
          null,
          true,
          0,
          -1,
          1.5,
          2 ** 31,
          2 ** 32,
          5_000_000_000,
          -5_000_000_000,
          Number.MAX_SAFE_INTEGER,
          "",
          "héllo 😀",
          [],
          [[]],
          {},
          { a: [1, { b: null }] },
          ["$foo", 1],
          ["$BigInt", "x"],
          ["$$", 0],
          12345678901234567890n,
          -1n,
          0n,
          2n ** 200n,
          new Uint8Array([0, 255]),
          [1, "x"],
          "a".repeat(5000),
          JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}'),
        ];
        if (encoding !== "json") {
          values.push(
            undefined,
            Number.NaN,
            Number.NEGATIVE_INFINITY,
            new Date(1_700_000_000_123),
            new Map([["k", [1]]]),
            new Set([1, "x"]),
            new Float64Array([1.5, Number.NaN]),
            new Int16Array([-1]),
            { u: undefined },
            /x+/gi,
            new BigInt64Array([-1n]),
            new ArrayBuffer(3),
          );
        }
        for (const value of values) assert.deepEqual(await surface.echo(value), value);
        await own.dispose();
      });
    });
  }
}

describe("handles", () => {
  const client = () => createClient<typeof registry>(server.url);

  test("get, getOrCreate, create and getForId reach one actor; a second create is refused", async () => {
    const own = client();
    const key = ["handles", "one"];
    const missing = await refusal(own.counter.get(key).resolve());
    assert.equal(`${missing.group}.${missing.code}`, "actor.not_found");
    const made = await own.counter.create(key);
    await made.increment(1);
    const id = await made.resolve();
    assert.equal(await own.counter.get(key).increment(1), 2);
    assert.equal(await own.counter.getOrCreate(key).increment(1), 3);
    assert.equal(await own.counter.getForId(id).getCount(), 3);
    assert.equal((await refusal(own.counter.create(key))).code, "duplicate_key");
    await own.dispose();
  });

  test("no two keys name one actor, whatever is in their parts", async () => {
    const own = client();
    const keys: (string | string[] | undefined)[] = [
      undefined,
      [""],
      ["", ""],
      ["a,b"],
      ["a", "b"],
      ["a/b"],
      ["a\\/b"],
      ["a\\", "b"],
      ["a,", "b"],
      ["\\0"],
      ["/"],
      [","],
      ["a", ""],
      ["", "a"],
      ["a\0b"],
      ["é"],
      ["e\u0301"],
      ["%2C"],
      ["+"],
      [" "],
      ["..", ".."],
    ];
    const ids = new Set<string>();
    for (const [index, key] of keys.entries()) {
      const handle = own.memory.getOrCreate(key);
      await handle.set(index);
      ids.add(await handle.resolve());
    }
    assert.equal(ids.size, keys.length);
    for (const [index, key] of keys.entries()) {
      assert.equal(await own.memory.getOrCreate(key).get(), index);
      const described = await own.memory.get(key).describe();
      assert.deepEqual(described.key, key === undefined ? [] : key);
    }
    assert.equal(
      await own.memory.getOrCreate("single").resolve(),
      await own.memory.getOrCreate(["single"]).resolve(),
    );
    await own.dispose();
  });

  test("an unknown actor name and an oversized key are refused at once", async () => {
    const own = client();
    const stranger = own.getOrCreate("stranger", ["k"]);
    const unknown = await refusal(stranger.action({ name: "x", args: [] }));
    assert.equal(`${unknown.group}.${unknown.code}`, "actor.not_registered");
    const big = await refusal(own.counter.getOrCreate(["x".repeat(200)]).getCount());
    assert.equal(`${big.group}.${big.code}`, "actor.key_too_large");
    await own.dispose();
  });

  test("input reaches the actor that it creates and no other", async () => {
    const own = client();
    const first = own.memory.getOrCreate("input", { createWithInput: { seed: 7 } });
    assert.equal(await first.seed(), 7);
    assert.equal(await own.memory.getOrCreate("input", { createWithInput: { seed: 8 } }).seed(), 7);
    assert.equal(await (await own.memory.create("input-2", { input: { seed: 9 } })).seed(), 9);
    assert.equal(await own.memory.getOrCreate("input-3").seed(), -1);
    await own.dispose();
  });

  test("an actor that cannot be created says why", async () => {
    const own = client();
    const error = await refusal(own.broken.getOrCreate("b").get());
    assert.equal(`${error.group}.${error.code}`, "user.no_luck");
    await own.dispose();
  });

  test("racing creators get one actor", async () => {
    const own = client();
    const ids = await Promise.all(
      Array.from({ length: 30 }, () => own.counter.getOrCreate("race").resolve()),
    );
    assert.equal(new Set(ids).size, 1);
    await own.dispose();
  });
});
