/**
 * How a document is kept: what comes in is appended as a pair of its own, so a keystroke writes some thirty bytes
 * however long the document is. From time to time all of it is folded into one snapshot.
 */
import type { Kv } from "greenroom";

/** A value of a pair has 128 KiB. A snapshot is cut into pieces. */
const PIECE = 120 * 1024;
/** From here on folding is worth its write. */
const MIN_TAIL = 64;

/** What a document takes on disk. */
export interface Stored {
  /** Changes since the last snapshot. */
  readonly changes: number;
  /** All pairs together. */
  readonly bytes: number;
}

/** See the top of the file. Writes are part of the actor's turn, so nobody waits for them. */
export class Storage {
  readonly #kv: Kv;
  #next = 0;
  #tail = 0;
  #tailBytes = 0;
  #snapshotBytes = 0;

  private constructor(kv: Kv) {
    this.#kv = kv;
  }

  /** Reads what is there: the snapshot first, then the changes after it. */
  static async open(kv: Kv): Promise<{ readonly storage: Storage; readonly log: readonly Uint8Array[] }> {
    const storage = new Storage(kv);
    const pieces = await kv.list("snapshot/", { type: "binary" });
    const changes = await kv.list("change/", { type: "binary" });
    const snapshot = concat(pieces.map(([, piece]) => piece));
    storage.#snapshotBytes = snapshot.length;
    storage.#next = Number(changes.at(-1)?.[0].slice("change/".length) ?? -1) + 1;
    for (const [, change] of changes) storage.#count(change);
    const log = changes.map(([, change]) => change);
    return { storage, log: snapshot.length > 0 ? [snapshot, ...log] : log };
  }

  get stored(): Stored {
    return { changes: this.#tail, bytes: this.#snapshotBytes + this.#tailBytes };
  }

  /** Adds a change. Writes that change and nothing else, unless it is time to `fold`. */
  append(change: Uint8Array, fold: () => Uint8Array): void {
    const isLarge = change.length > PIECE;
    // Each fold writes the document once, and is made when the changes weigh as much: twice the work in all.
    const isTime = this.#tail >= MIN_TAIL && this.#tailBytes >= this.#snapshotBytes;
    if (isLarge || isTime) {
      this.#replace(fold());
      return;
    }
    void this.#kv.put(`change/${String(this.#next++).padStart(12, "0")}`, change);
    this.#count(change);
  }

  #replace(snapshot: Uint8Array): void {
    void this.#kv.deleteRange("change/", "change0");
    void this.#kv.deleteRange("snapshot/", "snapshot0");
    for (let at = 0, piece = 0; at < snapshot.length; at += PIECE, piece++) {
      void this.#kv.put(`snapshot/${String(piece).padStart(4, "0")}`, snapshot.slice(at, at + PIECE));
    }
    this.#next = 0;
    this.#tail = 0;
    this.#tailBytes = 0;
    this.#snapshotBytes = snapshot.length;
  }

  #count(change: Uint8Array): void {
    this.#tail += 1;
    this.#tailBytes += change.length;
  }
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
