/** Section 7 of Autobahn: the end. */
import { frame } from "../../bad-input/wire.js";
import {
  type Case,
  close,
  fails,
  fine,
  hearText,
  more,
  NORMAL,
  NOT_UTF8,
  Op,
  PROTOCOL,
  ping,
  refused,
  send,
  text,
} from "./case.js";

const HELLO = "Hello World!";
const LARGE = "BAsd7&jh23".repeat(26_215).slice(0, 262_144);
const NO_CODE = 1005;

const ORDER: readonly Case[] = [
  fine("7.1.1", send(text(HELLO)), hearText(HELLO)),
  refused("7.1.2", send([close(NORMAL), close(NORMAL)]), fails(NORMAL)),
  refused("7.1.3", send([close(NORMAL), ping()]), fails(NORMAL)),
  refused("7.1.4", send([close(NORMAL), text(HELLO)]), fails(NORMAL)),
  refused("7.1.5", send([text("fragment1", false), close(NORMAL), more("fragment2")]), fails(NORMAL)),
  refused("7.1.6", send([text(LARGE), text(HELLO), close(NORMAL), ping()]), fails(NORMAL, [LARGE, HELLO])),
];

const FORM: readonly Case[] = [
  refused("7.3.1", send(close()), fails([NO_CODE, NORMAL])),
  refused("7.3.2", send(frame({ opcode: Op.close, payload: Buffer.from("a") })), fails(PROTOCOL)),
  refused("7.3.3", send(close(NORMAL)), fails(NORMAL)),
  refused("7.3.4", send(close(NORMAL, HELLO)), fails(NORMAL)),
  refused("7.3.5", send(close(NORMAL, "*".repeat(123))), fails(NORMAL)),
  refused("7.3.6", send(close(NORMAL, "*".repeat(124))), fails(PROTOCOL)),
  refused(
    "7.5.1",
    send(close(NORMAL, Buffer.from("cebae1bdb9cf83cebcceb5eda080656469746564", "hex"))),
    fails([PROTOCOL, NOT_UTF8]),
  ),
];

const GOOD = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
const BAD = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];

export const CLOSING_CASES: readonly Case[] = [
  ...ORDER,
  ...FORM,
  ...GOOD.map((code, n) => refused(`7.7.${n + 1}`, send(close(code)), fails([code, NORMAL]))),
  ...BAD.map((code, n) => refused(`7.9.${n + 1}`, send(close(code)), fails(PROTOCOL))),
  // RFC 6455 leaves these open, and Autobahn takes whatever comes.
  refused("7.13.1", send(close(5000)), fails(PROTOCOL)),
  refused("7.13.2", send(frame({ opcode: Op.close, payload: Buffer.from([0, 1, 0, 0]) })), fails(PROTOCOL)),
];
