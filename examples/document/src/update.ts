/** What an update of plain text may look like, and what not. Yjs itself takes whatever it can read. */
import { UserError } from "greenroom";
import * as Y from "yjs";

/** What the text is called within the Yjs document, here and in the page. */
export const TEXT = "text";

/**
 * So many runs of letters are walked over for one update. It takes days of writing offline to need more; what is beyond
 * is let pass, because neither may an honest update be refused nor a hostile one hold up everybody.
 */
const MAX_STEPS = 1_000_000;

/**
 * Reads an update without applying it. Only letters, put in and taken out, in the one text that there is: whatever else
 * Yjs can do, no page expects here.
 *
 * @throws UserError `malformed_update`, `unsupported_content`.
 */
export function readPlainText(update: Uint8Array): Y.Item[] {
  return structsOf(update).map((struct) => {
    if (struct instanceof Y.Item && isPlainText(struct)) return struct;
    throw new UserError("a document holds plain text only", { code: "unsupported_content" });
  });
}

/**
 * Letters name the two neighbours that they were put between. In an editor these stand side by side, so what stands
 * between them elsewhere is only what their writer did not know of. Where anything else was let pass, every copy would
 * come to an order of its own.
 *
 * @param items Those of an update that was applied to `text`.
 * @throws UserError `malformed_update`.
 */
export function checkNeighbours(text: Y.Text, items: readonly Y.Item[]): void {
  const steps = { left: MAX_STEPS };
  if (items.every((item) => isBetweenNeighbours(text, item, steps))) return;
  throw malformed("the update puts letters between others that are no neighbours");
}

export function malformed(message: string): UserError {
  return new UserError(message, { code: "malformed_update" });
}

function structsOf(update: Uint8Array) {
  try {
    return Y.decodeUpdate(update).structs;
  } catch {
    throw malformed("the update cannot be read");
  }
}

/** Editors count a line's end as one character, so there is only one kind. */
function isPlainText({ content, parent, parentSub }: Y.Item): boolean {
  const isText = content instanceof Y.ContentString && !content.str.includes("\r");
  // The parent is written only where there is no neighbour to take it from.
  const isInText = (parent === null || Object.is(parent, TEXT)) && parentSub === null;
  return isInText && (isText || content instanceof Y.ContentDeleted);
}

/** Walks from one neighbour to the other. Between honest ones it is not far, and the letter is there. */
function isBetweenNeighbours(
  text: Y.Text,
  { id, origin, rightOrigin }: Y.Item,
  steps: { left: number },
): boolean {
  // Who has seen a letter has seen all that its writer wrote before.
  const seen = (client: number) =>
    Math.max(
      client === id.client ? id.clock : 0,
      client === origin?.client ? origin.clock + 1 : 0,
      client === rightOrigin?.client ? rightOrigin.clock + 1 : 0,
    );
  let isThere = false;
  for (const { client, clock, end } of runsAfter(text, origin)) {
    if (--steps.left < 0) return true;
    if (client === rightOrigin?.client && clock === rightOrigin.clock) return isThere;
    if (clock < seen(client)) return false;
    if (client === id.client && clock <= id.clock && id.clock < end) isThere = true;
  }
  return isThere && rightOrigin === null;
}

/** What stands after a letter, or in the whole text: runs of one writer's letters, which Yjs keeps as one item. */
function* runsAfter(text: Y.Text, place: Y.ID | null) {
  let item = place === null || text.doc === null ? text._start : Y.getItem(text.doc.store, place);
  let clock = place === null ? item?.id.clock : place.clock + 1;
  for (; item !== null; item = item.right, clock = item?.id.clock) {
    const { client, clock: first } = item.id;
    const run = { client, clock: clock ?? first, end: first + item.length };
    if (run.clock < run.end) yield run;
  }
}
