/** Key-value pairs of an actor: their order, their limits, and that they are stored as the state is. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ActorError } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/kv-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({
    script: join(DIST, "server/kv-main.js"),
  });
});
after(() => server.dispose());

const connectTo = () => createClient<typeof registry>(server.url);
const shelfOf = (key: string) => connectTo().shelf.getOrCreate(key);

/** Expects a refusal. */
const refused = (call: Promise<unknown>, code: string, text?: RegExp) =>
  assert.rejects(call, (error) => {
    assert.ok(error instanceof ActorError, String(error));
    assert.equal(`${error.group}.${error.code}`, code);
    if (text !== undefined) assert.match(error.message, text);
    return true;
  });

test("a pair is there until it is deleted", async () => {
  const shelf = shelfOf("single");
  assert.equal(await shelf.get("a"), null);
  await shelf.put("a", "1");
  assert.equal(await shelf.get("a"), "1");
  await shelf.put("a", "");
  assert.equal(await shelf.get("a"), "");
  await shelf.delete("a");
  await shelf.delete("a");
  assert.equal(await shelf.get("a"), null);
  assert.equal(await shelfOf("another").get("a"), null);
});

test("values come in the type that is asked for, byte for byte", async () => {
  const shelf = shelfOf("types");
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  await shelf.put("bytes", bytes);
  await shelf.put("buffer", bytes.slice().buffer);
  await shelf.put("text", "\ufeffgröße 𝄞\0");
  for (const key of ["bytes", "buffer"]) {
    assert.deepEqual(await shelf.getAs(key, "binary"), bytes);
    assert.deepEqual(await shelf.getAs(key, "arrayBuffer"), bytes.buffer);
    await refused(shelf.get(key), "kv.not_text", /ask for it as "binary"/);
  }
  assert.equal(await shelf.get("text"), "\ufeffgröße 𝄞\0");
  assert.deepEqual(await shelf.getAs("text", "binary"), new TextEncoder().encode("\ufeffgröße 𝄞\0"));
  // A text and its bytes are the same key.
  assert.equal(await shelf.get(new TextEncoder().encode("text")), "\ufeffgröße 𝄞\0");
  await shelf.putAs("text", "as it says", "text");
  await refused(shelf.putAs("text", "not bytes", "binary"), "kv.invalid_value");
  assert.equal(await shelf.get("text"), "as it says");
});

test("pairs are ordered by the bytes of their keys, and read in ranges", async () => {
  const shelf = shelfOf("ranges");
  const keys = ["", "a", "a\0", "aa", "ab", "b", "ä"];
  await shelf.batchPut([...keys].reverse().map((key) => [key, `v${key}`] as [string, string]));
  const pairs = (...wanted: string[]) => wanted.map((key) => [key, `v${key}`]);
  assert.deepEqual(await shelf.list(), pairs(...keys));
  assert.deepEqual(await shelf.list("a"), pairs("a", "a\0", "aa", "ab"));
  assert.deepEqual(await shelf.listPrefix("aa"), pairs("aa"));
  assert.deepEqual(await shelf.listRange("a\0", "b"), pairs("a\0", "aa", "ab"));
  assert.deepEqual(await shelf.listRange("b", "a"), []);
  assert.deepEqual(await shelf.list("", { reverse: true, limit: 2 }), pairs("ä", "b"));
  assert.deepEqual(await shelf.listRange("a", "b", { reverse: true, limit: 3 }), pairs("ab", "aa", "a\0"));
  await shelf.deleteRange("a\0", "ab");
  assert.deepEqual(await shelf.list("a"), pairs("a", "ab"));
  await shelf.deleteRange("b", "a");
  assert.deepEqual(await shelf.list(), pairs("", "a", "ab", "b", "ä"));
  // The end of a prefix of bytes that cannot be counted up.
  const high = [Uint8Array.of(0xff), Uint8Array.of(0xff, 0xff), Uint8Array.of(0xfe, 0xff, 0)];
  for (const key of high) await shelf.put(key, "x");
  assert.deepEqual(await shelf.listBytes(Uint8Array.of(0xff)), [
    ["\xff", "x"],
    ["\xff\xff", "x"],
  ]);
  assert.deepEqual(await shelf.listBytes(Uint8Array.of(0xfe, 0xff)), [["\xfe\xff\0", "x"]]);
  await refused(shelf.list(), "kv.not_text");
});

