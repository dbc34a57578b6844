/** Characters per call of `String.fromCharCode`, whose arguments travel on the stack. */
const CHUNK = 8192;

/** Bytes as standard base64 with padding, or as base64url without it. */
export function toBase64(bytes: Uint8Array, alphabet: "standard" | "url" = "standard"): string {
  let binary = "";
  for (let start = 0; start < bytes.length; start += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(start, start + CHUNK));
  }
  const text = btoa(binary);
  return alphabet === "standard" ? text : text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

/**
 * Reads either alphabet, with or without padding.
 *
 * @throws SyntaxError on any other character or an impossible length.
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  let binary: string;
  try {
    binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  } catch (cause) {
    throw new SyntaxError("invalid base64 text", { cause });
  }
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
