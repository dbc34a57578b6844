import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter, writeArrayHead, writeText } from "@greenroom/client/codec";
import { Opcode, Recorder } from "../../dist/state/recorder.js";

function clear(recorder: Recorder, step: string): void {
  const writer = recorder.begin(Opcode.clear, 1);
  writeArrayHead(writer, 1);
  writeText(writer, step);
}

test("an operation that was begun and not committed leaves no trace", () => {
  const recorder = new Recorder();
  clear(recorder, "lost");
  clear(recorder, "kept");
  recorder.commit();
  clear(recorder, "lost too");
  const taken = new ByteWriter();
  assert.equal(recorder.take(taken), true);
  assert.equal(Buffer.from(taken.view()).toString("latin1"), "\x82\x06\x81\x64kept");
  clear(recorder, "lost as well");
  assert.equal(recorder.dirty, false);
  assert.equal(recorder.take(taken), false);
});
