/**
 * The cases of the Autobahn test suite for servers, by their numbers, as what is sent and what has to come back from
 * somebody who echoes.
 */
import { frame } from "../../bad-input/wire.js";

/** One thing that a client does or waits for. */
export type Step =
  | { readonly do: "send"; readonly bytes: Buffer; readonly chop?: number }
  /** Waits for a frame. */
  | { readonly do: "hear"; readonly opcode: number; readonly payload: Buffer }
  /** Waits for the end: a close with one of these codes, and before it at most the echoes that may still come. */
  | { readonly do: "end"; readonly codes: readonly number[]; readonly late: readonly Buffer[] };

/** One case. */
export interface Case {
  readonly id: string;
  readonly steps: readonly Step[];
}

/** Opcodes. */
export const Op = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A close that the client may choose. */
export const NORMAL = 1000;
/** The client breaks the protocol. */
export const PROTOCOL = 1002;
/** A text that is not UTF-8. */
export const NOT_UTF8 = 1007;

export const bytes = (text: string): Buffer => Buffer.from(text);
export const text = (payload: string | Buffer, fin = true): Buffer =>
  frame({ opcode: Op.text, payload: Buffer.from(payload), fin });
export const binary = (payload: Buffer): Buffer => frame({ opcode: Op.binary, payload });
export const more = (payload: string | Buffer, fin = true): Buffer =>
  frame({ opcode: Op.more, payload: Buffer.from(payload), fin });
export const ping = (payload: string | Buffer = ""): Buffer =>
  frame({ opcode: Op.ping, payload: Buffer.from(payload) });
export const pong = (payload: string | Buffer = ""): Buffer =>
  frame({ opcode: Op.pong, payload: Buffer.from(payload) });

/** A close frame with a code and a reason, or with nothing. */
export function close(code?: number, reason: string | Buffer = ""): Buffer {
  if (code === undefined) return frame({ opcode: Op.close });
  const payload = Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
  return frame({ opcode: Op.close, payload });
}

/** Sends frames at once, or in chops of so many bytes. */
export const send = (frames: Buffer | readonly Buffer[], chop?: number): Step => ({
  do: "send",
  bytes: Buffer.isBuffer(frames) ? frames : Buffer.concat(frames),
  ...(chop === undefined ? {} : { chop }),
});
export const hearText = (payload: string | Buffer): Step => hear(Op.text, payload);
export const hearBinary = (payload: Buffer): Step => hear(Op.binary, payload);
export const hearPong = (payload: string | Buffer): Step => hear(Op.pong, payload);

function hear(opcode: number, payload: string | Buffer): Step {
  return { do: "hear", opcode, payload: Buffer.from(payload) };
}

/** The server ends the connection. */
export function fails(codes: number | readonly number[], late: readonly string[] = []): Step {
  return { do: "end", codes: [codes].flat(), late: late.map(bytes) };
}

/** The client closes in good order. */
export const bye = (): readonly Step[] => [send(close(NORMAL)), fails(NORMAL)];

/** A case that ends in good order. */
export function fine(id: string, ...steps: readonly Step[]): Case {
  return { id, steps: [...steps, ...bye()] };
}

/** A case that does not. */
export function refused(id: string, ...steps: readonly Step[]): Case {
  return { id, steps };
}
