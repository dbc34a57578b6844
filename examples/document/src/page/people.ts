/** People as the actor tells of them, and as the editor wants them: in an `Awareness` of Yjs. */
import { type Awareness, removeAwarenessStates } from "y-protocols/awareness";
import * as Y from "yjs";
import type { Cursor, Person } from "../person.js";

type State = Readonly<Record<string, unknown>> | null;

/** The colour of a name, as an angle: the same for everybody. */
export function hueOf(name: string): number {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return hash;
}

/** What the editor wants to know of somebody. The colours are made here: nobody sends any. */
export function userOf(name: string) {
  const hue = hueOf(name);
  return { name, color: `oklch(0.62 0.17 ${hue})`, colorLight: `oklch(0.65 0.17 ${hue} / 26%)` };
}

/** The name in a state that {@link userOf} is part of. */
export function nameOf(state: State): string {
  const user = state?.user;
  return typeof user === "object" && user !== null && "name" in user ? String(user.name) : "";
}

/** Where the editor has put one's own cursor. */
export function cursorOf(state: State): Cursor | null {
  const cursor = state?.cursor;
  if (typeof cursor !== "object" || cursor === null || !("anchor" in cursor) || !("head" in cursor))
    return null;
  const { anchor, head } = cursor;
  if (!(anchor instanceof Y.RelativePosition) || !(head instanceof Y.RelativePosition)) return null;
  return { anchor: Y.encodeRelativePosition(anchor), head: Y.encodeRelativePosition(head) };
}

/**
 * Shows somebody, or where they are now. The actor says who leaves, so they need not say again and again that they
 * are still there, as they would among themselves: their entry does not grow old.
 */
export function showPerson(awareness: Awareness, { clientId, name, cursor }: Person, origin: unknown): void {
  if (clientId === awareness.clientID) return;
  const isNew = !awareness.states.has(clientId);
  awareness.meta.set(clientId, { clock: 0, lastUpdated: Number.POSITIVE_INFINITY });
  awareness.states.set(clientId, {
    user: userOf(name),
    cursor: cursor && {
      anchor: Y.decodeRelativePosition(cursor.anchor),
      head: Y.decodeRelativePosition(cursor.head),
    },
  });
  const change = { added: isNew ? [clientId] : [], updated: isNew ? [] : [clientId], removed: [] };
  awareness.emit("change", [change, origin]);
}

export function forgetPerson(awareness: Awareness, clientId: number, origin: unknown): void {
  if (clientId !== awareness.clientID) removeAwarenessStates(awareness, [clientId], origin);
}

/** Without a connection nobody knows who is there. */
export function forgetAll(awareness: Awareness, origin: unknown): void {
  const others = [...awareness.getStates().keys()].filter((clientId) => clientId !== awareness.clientID);
  removeAwarenessStates(awareness, others, origin);
}
