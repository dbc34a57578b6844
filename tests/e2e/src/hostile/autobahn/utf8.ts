/** Section 6 of Autobahn: UTF-8. The sequences are those of Markus Kuhn's decoder test, which Autobahn uses. */
import { bytes, type Case, fails, fine, hearText, more, NOT_UTF8, refused, send, text } from "./case.js";

const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(" ", ""), "hex");
/** κόσμε. */
const KOSME = hex("cebae1bdb9cf83cebcceb5");
const EDITED = bytes("edited");
const VALID = Buffer.concat([bytes("Hello-µ@ßöäüàá-UTF-8!!")]);
const SURROGATE = Buffer.concat([KOSME, hex("eda080"), EDITED]);

/** One frame for each byte. */
const byByte = (payload: Buffer): Buffer[] =>
  Array.from(payload, (byte, at) => {
    const fin = at === payload.length - 1;
    return at === 0 ? text(Buffer.from([byte]), fin) : more(Buffer.from([byte]), fin);
  });

const PIECES: readonly Case[] = [
  fine("6.1.1", send(text("")), hearText("")),
  fine("6.1.2", send([text("", false), more("", false), more("")]), hearText("")),
  fine(
    "6.1.3",
    send([text("", false), more("middle frame payload", false), more("")]),
    hearText("middle frame payload"),
  ),
  fine("6.2.1", send(text(VALID)), hearText(VALID)),
  fine("6.2.2", send([text(VALID.subarray(0, 12), false), more(VALID.subarray(12))]), hearText(VALID)),
  fine("6.2.3", send(byByte(VALID)), hearText(VALID)),
  fine("6.2.4", send(byByte(KOSME)), hearText(KOSME)),
  refused("6.3.1", send(text(SURROGATE)), fails(NOT_UTF8)),
  refused("6.3.2", send(byByte(SURROGATE)), fails(NOT_UTF8)),
  // Nothing comes after the piece that cannot be made good: it has to be refused by itself.
  refused("6.4.1", send([text(KOSME, false), more(hex("f4908080"), false)]), fails(NOT_UTF8)),
  refused("6.4.2", send([text(KOSME, false), more(hex("f490"), false)]), fails(NOT_UTF8)),
  // Within one frame it is refused when the frame is complete.
  refused("6.4.3", send(text(Buffer.concat([KOSME, hex("f4908080"), EDITED])), 11), fails(NOT_UTF8)),
  refused("6.4.4", send(text(Buffer.concat([KOSME, hex("f49080"), EDITED])), 12), fails(NOT_UTF8)),
];

const range = (from: number, to: number, then = ""): string =>
  Array.from({ length: to - from }, (_, n) => (from + n).toString(16) + then).join("");
const INCOMPLETE = "c0|e080|f08080|f8808080|fc80808080|df|efbf|f7bfbf|fbbfbfbf|fdbfbfbfbf";

const NON_CHARACTERS = ["f0", "f1", "f2", "f3", "f4"].flatMap((first) =>
  ["8f", "9f", "af", "bf"]
    .filter((second) => (first === "f4" ? second === "8f" : !(first === "f0" && second === "8f")))
    .flatMap((second) => [`${first}${second}bfbe`, `${first}${second}bfbf`]),
);

const all = (isValid: boolean, sequences: string): readonly (readonly [boolean, string])[] =>
  sequences.split("|").map((digits) => [isValid, digits] as const);

/** From 6.5 on: sequences and whether they are UTF-8. */
const SECTIONS: readonly (readonly (readonly [boolean, string])[])[] = [
  all(
    true,
    "68656c6c6f24776f726c64|68656c6c6fc2a2776f726c64|68656c6c6fe282ac776f726c64|68656c6c6ff0a4ada2776f726c64|cebae1bdb9cf83cebcceb5",
  ),
  Array.from(KOSME, (_, at) => {
    const prefix = KOSME.subarray(0, at + 1);
    return [[2, 5, 7, 9, 11].includes(prefix.length), prefix.toString("hex")] as const;
  }),
  all(true, "00|c280|e0a080|f0908080"),
  all(false, "f888808080|fc8480808080"),
  all(true, "7f|dfbf|efbfbf|f48fbfbf"),
  all(false, "f7bfbfbf|fbbfbfbfbf|fdbfbfbfbfbf"),
  [...all(true, "ed9fbf|ee8080|efbfbd|f48fbfbf"), ...all(false, "f4908080")],
  all(false, `80|bf|80bf|80bf80|80bf80bf|80bf80bf80|80bf80bf80bf|${range(0x80, 0xbf)}`),
  all(
    false,
    [
      [0xc0, 0xdf],
      [0xe0, 0xef],
      [0xf0, 0xf7],
      [0xf8, 0xfb],
      [0xfc, 0xfd],
    ]
      .map(([from = 0, to = 0]) => range(from, to, "20"))
      .join("|"),
  ),
  all(false, INCOMPLETE),
  all(false, INCOMPLETE.replaceAll("|", "")),
  all(false, "fe|ff|fefeffff"),
  all(false, "c0af|e080af|f08080af|f8808080af|fc80808080af"),
  all(false, "c1bf|e09fbf|f08fbfbf|f887bfbfbf|fc83bfbfbfbf"),
  all(false, "c080|e08080|f0808080|f880808080|fc8080808080"),
  all(false, "eda080|edadbf|edae80|edafbf|edb080|edbe80|edbfbf"),
  all(
    false,
    "eda080edb080|eda080edbfbf|edadbfedb080|edadbfedbfbf|edae80edb080|edae80edbfbf|edafbfedb080|edafbfedbfbf",
  ),
  all(true, ["efbfbe", "efbfbf", ...NON_CHARACTERS].join("|")),
  all(true, "efbfb9|efbfba|efbfbb|efbfbc|efbfbd|efbfbe|efbfbf"),
];

const SEQUENCES: readonly Case[] = SECTIONS.flatMap((section, at) =>
  section.map(([isValid, digits], n) => {
    const [id, payload] = [`6.${at + 5}.${n + 1}`, hex(digits)];
    return isValid
      ? fine(id, send(text(payload)), hearText(payload))
      : refused(id, send(text(payload)), fails(NOT_UTF8));
  }),
);

export const UTF8_CASES: readonly Case[] = [...PIECES, ...SEQUENCES];