test("batches put, get and delete many pairs at once", async () => {
  const shelf = shelfOf("batches");
  const entries = Array.from({ length: 128 }, (_, i): [string, string] => [`k${i}`, `v${i}`]);
  await shelf.batchPut(entries);
  const keys = entries.map(([key]) => key);
  assert.deepEqual(
    await shelf.batchGetTexts(keys),
    entries.map(([, value]) => value),
  );
  assert.deepEqual(await shelf.batchGet(["k1", "none", "k0", "k1"]), ["v1", null, "v0", "v1"]);
  await shelf.batchPut([
    ["k1", "first"],
    ["k1", "last"],
  ]);
  assert.equal(await shelf.get("k1"), "last");
  await shelf.batchDelete([...keys.slice(2), "none"]);
  assert.deepEqual(await shelf.list(), [
    ["k0", "v0"],
    ["k1", "last"],
  ]);
  await shelf.batchPut([]);
  assert.deepEqual(await shelf.batchGet([]), []);
  await shelf.batchDelete([]);
});

test("reads see the writes before them and none after, in the order of the code", async () => {
  assert.deepEqual(await shelfOf("order").ordered(), [null, "1", ["y", "2"]]);
});

test("pairs survive sleep, and kill -9 together with the state of their turn", async () => {
  const shelf = shelfOf("life");
  assert.equal(await shelf.both("one"), 1);
  await shelf.nap();
  assert.deepEqual(await shelf.read(), { puts: 1, both: "one" });
  assert.equal(await shelf.both("two"), 2);
  await refused(shelf.failAfter("failed"), "rivetkit.internal_error");
  await server.kill();
  await server.restart();
  assert.deepEqual(await shelf.read(), { puts: 2, both: "two" });
  assert.equal(await shelf.get("failed"), "kept");
});

test("pairs of an ephemeral actor are stored within its interval", async () => {
  const client = connectTo();
  const actor = client.relaxed.getOrCreate("r");
  await actor.put("a");
  const stored = async () => {
    await server.kill();
    await server.restart();
    assert.equal(await actor.get("a"), "there");
  };
  // It is not said when, only that it is soon.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await stored();
});

test("pairs go with their actor", async () => {
  const shelf = shelfOf("gone");
  await shelf.put("a", "1");
  await shelf.end();
  await eventually(async () => assert.equal(await shelf.get("a"), null));
});

test("every hook can use pairs", async () => {
  const client = connectTo();
  const diary = client.diary.getOrCreate("d", { createWithInput: "hello" });
  const first = await diary.read();
  assert.equal(first.first, "hello");
  await diary.nap();
  const expected = [
    ["0 createState", "hello"],
    ["1 onCreate", "1"],
    ["2 onWake", "6"],
    ["3 onBeforeConnect", "6"],
    ["4 onDisconnect", ""],
    ["5 onSleep", "2"],
  ];
  await eventually(async () => assert.deepEqual((await diary.read()).pairs, expected));
  await diary.end();
  await eventually(() => assert.match(server.stderr, /destroyed with 7 pairs/));
});

test("what onSleep puts while the server shuts down is there when it is back", async () => {
  const diary = connectTo().diary.getOrCreate("shutdown");
  await diary.read();
  assert.equal(await server.stop(), 0);
  await server.restart();
  const { pairs } = await diary.read();
  assert.deepEqual(pairs.at(-1), ["5 onSleep", "2"]);
});

test("megabytes in one turn are one commit", async () => {
  const shelf = shelfOf("large");
  assert.equal(await shelf.fillLarge(200), 200);
  await server.kill();
  await server.restart();
  assert.equal(await shelf.countBytes(), 200 * 131_072);
});

test("what outlives its actor is refused, and takes nobody down", async () => {
  const diary = connectTo().diary.getOrCreate("outlived");
  await diary.outlive();
  await diary.nap();
  await eventually(() => assert.match(server.stderr, /outlived: kv\.closed/));
  await diary.read();
});

