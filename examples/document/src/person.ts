/** Who is in a document, and where their cursor is. */
import { UserError } from "greenroom";
import * as Y from "yjs";

/** Where somebody's selection begins and ends, as Yjs encodes positions: they stay in place while others write. */
export interface Cursor {
  readonly anchor: Uint8Array;
  readonly head: Uint8Array;
}

/** Somebody in one window. */
export interface Person {
  /** The window's Yjs client, a random number. */
  readonly clientId: number;
  readonly name: string;
  readonly cursor: Cursor | null;
}

const MAX_NAME = 40;
const MAX_POSITION = 64;

/**
 * Somebody who has just come in, from what their client said.
 *
 * @throws UserError `client_id_invalid`, `name_missing`.
 */
export function newcomer(params: { clientId: number; name: string } | undefined): Person {
  const clientId = params?.clientId;
  if (typeof clientId !== "number" || !Number.isInteger(clientId) || clientId < 0 || clientId > 0xffff_ffff) {
    throw new UserError("connect with { clientId }, the client id of the Yjs document", {
      code: "client_id_invalid",
    });
  }
  return { clientId, name: checkName(params?.name), cursor: null };
}

/** @throws UserError `name_missing`. */
export function checkName(name: unknown): string {
  const text = typeof name === "string" ? name.trim().slice(0, MAX_NAME) : "";
  if (text === "") throw new UserError("say who you are: connect with { name }", { code: "name_missing" });
  return text;
}

/** @throws UserError `malformed_cursor`. */
export function checkCursor(cursor: Cursor | null): Cursor | null {
  if (cursor === null) return null;
  const { anchor, head } = cursor ?? {};
  if (isPosition(anchor) && isPosition(head)) return { anchor, head };
  throw new UserError("a cursor has an anchor and a head, which are relative positions of Yjs", {
    code: "malformed_cursor",
  });
}

function isPosition(bytes: unknown): bytes is Uint8Array {
  if (!(bytes instanceof Uint8Array) || bytes.length > MAX_POSITION) return false;
  try {
    Y.decodeRelativePosition(bytes);
    return true;
  } catch {
    return false;
  }
}
