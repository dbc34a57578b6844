/**
 * Bytes that are close to what is expected, to everything in the client that reads what a server has said: a value or
 * message comes of it, or an error, and never a wait, a crash of the engine or a wrong reading.
 *
 * `FUZZ_SEED=<seed> FUZZ_RUNS=1` replays one.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { buildBytes, decodeValue, encodeValue, ValueFormatError } from "@greenroom/client/codec";
import { decodeUsual, loadCompleteCodec, needsMore } from "../dist/codec/usual.js";
import { bareFormat } from "../dist/protocol/bare-format.js";
import { cborFormat, jsonFormat } from "../dist/protocol/named-formats.js";
import { joined, mutate, Random, randomValue } from "./support/mutate.js";

const runs = Number(process.env.FUZZ_RUNS ?? 6_000);
const chosen = process.env.FUZZ_SEED;

/** Half of the runs are the same each time. */
function fuzz(context: TestContext, run: (random: Random) => void): void {
  const fresh = Math.floor(Math.random() * 2 ** 31);
  context.diagnostic(`from seed ${chosen ?? `1 and ${fresh}`}`);
  for (let index = 0; index < runs; index++) {
    const first = chosen !== undefined ? Number(chosen) : index < runs / 2 ? 1 : fresh;
    const seed = first + index;
    try {
      run(new Random(seed));
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      throw new Error(`replay with FUZZ_SEED=${seed} FUZZ_RUNS=1: ${reason}`);
    }
  }
}

const FORMS = ["compat", "native", "state"] as const;

function encoded(value: unknown, form: (typeof FORMS)[number]): Uint8Array<ArrayBuffer> {
  return buildBytes((writer) => encodeValue(writer, value, form));
}

/** What `read` gives, unless it throws an error as it may: any but that the stack is full. */
function readOr<T>(
  read: () => T,
  isExpected: (error: unknown) => boolean,
): { readonly value: T } | undefined {
  try {
    return { value: read() };
  } catch (error) {
    if (!isExpected(error)) throw error;
    return undefined;
  }
}

const isFormatError = (error: unknown) => error instanceof ValueFormatError;
const isRefusal = (error: unknown) => error instanceof TypeError;

/** What a value is written as. */
function valid(random: Random, form: (typeof FORMS)[number]): Uint8Array<ArrayBuffer> {
  const written = readOr(() => encoded(randomValue(random), form), isRefusal);
  return written?.value ?? encoded(null, form);
}

test("any bytes are a value that can be written and read again, or an error that says where", (context) => {
  fuzz(context, (random) => {
    const form = random.pick(FORMS);
    const bytes = valid(random, form);
    for (const input of [bytes, mutate(random, bytes, valid(random, form))]) {
      const read = readOr(() => decodeValue(input, form), isFormatError);
      assert.ok(read !== undefined || input !== bytes, "what was written can be read");
      if (read === undefined) continue;
      const written = readOr(() => encoded(read.value, form), isRefusal);
      // The state keeps no objects as members of Sets and keys of Maps, and what was not written is not read.
      assert.ok(written !== undefined || form === "state", "what was read can be written");
      if (written === undefined) continue;
      const again = decodeValue(written.value, form);
      assert.deepEqual(encoded(again, form), written.value, "written once, it stays as it is");
    }
  });
});

test("what nests without an end is an error that says so, and not a full stack", () => {
  const openers = [
    [0x81],
    [0x9f],
    [0xa1, 0x60],
    [0xbf, 0x60],
    [0xc1],
    [0xd9, 1, 2, 0x81],
    [0xd9, 1, 3, 0xa1, 0],
    [0xd8, 27, 0x81],
  ];
  for (const form of FORMS) {
    for (const opener of openers) {
      const bytes = joined(...Array.from({ length: 50_000 }, () => Uint8Array.from(opener)));
      assert.throws(() => decodeValue(bytes, form), ValueFormatError, String(opener));
    }
  }
});

test("the small reader of pages reads what the complete one reads, or nothing", (context) => {
  fuzz(context, (random) => {
    const bytes = encoded(randomValue(random), "compat");
    const input = mutate(random, bytes, encoded(randomValue(random), "compat"));
    const small = readOr(() => decodeUsual(input), needsMore);
    if (small !== undefined) assert.deepEqual(small.value, decodeValue(input, "compat"));
  });
});

test("any frame is one that is known, or an error", async (context) => {
  await loadCompleteCodec();
  fuzz(context, (random) => {
    const envelope = { body: randomFrame(random) };
    const other = { body: randomFrame(random) };
    const cbor = mutate(random, encoded(envelope, "compat"), encoded(other, "compat"));
    check(() => cborFormat.decodeFrame(cbor.buffer));
    check(() => cborFormat.decodeOutput(cbor));
    check(() => cborFormat.decodeError(cbor));
    check(() => bareFormat.decodeFrame(mutate(random, bareFrame(random), bareFrame(random)).buffer));
    check(() => bareFormat.decodeError(mutate(random, bareFrame(random), bareFrame(random))));
    check(() => bareFormat.decodeOutput(mutate(random, bareFrame(random), bareFrame(random))));
    const text = new TextDecoder().decode(mutate(random, toUtf8(envelope), toUtf8(other)));
    check(() => jsonFormat.decodeFrame(text));
    check(() => jsonFormat.decodeError(new TextEncoder().encode(text)));
  });
});

const TAGS = ["Init", "Error", "ActionResponse", "Event", "StreamStart", "StreamItem", "StreamEnd"] as const;

function check(read: () => unknown): void {
  readOr(read, (error) => error instanceof Error && !/call stack/.test(error.message));
}

function randomFrame(random: Random): unknown {
  return {
    tag: random.pick(TAGS),
    val: {
      id: random.pick([7n, 2n ** 63n, 0]),
      actorId: "a".repeat(26),
      connectionId: "c",
      name: "said",
      args: [randomValue(random, 2)],
      output: randomValue(random, 2),
      item: null,
      group: "user",
      code: "failed",
      message: "it failed",
      actionId: random.pick([null, 7n]),
    },
  };
}

function toUtf8(value: unknown): Uint8Array {
  const lossy = (_: string, each: unknown) => (typeof each === "bigint" ? ["$BigInt", String(each)] : each);
  return new TextEncoder().encode(JSON.stringify(value, lossy));
}

/** A message of the server in BARE: version, kind, and fields of every sort behind it. */
function bareFrame(random: Random): Uint8Array<ArrayBuffer> {
  const text = (content: string) => [content.length, ...new TextEncoder().encode(content)];
  const value = encoded(randomValue(random, 1), "compat").subarray(0, 120);
  const data = [value.length, ...value];
  const fields = random.pick([
    [0, ...text("actor"), ...text("conn"), ...text("token"), ...text("s")],
    [
      1,
      ...text("user"),
      ...text("failed"),
      ...text("it failed"),
      1,
      ...data,
      1,
      7,
      1,
      ...text("actor"),
      1,
      0,
    ],
    [2, 7, ...data],
    [3, ...text("said"), ...data],
    [32, 7],
    [33, 7, ...data],
    [34, 7],
  ]);
  return Uint8Array.of(4, 0, ...fields);
}
