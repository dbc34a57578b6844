import { encodeValue } from "@greenroom/client/codec";
import { assignLeaf, bytesOf, copyLeaf, isSameLeaf, type Leaf } from "./leaf-kinds.js";
import { type ContainerNode, type Key, type Owner, StateNode } from "./node.js";
import { Opcode } from "./recorder.js";
import { stamp } from "./stamp.js";

/** What a leaf needs from the state it belongs to, besides what every node needs. */
export interface LeafOwner extends Owner {
  readonly views: LeafViews;
}

/**
 * A date, typed array or `ArrayBuffer` of the state. Writes to those cannot be seen, so users get a copy, the
 * view, which is compared with the owned original before anybody else looks at that.
 */
export class LeafNode extends StateNode {
  declare readonly raw: Leaf;
  declare readonly owner: LeafOwner;
  /** Set from when the view is handed out until the end of the turn, and later only if users hold it. */
  #held: Leaf | undefined;
  #view: WeakRef<Leaf> | undefined;
  /**
   * The memory of a typed array, which outlives it. A view that is written to and dropped in a later turn may be
   * collected before it is compared; its content is not. (For the other leaves that gap remains: it takes a
   * full collection between the write and the end of the same turn.)
   */
  #memory: Uint8Array | undefined;

  override present(): Leaf {
    let view = this.#held ?? this.#view?.deref();
    if (view === undefined) {
      this.settle();
      view = copyLeaf(this.raw);
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
    const seen = view ?? this.#memory;
    if (seen === undefined) return false;
    const own = seen === this.#memory ? bytesOf(this.raw as Uint8Array) : this.raw;
    if (!isSameLeaf(own, seen)) this.#record(own, seen);
    if (view !== undefined && !wasTransferred(this.raw, view)) return true;
    this.#forget();
    return false;
  }

  /** Lets the view be collected once users drop it. */
  loosen(): void {
    if (this.#held === undefined) return;
    this.#view ??= new WeakRef(this.#held);
    this.#held = undefined;
  }

  #record(own: Leaf, seen: Leaf): void {
    const { parent, owner } = this;
    if (this.trace() < 0) {
      assignLeaf(own, seen);
      return;
    }
    try {
      owner.assertWritable();
    } catch (refusal) {
      assignLeaf(seen, own);
      throw refusal;
    }
    assignLeaf(own, seen);
    const writer = parent === undefined ? owner.recorder.begin(Opcode.root, 1) : parent.begin(Opcode.set, 2);
    if (writer === undefined) return;
    parent?.writeKey(writer, this.key);
    encodeValue(writer, this.raw, "state");
    owner.recorder.commit();
  }

  #forget(): void {
    this.#held = undefined;
    this.#view = undefined;
    this.#memory = undefined;
  }
}

/** The leaves of one state whose views users may hold. */
export class LeafViews {
  readonly #leaves = new Set<LeafNode>();
  readonly #onUse: () => void;

  /** @param onUse called whenever a view is handed out, since it may be written to afterwards. */
  constructor(onUse: () => void) {
    this.#onUse = onUse;
  }

  add(leaf: LeafNode): void {
    this.#leaves.add(leaf);
    this.#onUse();
  }

  /** Records what was written to views. */
  settle(): void {
    for (const leaf of this.#leaves) {
      if (!leaf.settle()) this.#leaves.delete(leaf);
    }
  }

  /** Ends the time in which views are kept alive although users may have dropped them. */
  loosen(): void {
    for (const leaf of this.#leaves) leaf.loosen();
  }
}

/** Whether the memory of `view` was given away, for example to a worker. */
function wasTransferred(raw: Leaf, view: Leaf): boolean {
  if (raw instanceof Date || view instanceof Date) return false;
  return raw.byteLength !== view.byteLength;
}

/** A node for the leaf `raw`. */
export function leafNode(owner: LeafOwner, raw: Leaf, parent: ContainerNode | undefined, key: Key): LeafNode {
  return new LeafNode(owner, raw, parent, key);
}