test("what is too large or too many is refused, and nothing of it is put", async () => {
  const shelf = shelfOf("limits");
  const key = "k".repeat(2_048);
  await shelf.put(key, "longest");
  assert.equal(await shelf.get(key), "longest");
  await refused(shelf.put(`${key}k`, ""), "kv.key_too_large", /2049 bytes, limit is 2048/);
  await refused(shelf.get("ä".repeat(1_025)), "kv.key_too_large", /2050 bytes/);
  await refused(shelf.listPrefix(`${key}k`), "kv.key_too_large");
  const value = new Uint8Array(131_073);
  await refused(shelf.put("a", value), "kv.value_too_large", /131073 bytes, limit is 131072/);
  await refused(
    shelf.batchPut([
      ["a", ""],
      ["b", value],
    ]),
    "kv.value_too_large",
  );
  const batch = Array.from({ length: 8 }, (_, i): [string, Uint8Array] => [
    String(i),
    new Uint8Array(124_927),
  ]);
  await refused(shelf.batchPut([...batch, ["", "1"]]), "kv.batch_too_large", /999425 bytes, limit is 999424/);
  await shelf.batchPut(batch);
  await shelf.deleteRange("", "9");
  const many = Array.from({ length: 129 }, (_, i) => `k${i}`);
  await refused(shelf.batchGet(many), "kv.too_many_keys", /129 keys in one call, limit is 128/);
  await refused(shelf.batchDelete(many), "kv.too_many_keys");
  await refused(shelf.batchPut(many.map((k) => [k, ""] as [string, string])), "kv.too_many_keys");
  assert.deepEqual(await shelf.list(), [[key, "longest"]]);
});

test("wrong arguments are refused with what is wrong about them", async () => {
  const shelf = shelfOf("wrong");
  for (const key of [undefined, null, 1, {}, [], new Date(0), new Uint16Array(1)]) {
    await refused(shelf.wrong("get", key), "kv.invalid_key");
    await refused(shelf.wrong("put", key, "x"), "kv.invalid_key");
    await refused(shelf.wrong("deleteRange", "a", key), "kv.invalid_key");
  }
  for (const value of [undefined, null, 1, {}, [], new Date(0), new Uint16Array(1)]) {
    await refused(shelf.wrong("put", "a", value), "kv.invalid_value");
  }
  for (const entries of [undefined, {}, "ab", ["ab"], [["a"]], [["a", "1", "2"]], [["a", "1"], 1]]) {
    await refused(shelf.wrong("batchPut", entries), "kv.invalid_value");
  }
  await refused(
    shelf.wrong("batchPut", [
      ["a", "1"],
      ["b", 1],
    ]),
    "kv.invalid_value",
  );
  await refused(shelf.wrong("batchGet", "a"), "kv.invalid_key");
  for (const options of [
    null,
    "text",
    { type: "json" },
    { limit: 0 },
    { limit: 1.5 },
    { limit: 16_385 },
    { limit: "1" },
    { keyType: "arrayBuffer" },
    { reverse: 1 },
    { revers: true },
  ]) {
    await refused(shelf.wrong("list", "", options), "kv.invalid_options");
  }
  assert.deepEqual(await shelf.list(), []);
});

test("the actor's pairs together are limited, and room that was made can be used again", async () => {
  const box = connectTo().box.getOrCreate("full");
  assert.equal(await box.fillUp("a"), "put");
  assert.equal(
    await box.fillUp("b"),
    "actor.kv_storage_quota_exceeded: 60001 bytes more do not fit: " +
      "the actor's pairs have 60001 bytes, limit is 100000 (`maxKvSize`)",
  );
  // In place of the old value there is room for a new one, though nobody could know from here.
  assert.equal(await box.fillUp("a"), "put");
  assert.equal(await box.has("b"), false);
  await box.delete("a");
  assert.equal(await box.fillUp("b"), "put");
  await box.nap();
  assert.match(await box.fillUp("c"), /^actor\.kv_storage_quota_exceeded/);
});

test("a list gives up to 16,384 pairs at once", async () => {
  const shelf = shelfOf("many");
  await shelf.fill(5_000, "a");
  assert.equal(await shelf.count("a"), 5_000);
  await shelf.nap();
  assert.equal(await shelf.count(""), 5_000);
  const [first] = await shelf.list("a0499", { reverse: true });
  assert.deepEqual(first, ["a04999", "4999"]);
});
