import type { Encoding } from "../config.js";
import { bareFormat } from "./bare-format.js";
import type { ErrorBody } from "./error-body.js";
import type { ClientFrame, ServerFrame } from "./frames.js";

/** An encoded frame: text in `json`, bytes otherwise. */
export type Packet = string | Uint8Array<ArrayBuffer>;

/** How messages are written and read in one encoding. Reading throws on anything malformed. */
export interface Format {
  readonly encoding: Encoding;
  encodeFrame(frame: ClientFrame): Packet;
  decodeFrame(data: unknown): ServerFrame;
  /** The message of a client that comes back to `events`, where that is not written by whoever needs it. */
  encodeResume?(events: readonly string[]): Packet;
  /** The body of an action call. */
  encodeArgs(args: readonly unknown[]): Uint8Array<ArrayBuffer>;
  /** The output in the body of a successful action call. */
  decodeOutput(body: Uint8Array): unknown;
  /** A value alone, as it is embedded in larger messages. @param at names it in errors. */
  encodeData(value: unknown, at: string): Packet;
  /** The error in the body of a failed request. `undefined` when it is something else. */
  decodeError(body: Uint8Array): ErrorBody | undefined;
}

/** The format of an encoding. All but that of the default encoding are loaded when first asked for. */
export async function loadFormat(encoding: Encoding): Promise<Format> {
  if (encoding === "bare") return bareFormat;
  const { cborFormat, jsonFormat } = await import("./named-formats.js");
  return encoding === "json" ? jsonFormat : cborFormat;
}
