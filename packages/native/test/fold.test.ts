import assert from "node:assert/strict";
import { test } from "node:test";
import { foldState } from "@greenroom/native";

const setRoot = Uint8Array.of(0x82, 7, 0xa0);
const setProperty = Uint8Array.of(0x84, 0, 0x80, 0x61, 0x61, 1);

test("operations fold onto nothing and onto an image", () => {
  assert.deepEqual(foldState(null, [setRoot]), Uint8Array.of(0xa0));
  assert.deepEqual(foldState(null, [setRoot, setProperty]), Uint8Array.of(0xa1, 0x61, 0x61, 1));
  assert.deepEqual(foldState(Uint8Array.of(0xa0), [setProperty]), Uint8Array.of(0xa1, 0x61, 0x61, 1));
  assert.deepEqual(foldState(Uint8Array.of(0xa0), []), Uint8Array.of(0xa0));
});

test("what cannot be folded is an error that says why", () => {
  assert.throws(() => foldState(null, []), /leave no state/);
  assert.throws(() => foldState(Uint8Array.of(), []), /malformed state image: the item ends early at byte 0/);
  assert.throws(() => foldState(null, [setProperty]), /state operation 0: there is no state to change/);
  assert.throws(
    () => foldState(null, [setRoot, Uint8Array.of(0x82, 9, 1)]),
    /state operation 0: unknown opcode 9/,
  );
});
