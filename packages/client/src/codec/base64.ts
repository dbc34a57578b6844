const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const INVALID = 255;
const values = new Uint8Array(256).fill(INVALID);
for (let index = 0; index < 64; index++) {
  values[STANDARD.charCodeAt(index)] = index;
  values[URL_SAFE.charCodeAt(index)] = index;
}

/** Bytes as standard base64 with padding, or as base64url without it. */
export function toBase64(bytes: Uint8Array, alphabet: "standard" | "url" = "standard"): string {
  const letters = alphabet === "url" ? URL_SAFE : STANDARD;
  let text = "";
  let index = 0;
  for (; index + 2 < bytes.length; index += 3) {
    const group = (at(bytes, index) << 16) | (at(bytes, index + 1) << 8) | at(bytes, index + 2);
    text +=
      letter(letters, group >> 18) +
      letter(letters, group >> 12) +
      letter(letters, group >> 6) +
      letter(letters, group);
  }
  const rest = bytes.length - index;
  if (rest === 0) return text;
  const group = (at(bytes, index) << 16) | (rest === 2 ? at(bytes, index + 1) << 8 : 0);
  text += letter(letters, group >> 18) + letter(letters, group >> 12);
  if (rest === 2) text += letter(letters, group >> 6);
  return alphabet === "url" ? text : text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/**
 * Reads either alphabet, with or without padding.
 *
 * @throws SyntaxError on any other character or an impossible length.
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  let end = text.length;
  while (end > 0 && text.length - end < 2 && text.charCodeAt(end - 1) === 0x3d) end--;
  if (end % 4 === 1) throw new SyntaxError(`base64 text of impossible length ${text.length}`);
  const bytes = new Uint8Array(Math.floor((end * 3) / 4));
  let group = 0;
  let bits = 0;
  let write = 0;
  for (let index = 0; index < end; index++) {
    const code = text.charCodeAt(index);
    const value = code < 256 ? at(values, code) : INVALID;
    if (value === INVALID) throw new SyntaxError(`invalid base64 character at offset ${index}`);
    group = (group << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[write++] = (group >> bits) & 0xff;
    }
  }
  return bytes;
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}

function letter(letters: string, group: number): string {
  return letters[group & 63] as string;
}
