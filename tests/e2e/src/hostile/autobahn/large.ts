/** Section 9 of Autobahn: large messages, in pieces and in chops, and many in a row. */
import { binary, type Case, fine, hearBinary, hearText, more, type Step, send, text } from "./case.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const stars = (size: number): Buffer => Buffer.alloc(size, "BAsd7&jh23");

const whole = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB].flatMap((size, n) => {
  const payload = stars(size);
  return [
    () => fine(`9.1.${n + 1}`, send(text(payload)), hearText(payload)),
    () => fine(`9.2.${n + 1}`, send(binary(payload)), hearBinary(payload)),
  ];
});

function* inPieces(first: (piece: Buffer, fin: boolean) => Buffer, payload: Buffer, size: number) {
  for (let at = 0; at < payload.length; at += size) {
    const piece = payload.subarray(at, at + size);
    const fin = at + size >= payload.length;
    yield at === 0 ? first(piece, fin) : more(piece, fin);
  }
}

const FIRST = {
  text,
  binary: (piece: Buffer, fin: boolean): Buffer => {
    const frame = binary(piece);
    if (!fin) frame.writeUInt8(frame.readUInt8(0) & 0x7f, 0);
    return frame;
  },
};

const PIECES = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB];
const pieces = PIECES.flatMap((size, n) => {
  const payload = stars(4 * MIB);
  return [
    () => fine(`9.3.${n + 1}`, send([...inPieces(FIRST.text, payload, size)]), hearText(payload)),
    () => fine(`9.4.${n + 1}`, send([...inPieces(FIRST.binary, payload, size)]), hearBinary(payload)),
  ];
});

const chops = [64, 128, 256, 512, 1024, 2048].flatMap((chop, n) => {
  const payload = stars(MIB);
  return [
    () => fine(`9.5.${n + 1}`, send(text(payload), chop), hearText(payload)),
    () => fine(`9.6.${n + 1}`, send(binary(payload), chop), hearBinary(payload)),
  ];
});

const ROUNDS = 1000;
const rounds = (send: Step, hear: Step): Step[] => Array.from({ length: ROUNDS }, () => [send, hear]).flat();
const many = [0, 16, 64, 256, 1024, 4096].flatMap((size, n) => {
  const payload = stars(size);
  return [
    () => fine(`9.7.${n + 1}`, ...rounds(send(text(payload)), hearText(payload))),
    () => fine(`9.8.${n + 1}`, ...rounds(send(binary(payload)), hearBinary(payload))),
  ];
});

/** Made when it is their turn: together they would be large. */
export const LARGE_CASES: readonly (() => Case)[] = [...whole, ...pieces, ...chops, ...many];
