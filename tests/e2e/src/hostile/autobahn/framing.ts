/** Sections 1 to 5 and 10 of Autobahn: framing, pings, reserved bits, opcodes, fragments. */
import { frame } from "../../bad-input/wire.js";
import {
  binary,
  type Case,
  fails,
  fine,
  hearBinary,
  hearPong,
  hearText,
  more,
  Op,
  PROTOCOL,
  ping,
  pong,
  refused,
  send,
  text,
} from "./case.js";

const HELLO = "Hello, world!";
const SIZES = [0, 125, 126, 127, 128, 65_535, 65_536, 65_536];
const chopOf = (index: number) => (index === SIZES.length - 1 ? 997 : undefined);

const FRAMING: readonly Case[] = SIZES.flatMap((size, index) => {
  const [stars, raw] = [Buffer.alloc(size, "*"), Buffer.alloc(size, 0xfe)];
  return [
    fine(`1.1.${index + 1}`, send(text(stars), chopOf(index)), hearText(stars)),
    fine(`1.2.${index + 1}`, send(binary(raw), chopOf(index)), hearBinary(raw)),
  ];
});

const TEN = Array.from({ length: 10 }, (_, n) => `payload-${n}`);
const LONGEST = Buffer.alloc(125, 0xfe);
const BYTES = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff]);

const PINGS: readonly Case[] = [
  fine("2.1", send(ping()), hearPong("")),
  fine("2.2", send(ping(HELLO)), hearPong(HELLO)),
  fine("2.3", send(ping(BYTES)), hearPong(BYTES)),
  fine("2.4", send(ping(LONGEST)), hearPong(LONGEST)),
  refused("2.5", send(ping(Buffer.alloc(126, 0xfe))), fails(PROTOCOL)),
  fine("2.6", send(ping(LONGEST), 1), hearPong(LONGEST)),
  fine("2.7", send(pong())),
  fine("2.8", send(pong("unsolicited pong payload"))),
  fine("2.9", send([pong("unsolicited"), ping("ping payload")]), hearPong("ping payload")),
  fine("2.10", send(TEN.map((payload) => ping(payload))), ...TEN.map(hearPong)),
  fine(
    "2.11",
    send(
      TEN.map((payload) => ping(payload)),
      1,
    ),
    ...TEN.map(hearPong),
  ),
];

const reserved = (bits: number, opcode: number, payload = "") =>
  frame({ opcode, payload: Buffer.from(payload), reserved: bits });

/** A good message, then a frame that is none, then a ping that nobody answers. */
const afterHello = (id: string, wrong: Buffer, chop?: number): Case =>
  refused(id, send([text(HELLO), wrong, ping()], chop), fails(PROTOCOL, [HELLO]));

const BITS: readonly Case[] = [
  refused("3.1", send(reserved(1, Op.text, HELLO)), fails(PROTOCOL)),
  afterHello("3.2", reserved(2, Op.text, HELLO)),
  afterHello("3.3", reserved(3, Op.text, HELLO), text(HELLO).length),
  afterHello("3.4", reserved(4, Op.text, HELLO), 1),
  refused("3.5", send(reserved(5, Op.binary, "\u0000ÿ")), fails(PROTOCOL)),
  refused("3.6", send(reserved(6, Op.ping, HELLO)), fails(PROTOCOL)),
  refused("3.7", send(reserved(7, Op.close)), fails(PROTOCOL)),
];

/** Two alone, three after a message; without and with a payload. */
const opcodes = (section: string, first: number): readonly Case[] => [
  refused(`${section}.1`, send(frame({ opcode: first })), fails(PROTOCOL)),
  refused(
    `${section}.2`,
    send(frame({ opcode: first + 1, payload: Buffer.from("reserved opcode payload") })),
    fails(PROTOCOL),
  ),
  afterHello(`${section}.3`, frame({ opcode: first + 2 })),
  afterHello(`${section}.4`, frame({ opcode: first + 3, payload: Buffer.from("reserved") })),
  afterHello(`${section}.5`, frame({ opcode: first + 4, payload: Buffer.from("reserved") }), 1),
];

const [ONE, TWO, THREE] = ["fragment1", "fragment2", "fragment3"] as const;
const BOTH = ONE + TWO;
const halves = [text(ONE, false), more(TWO)];
const halvesAround = [text(ONE, false), ping("ping payload"), more(TWO)];
const inHalves = (id: string, chop?: number) => fine(id, send(halves, chop), hearText(BOTH));
const aroundPing = (id: string, chop?: number) =>
  fine(id, send(halvesAround, chop), hearPong("ping payload"), hearText(BOTH));
const ofNothing = (id: string, fin: boolean, chop?: number) =>
  refused(id, send([more("non-continuation payload", fin), text(HELLO)], chop), fails(PROTOCOL));
const twice = (id: string, fin: boolean) => {
  const once = [more(ONE, fin), text(TWO, false), more(THREE)];
  return refused(id, send([...once, ...once]), fails(PROTOCOL));
};
const FIVE = ["fragment1", "fragment2", "fragment3", "fragment4", "fragment5"] as const;
const halfway = (id: string, chop?: number) =>
  fine(
    id,
    send([text(FIVE[0], false), more(FIVE[1], false), ping("pongme 1!")], chop),
    hearPong("pongme 1!"),
    send([more(FIVE[2], false), more(FIVE[3], false), ping("pongme 2!"), more(FIVE[4])], chop),
    hearPong("pongme 2!"),
    hearText(FIVE.join("")),
  );

const FRAGMENTS: readonly Case[] = [
  refused("5.1", send([frame({ opcode: Op.ping, fin: false }), more(TWO)]), fails(PROTOCOL)),
  refused("5.2", send([frame({ opcode: Op.pong, fin: false }), more(TWO)]), fails(PROTOCOL)),
  inHalves("5.3"),
  inHalves("5.4", text(ONE, false).length),
  inHalves("5.5", 1),
  aroundPing("5.6"),
  aroundPing("5.7", text(ONE, false).length),
  aroundPing("5.8", 1),
  ofNothing("5.9", true),
  ofNothing("5.10", true, more("non-continuation payload").length),
  ofNothing("5.11", true, 1),
  ofNothing("5.12", false),
  ofNothing("5.13", false, more("non-continuation payload").length),
  ofNothing("5.14", false, 1),
  refused("5.15", send([...halves, more(THREE, false), text("fragment4")]), fails(PROTOCOL, [BOTH])),
  twice("5.16", false),
  twice("5.17", true),
  refused("5.18", send([text(ONE, false), text(TWO)]), fails(PROTOCOL)),
  halfway("5.19"),
  halfway("5.20", 1),
];

const STARS = Buffer.alloc(65_536, "*");
const PIECE = 1300;
const pieces = Array.from({ length: Math.ceil(STARS.length / PIECE) }, (_, n) => {
  const piece = STARS.subarray(n * PIECE, (n + 1) * PIECE);
  const fin = (n + 1) * PIECE >= STARS.length;
  return n === 0 ? text(piece, fin) : more(piece, fin);
});

export const FRAMING_CASES: readonly Case[] = [
  ...FRAMING,
  ...PINGS,
  ...BITS,
  ...opcodes("4.1", 3),
  ...opcodes("4.2", 11),
  ...FRAGMENTS,
  fine("10.1.1", send(pieces), hearText(STARS)),
];
