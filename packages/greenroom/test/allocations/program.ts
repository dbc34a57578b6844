/**
 * Prints how many bytes of heap one operation of each kind takes, as JSON. To be run with a young generation so large that
 * nothing is collected meanwhile, and with `--expose-gc`; see `allocations.test.ts`.
 */

import { ByteWriter, decodeValue, encodeValue } from "@greenroom/client/codec";
import { StateTracker } from "../../dist/state/index.js";

/** Enough that the compiler has done what it will do. */
const WARM_UP = 20_000;
const OPERATIONS = 10_000;

interface Chat {
  count: number;
  members: Record<string, { seen: number }>;
  lines: { from: string; text: string }[];
}

const DOCUMENT = {
  id: "6f1c2f9e-0b1a-4c6e-9a53-1d6f8f9b7c11",
  title: "Quarterly plan",
  tags: ["work", "planning", "2026"],
  owner: { name: "Ada", seen: 1_800_000_000_000 },
  items: [
    { text: "collect figures", done: true, hours: 2.5 },
    { text: "write the first draft", done: false, hours: 4 },
  ],
};

function encoded(value: unknown): Uint8Array {
  const writer = new ByteWriter();
  encodeValue(writer, value, "compat");
  return writer.finish();
}

/** A state, and a function that changes it in one turn. */
function turns(change: (state: Chat, turn: number) => void): (turn: number) => void {
  const tracker = StateTracker.create({ count: 0, members: { ada: { seen: 0 } }, lines: [] });
  return (turn) => {
    change(tracker.root as Chat, turn);
    const writer = new ByteWriter();
    tracker.takeChanges(writer);
    writer.finish();
  };
}

const bytes = encoded(DOCUMENT);

const kinds: Readonly<Record<string, (turn: number) => void>> = {
  "state: add to a number": turns((state) => {
    state.count += 1;
  }),
  "state: set a property of an inner object": turns((state, turn) => {
    const member = state.members.ada;
    if (member !== undefined) member.seen = turn;
  }),
  "state: append an object to a list": turns((state, turn) => {
    state.lines.push({ from: "ada", text: "hello" });
    if (turn % 64 === 63) state.lines.splice(0, state.lines.length);
  }),
  "codec: encode a document": () => void encoded(DOCUMENT),
  "codec: decode a document": () => void decodeValue(bytes, "compat"),
};

const { gc } = globalThis as { readonly gc?: () => void };
const taken: Record<string, number> = {};
for (const [kind, once] of Object.entries(kinds)) {
  for (let turn = 0; turn < WARM_UP; turn++) once(turn);
  gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let turn = 0; turn < OPERATIONS; turn++) once(turn);
  taken[kind] = Math.round((process.memoryUsage().heapUsed - before) / OPERATIONS);
}
process.stdout.write(`${JSON.stringify(taken, null, 2)}\n`);
