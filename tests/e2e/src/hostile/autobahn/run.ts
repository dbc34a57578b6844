/** Plays a case to a server and says what is not as it has to be. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { closeOf, WireSocket } from "../../bad-input/wire.js";
import { type Case, fails, more, Op, type Step } from "./case.js";

/** How the actor protocol ends a connection whose messages are none of its own. */
const INVALID_REQUEST = 1011;

/** Where a case is played. */
export interface Place {
  readonly port: number;
  readonly path: string;
  readonly protocols: string;
  /** Frames that come before anything is said. */
  readonly greeting: number;
  /** Whether the WebSockets are those of another server, which decides about frames before we hear of them. */
  readonly isForeign: boolean;
}

/** What another server refuses at the end of a message only, and what we refuse at the piece. */
const AT_THE_END = new Map([
  ["6.4.1", more("edited")],
  ["6.4.2", more("edited")],
]);

/** Plays it. @throws AssertionError */
export async function play({ id, steps }: Case, place: Place): Promise<void> {
  const wire = await WireSocket.open(place.port, place.path, place.protocols);
  try {
    for (let n = 0; n < place.greeting; n++) assert.notEqual(await wire.next(), undefined);
    for (const step of steps) {
      const rest = AT_THE_END.get(id);
      if (place.isForeign && step.do === "end" && rest !== undefined) wire.write(rest);
      await take(wire, step, id, place.isForeign);
    }
  } finally {
    wire.socket.destroy();
  }
}

/**
 * The same where messages have to be those of the actor protocol, which none of Autobahn's are: the first that is
 * complete ends the connection. Everything that happens on the way to it stays.
 */
export function amongActors({ id, steps }: Case, isForeign: boolean): Case {
  const first = steps.findIndex(isAboutMessages);
  const step = steps[first];
  if (step === undefined) return { id, steps };
  // Another server may see what comes after the message first.
  const others = isForeign && step.do === "end" ? step.codes : [];
  return { id, steps: [...steps.slice(0, first), fails([INVALID_REQUEST, ...others])] };
}

function isAboutMessages(step: Step): boolean {
  if (step.do === "hear") return step.opcode === Op.text || step.opcode === Op.binary;
  return step.do === "end" && step.late.length > 0;
}

async function take(wire: WireSocket, step: Step, id: string, isForeign: boolean): Promise<void> {
  if (step.do === "send") {
    await sendIn(wire, step.bytes, step.chop);
    return;
  }
  const next = await wire.next();
  if (step.do === "hear") {
    assert.equal(next?.opcode, step.opcode, id);
    assert.ok(next?.payload.equals(step.payload), `${id}: ${next?.payload.length} other bytes`);
    return;
  }
  await end(wire, next, step, id, isForeign);
}

async function end(
  wire: WireSocket,
  first: Awaited<ReturnType<WireSocket["next"]>>,
  { codes, late }: Extract<Step, { do: "end" }>,
  id: string,
  isForeign: boolean,
): Promise<void> {
  let next = first;
  for (const payload of late) {
    if (next === undefined || next.opcode === Op.close) break;
    assert.ok(next.payload.equals(payload), `${id}: ${next.payload.length} other bytes`);
    next = await wire.next();
  }
  if (next === undefined && isForeign) return;
  assert.equal(next?.opcode, Op.close, `${id}: something else than a close`);
  const { code } = closeOf(next?.payload ?? Buffer.alloc(0));
  assert.ok(codes.includes(code), `${id}: closed with ${code}, not ${codes}`);
  assert.equal(await wire.next(), undefined, `${id}: something after the close`);
}

/** Sends, in chops, until all is sent or the server has ended the connection. */
async function sendIn({ socket }: WireSocket, bytes: Buffer, chop = bytes.length): Promise<void> {
  const closed = new AbortController();
  socket.once("close", () => closed.abort());
  for (let at = 0; at < bytes.length; at += chop) {
    if (socket.destroyed) return;
    const isTaken = socket.write(bytes.subarray(at, at + chop));
    if (!isTaken && !socket.destroyed) await once(socket, "drain", { signal: closed.signal }).catch(() => {});
  }
}
