import { type Bytes, bytesOf, copyBytes, isSameContent } from "./bytes.js";
import { type Owner, StateNode } from "./node.js";
import { stamp } from "./stamp.js";

/** What byte arrays need from the state they belong to, besides what every node needs. */
export interface BytesOwner extends Owner {
  readonly views: ByteViews;
}

/**
 * A typed array or `ArrayBuffer` of the state. Writes to those cannot be seen, so users get a copy, the view,
 * which is compared with the owned original before anybody else looks at that.
 */
export class BytesNode extends StateNode {
  declare readonly raw: Bytes;
  declare readonly owner: BytesOwner;
  /** Set from when the view is handed out until the end of the turn, and later only if users hold it. */
  #held: Bytes | undefined;
  #view: WeakRef<Bytes> | undefined;
  /**
   * The memory of a typed array, which is kept: a view that is written to and dropped in a later turn may be
   * collected before the comparison. (For an `ArrayBuffer`, being its own memory, that gap remains: it takes a
   * full collection between the write and the end of the same turn.)
   */
  #memory: Uint8Array | undefined;

  override present(): Bytes {
    let view = this.#held ?? this.#view?.deref();
    if (view === undefined) {
      this.settle();
      view = copyBytes(this.raw);
      stamp(view, this);
      this.#view = undefined;
      if (ArrayBuffer.isView(view)) this.#memory = bytesOf(view);
    }
    this.#held = view;
    this.owner.views.add(this);
    return view;
  }

  /**
   * Records what was written to the view. Returns whether somebody may still write to it.
   *
   * @throws what the owner throws while changes are refused; the write is undone then.
   */
  settle(): boolean {
    const view = this.#held ?? this.#view?.deref();
    const seen = view !== undefined ? bytesOf(view) : this.#memory;
    if (seen === undefined) return false;
    const isOurs = seen.length === this.raw.byteLength;
    if (isOurs) this.#take(seen);
    if (view !== undefined && isOurs) return true;
    this.#held = undefined;
    this.#view = undefined;
    this.#memory = undefined;
    return false;
  }

  /** Lets the view be collected once users drop it. */
  loosen(): void {
    if (this.#held === undefined) return;
    this.#view ??= new WeakRef(this.#held);
    this.#held = undefined;
  }

  #take(seen: Uint8Array): void {
    const own = bytesOf(this.raw);
    if (isSameContent(own, seen)) return;
    const before = own.slice();
    own.set(seen);
    try {
      this.recordReplacement(this.raw);
    } catch (refusal) {
      own.set(before);
      seen.set(before);
      throw refusal;
    }
  }
}

/** The byte arrays of one state whose views users may hold. */
export class ByteViews {
  readonly #nodes = new Set<BytesNode>();
  readonly #onUse: () => void;

  /** @param onUse called whenever a view is handed out, since it may be written to afterwards. */
  constructor(onUse: () => void) {
    this.#onUse = onUse;
  }

  add(node: BytesNode): void {
    this.#nodes.add(node);
    this.#onUse();
  }

  /** Records what was written to views. */
  settle(): void {
    for (const node of this.#nodes) {
      if (!node.settle()) this.#nodes.delete(node);
    }
  }

  /** Ends the time in which views are kept alive although users may have dropped them. */
  loosen(): void {
    for (const node of this.#nodes) node.loosen();
  }
}
