/**
 * Buffers for what is written in one turn and handed over at its end. Whoever has nothing to write has none, so that
 * the thousands of actors that are awake and do nothing need no memory for it.
 */
import { ByteWriter } from "@greenroom/client/codec";

/** One that grew beyond this many bytes is not kept. */
const KEPT_BYTES = 65_536;
/** So many are kept for the next turns: more actors rarely have something to hand over at the same time. */
const KEPT_WRITERS = 64;
/** Enough for a small turn; one that is kept soon has what most turns need. */
const INITIAL_BYTES = 128;

const spare: ByteWriter[] = [];

/** An empty writer. It is the caller's until {@link giveWriter}. */
export function takeWriter(): ByteWriter {
  return spare.pop() ?? new ByteWriter(INITIAL_BYTES);
}

/** Gives back a writer that nobody writes to any more. */
export function giveWriter(writer: ByteWriter): void {
  if (spare.length >= KEPT_WRITERS || writer.capacity > KEPT_BYTES) return;
  writer.reset();
  spare.push(writer);
}
