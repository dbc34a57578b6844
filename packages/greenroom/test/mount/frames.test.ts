import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameReader, frame, Opcode } from "../../dist/mount/frames.js";

/** A frame as the core writes it: without a mask. */
function unmasked(opcode: number, payload: Uint8Array): Uint8Array {
  const masked = frame(opcode, payload);
  const head = masked.length - payload.length - 4;
  const bytes = Buffer.concat([masked.subarray(0, head), payload]);
  bytes[1] = (bytes[1] ?? 0) & 0x7f;
  return bytes;
}

test("a frame for the core has the shortest head, and a mask that changes nothing", () => {
  const heads: [length: number, head: number[]][] = [
    [0, [0x81, 0x80]],
    [125, [0x81, 0xfd]],
    [126, [0x81, 0xfe, 0, 126]],
    [65_535, [0x81, 0xfe, 0xff, 0xff]],
    [65_536, [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]],
  ];
  for (const [length, head] of heads) {
    const payload = new Uint8Array(length).fill(7);
    const bytes = frame(Opcode.text, payload);
    assert.deepEqual([...bytes.subarray(0, head.length + 4)], [...head, 0, 0, 0, 0], `${length}`);
    assert.deepEqual(bytes.subarray(head.length + 4), payload);
  }
});

test("frames come out as they went in, however their bytes are cut", () => {
  const message = fc.record({
    opcode: fc.constantFrom(...Object.values(Opcode)),
    payload: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(70_000).fill(3))),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), fc.integer({ min: 1, max: 999 }), (messages, step) => {
      const bytes = Buffer.concat(messages.map(({ opcode, payload }) => unmasked(opcode, payload)));
      const reader = new FrameReader();
      const read: object[] = [];
      for (let at = 0; at < bytes.length; at += step) {
        reader.push(bytes.subarray(at, at + step));
        for (let next = reader.next(); next !== undefined; next = reader.next()) {
          read.push({ opcode: next.opcode, payload: Uint8Array.from(next.payload) });
        }
      }
      assert.deepEqual(
        read,
        messages.map(({ opcode, payload }) => ({ opcode, payload: Uint8Array.from(payload) })),
      );
      assert.equal(reader.next(), undefined);
    }),
    { numRuns: 60 },
  );
});
