/**
 * The text of one document: a Yjs document that takes plain text only, and refuses as a whole what it does not take.
 *
 * Clients send what they like. So an update is read before it is applied, and if something is still wrong afterwards,
 * the document is folded anew from the updates that were accepted: a refused update leaves nothing behind.
 */
import { UserError } from "greenroom";
import * as Y from "yjs";
import { checkNeighbours, malformed, readPlainText, TEXT } from "./update.js";

/** So many bytes a document may have, as Yjs encodes it: its text, and a few bytes for each edit that is still seen. */
export const MAX_BYTES = 512 * 1024;

/** See the top of the file. */
export class SharedText {
  #doc = new Y.Doc();
  /** What was accepted, in order. All of it folded is the document. */
  #log: Uint8Array[] = [];
  #bytes = 0;

  /** @param log What {@link apply} and {@link fold} have given, in order. */
  constructor(log: readonly Uint8Array[]) {
    this.#rebuild(log);
  }

  toString(): string {
    return this.#doc.getText(TEXT).toString();
  }

  /** What the document has seen, so that others can tell what it lacks. */
  stateVector(): Uint8Array {
    return Y.encodeStateVector(this.#doc);
  }

  /**
   * What somebody lacks who has seen `stateVector`.
   *
   * @throws UserError `malformed_update`.
   */
  missing(stateVector: Uint8Array): Uint8Array {
    try {
      return Y.encodeStateAsUpdate(this.#doc, stateVector);
    } catch {
      throw malformed("the state vector cannot be read");
    }
  }

  /**
   * Applies an update of a client.
   *
   * @returns what was new in it; undefined if nothing was.
   * @throws UserError `malformed_update`, `unsupported_content`, `missing_updates`, `document_full`; then nothing has
   *   changed.
   */
  apply(update: Uint8Array): Uint8Array | undefined {
    const { store } = this.#doc;
    const items = readPlainText(update).filter(
      ({ id, length }) => id.clock + length > Y.getState(store, id.client),
    );
    let news: Uint8Array | undefined;
    const take = (bytes: Uint8Array) => {
      news = bytes;
    };
    this.#doc.on("update", take);
    try {
      Y.applyUpdate(this.#doc, update);
      this.#check(news);
      checkNeighbours(this.#doc.getText(TEXT), items);
    } catch (error) {
      this.#rebuild(this.#log);
      throw error instanceof UserError ? error : malformed("the update cannot be applied");
    } finally {
      this.#doc.off("update", take);
    }
    if (news !== undefined) this.#remember(news);
    return news;
  }

  /** Everything as one update, which takes the place of all that were accepted before. */
  fold(): Uint8Array {
    const snapshot = Y.encodeStateAsUpdate(this.#doc);
    this.#log = [snapshot];
    this.#bytes = snapshot.length;
    return snapshot;
  }

  #check(news: Uint8Array | undefined): void {
    const { pendingStructs, pendingDs } = this.#doc.store;
    if (pendingStructs !== null || pendingDs !== null) {
      throw new UserError("the update builds on others that never came: synchronize first", {
        code: "missing_updates",
      });
    }
    // The encoded document is never larger than the updates that it is made of, which are counted already.
    if (this.#bytes + (news?.length ?? 0) <= MAX_BYTES) return;
    if (Y.encodeStateAsUpdate(this.#doc).length > MAX_BYTES) {
      throw new UserError(`a document has ${MAX_BYTES / 1024} KiB, and this one is full`, {
        code: "document_full",
      });
    }
  }

  #rebuild(log: readonly Uint8Array[]): void {
    this.#doc.destroy();
    this.#doc = new Y.Doc();
    this.#log = [];
    this.#bytes = 0;
    for (const update of log) {
      Y.applyUpdate(this.#doc, update);
      this.#remember(update);
    }
    // One refusal after the other should not cost the whole log each time.
    if (log.length > 1) this.fold();
  }

  #remember(update: Uint8Array): void {
    this.#log.push(update);
    this.#bytes += update.length;
  }
}
