import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter, decodeValue, encodeValue } from "@greenroom/client/codec";
import { BatchReader } from "../../dist/host/batch-reader.js";
import { systemClock } from "../../dist/host/clock.js";
import { Doorman } from "../../dist/host/doorman.js";
import { OutputWriter } from "../../dist/host/output-writer.js";
import { NONE, OutputKind } from "../../dist/host/records.js";
import { type AuthRequest, Forbidden, type OnAuth } from "../../dist/index.js";
import { createLogger } from "../../dist/log.js";

interface Question {
  readonly intents?: number;
  readonly name?: string;
  readonly key?: readonly string[];
  readonly id?: string;
  readonly params?: unknown;
  readonly token?: string;
  readonly address?: string;
}

/** Somebody at the door, and what becomes of it. */
function door(onAuth: OnAuth, onAuthTimeout = 5_000) {
  const logs: string[] = [];
  const outputs = new OutputWriter();
  const log = createLogger("debug", {}, (line) => logs.push(line));
  const doorman = new Doorman(
    { onAuth, onAuthTimeout, log, exposeErrors: false },
    systemClock,
    () => outputs,
  );
  const ask = (question: Question): void => doorman.ask(new BatchReader(encode(question)));
  const answers = (): unknown[] => {
    const batch = new ByteWriter();
    outputs.moveTo(batch);
    return decode(batch.view());
  };
  return { ask, answers, logs };
}

function encode({ intents = 0, name, key, id, params, token, address }: Question): Uint8Array {
  const batch = new ByteWriter();
  const bytes = (value: Uint8Array | undefined): void => {
    batch.u32le(value?.length ?? NONE);
    if (value !== undefined) batch.bytes(value);
  };
  const text = (value: string | undefined): void =>
    bytes(value === undefined ? undefined : new TextEncoder().encode(value));
  const cbor = (value: unknown, form: "compat" | "native"): Uint8Array => {
    const writer = new ByteWriter();
    encodeValue(writer, value, form);
    return writer.finish();
  };
  batch.u32le(7);
  batch.u16le(intents);
  text(name);
  batch.u16le(key?.length ?? 0xffff);
  for (const part of key ?? []) text(part);
  text(id);
  bytes(params === undefined ? undefined : cbor(params, "compat"));
  text(token);
  text(address);
  bytes(cbor(["PUT", "http://a.test/action/x?y=1", [["x-own", "1"]]], "native"));
  return batch.finish();
}

function decode(batch: Uint8Array): unknown[] {
  const reader = new BatchReader(batch);
  reader.u32();
  const answers: unknown[] = [];
  while (!reader.atEnd) {
    const kind = reader.u8();
    assert.equal(reader.u32(), 7);
    if (kind === OutputKind.authorized) {
      const auth = reader.opt();
      answers.push(auth === undefined ? "nothing known" : decodeValue(auth, "compat"));
    } else {
      assert.equal(kind, OutputKind.refused);
      answers.push(`${reader.str()}.${reader.str()}: ${reader.str()}`);
      reader.opt();
    }
  }
  return answers;
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("a question is read whole, whatever is absent", () => {
  const asked: AuthRequest[] = [];
  const { ask, answers } = door((request) => void asked.push(request));
  ask({});
  ask({
    intents: 0b10_0000_1011,
    name: "room",
    key: ["a", ""],
    id: "id-1",
    params: { n: 1n },
    token: "größe",
    address: "::1",
  });
  const [nothing, everything] = asked;
  assert.deepEqual(
    [nothing?.intents.size, nothing?.name, nothing?.key, nothing?.actorId, nothing?.params, nothing?.token],
    [0, undefined, undefined, undefined, undefined, undefined],
  );
  assert.deepEqual([...(everything?.intents ?? [])], ["get", "create", "action", "sleep"]);
  assert.deepEqual([everything?.name, everything?.key, everything?.actorId], ["room", ["a", ""], "id-1"]);
  assert.deepEqual([everything?.params, everything?.token], [{ n: 1n }, "größe"]);
  assert.equal(everything?.remoteAddress, "::1");
  const { method, url, headers } = everything?.request ?? assert.fail("there is a request");
  assert.deepEqual([method, url, headers.get("x-own")], ["PUT", "http://a.test/action/x?y=1", "1"]);
  assert.deepEqual(answers(), ["nothing known", "nothing known"]);
});

test("answers come at once or later, and each question gets one", async () => {
  let resolve: (auth: unknown) => void = () => {};
  const later = new Promise<unknown>((done) => {
    resolve = done;
  });
  const { ask, answers } = door(({ token }) => {
    if (token === "now") return { uid: "ann" };
    if (token === "later") return later;
    throw new Forbidden("no");
  });
  ask({ token: "later" });
  ask({ token: "now" });
  ask({ token: "never" });
  assert.deepEqual(answers(), [{ uid: "ann" }, "auth.forbidden: no"]);
  resolve({ uid: "bob" });
  await nextTurn();
  assert.deepEqual(answers(), [{ uid: "bob" }]);
});

test("what cannot be sent refuses, and so does taking too long, once", async () => {
  let resolve: (auth: unknown) => void = () => {};
  const tooLate = new Promise<unknown>((done) => {
    resolve = done;
  });
  const { ask, answers, logs } = door(({ token }) => (token === "odd" ? { no: () => {} } : tooLate), 5);
  ask({ token: "odd" });
  ask({ token: "slow" });
  assert.equal(answers().length, 1);
  while (!logs.some((line) => line.includes("onAuth took longer than 5 ms"))) await nextTurn();
  const masked = "rivetkit.internal_error: An internal error occurred";
  assert.deepEqual(answers(), [masked]);
  resolve({ uid: "late" });
  await nextTurn();
  assert.deepEqual(answers(), []);
  assert.ok(logs.every((line) => line.includes("hook=onAuth")));
});
