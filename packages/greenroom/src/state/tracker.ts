import { type ByteWriter, decodeValue, encodeValue } from "@greenroom/client/codec";
import { ArrayNode } from "./array-node.js";
import { isBytes } from "./bytes.js";
import { BytesNode, type BytesOwner, ByteViews } from "./bytes-node.js";
import { copyIn } from "./copy.js";
import { DateNode } from "./date-node.js";
import { MapNode } from "./map-node.js";
import type { ContainerNode, Key } from "./node.js";
import { ObjectNode } from "./object-node.js";
import { Opcode, Recorder } from "./recorder.js";
import { SetNode } from "./set-node.js";
import { nodeOf, rawOf, stampOf } from "./stamp.js";

/** Settings of a `StateTracker`. */
export interface StateTrackerOptions {
  /** How messages name the root. Default `c.state`. */
  readonly name?: string;
}

/**
 * A state: a tree of plain values that the tracker owns. Assigning copies in, reading gives a proxy, and every
 * change is encoded as an operation when it happens, at a cost that depends on the change alone.
 */
export class StateTracker {
  readonly #tree: Tree;

  private constructor(tree: Tree) {
    this.#tree = tree;
  }

  /**
   * A new state. The first `takeChanges` gives the operation that creates it.
   *
   * @throws TypeError naming the path of what cannot be stored.
   */
  static create(initial: unknown, options?: StateTrackerOptions): StateTracker {
    const tree = new Tree(undefined, options?.name);
    tree.replaceRoot(initial);
    return new StateTracker(tree);
  }

  /**
   * The state whose stored image is `image`. Nothing is recorded.
   *
   * @throws ValueFormatError if these bytes are no image.
   */
  static load(image: Uint8Array, options?: StateTrackerOptions): StateTracker {
    return new StateTracker(new Tree(decodeValue(image, "state"), options?.name));
  }

  /** The state as users see it. Assigning replaces all of it. */
  get root(): unknown {
    return this.#tree.presentRoot();
  }

  set root(value: unknown) {
    this.#tree.setRoot(value);
  }

  /** The owned values themselves, for fast reading and encoding. Changing anything in there corrupts the state. */
  get raw(): unknown {
    this.#tree.settle();
    return this.#tree.root;
  }

  /** Whether operations wait to be taken. Writes to byte arrays count once `takeChanges` has seen them. */
  get dirty(): boolean {
    return this.#tree.recorder.dirty;
  }

  /**
   * Called once between two `takeChanges`: at the first change, or when a byte array was read, which can be
   * written to unnoticed. So `takeChanges` may afterwards find nothing.
   */
  get onChange(): (() => void) | undefined {
    return this.#tree.recorder.onChange;
  }

  set onChange(listener: (() => void) | undefined) {
    this.#tree.recorder.onChange = listener;
  }

  /**
   * Appends all operations since the last call to `writer`: a CBOR sequence.
   *
   * @returns `false` if nothing has changed.
   */
  takeChanges(writer: ByteWriter): boolean {
    this.#tree.recorder.hush();
    this.#tree.settle();
    this.#tree.loosen();
    return this.#tree.recorder.take(writer);
  }

  /**
   * Runs `work`; changes to this state throw what `refusal` makes meanwhile. A write to a byte array is found
   * and undone at the end, so then this call throws.
   */
  whileFrozen<T>(refusal: () => Error, work: () => T): T {
    this.#tree.settle();
    this.#tree.refusal = refusal;
    try {
      return work();
    } finally {
      const refused = this.#tree.undoWrites();
      this.#tree.refusal = undefined;
      // biome-ignore lint/correctness/noUnsafeFinally: a refused write outweighs what `work` made of it.
      if (refused !== undefined) throw refused;
    }
  }
}

/**
 * `value` as it is encoded fastest: a state proxy becomes the owned values behind it, also directly inside an
 * array or object literal. Anything else is returned as it is. For reading only, until the state changes.
 */
export function unwrap(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const node = nodeOf(value);
  if (node !== undefined) {
    node.owner.settle();
    return node.raw;
  }
  if (Array.isArray(value)) return value.some(isProxy) ? value.map(unwrapOne) : value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value);
  if (!entries.some(([, each]) => isProxy(each))) return value;
  return Object.fromEntries(entries.map(([key, each]) => [key, unwrapOne(each)]));
}

function isProxy(value: unknown): boolean {
  return typeof value === "object" && value !== null && nodeOf(value) !== undefined;
}

function unwrapOne(value: unknown): unknown {
  return isProxy(value) ? unwrap(value) : value;
}

/** The owned tree, as its nodes see it. */
class Tree implements BytesOwner {
  readonly name: string;
  readonly recorder = new Recorder();
  #views: ByteViews | undefined;
  /** Makes the error that changes are refused with, while they are. */
  refusal: (() => Error) | undefined;
  root: unknown;

  constructor(root: unknown, name = "c.state") {
    this.root = root;
    this.name = name;
  }

  isRoot(raw: object): boolean {
    return raw === this.root;
  }

  /** Most states have no byte arrays. */
  get views(): ByteViews {
    this.#views ??= new ByteViews(() => this.recorder.announce());
    return this.#views;
  }

  settle(): void {
    this.#views?.settle();
  }

  loosen(): void {
    this.#views?.loosen();
  }

  /** Undoes writes to byte arrays while changes are refused. Returns the refusal, if there were any. */
  undoWrites(): unknown {
    for (let refused: unknown; ; ) {
      try {
        this.settle();
        return refused;
      } catch (error) {
        // Each refusal has undone one write.
        refused = error;
      }
    }
  }

  assertWritable(): void {
    if (this.refusal !== undefined) throw this.refusal();
  }

  present(raw: object, parent: ContainerNode | undefined, key: Key): unknown {
    if (Array.isArray(raw)) return new ArrayNode(this, raw, parent, key).proxy;
    if (raw instanceof Map) return new MapNode(this, raw, parent, key).proxy;
    if (raw instanceof Set) return new SetNode(this, raw, parent, key).proxy;
    if (raw instanceof Date) return new DateNode(this, raw, parent, key).raw;
    if (isBytes(raw)) return new BytesNode(this, raw, parent, key).present();
    if (raw instanceof RegExp) return raw;
    if (raw instanceof Error) return Object.freeze(raw);
    return new ObjectNode(this, raw as Record<string, unknown>, parent, key).proxy;
  }

  presentRoot(): unknown {
    const { root } = this;
    if (typeof root !== "object" || root === null) return root;
    return stampOf(root)?.present() ?? this.present(root, undefined, undefined);
  }

  setRoot(value: unknown): void {
    const raw = typeof value === "object" && value !== null ? rawOf(value) : value;
    if (!Object.is(raw, this.root)) this.replaceRoot(value);
  }

  replaceRoot(value: unknown): void {
    const copy = copyIn(value, 0, () => this.name);
    this.assertWritable();
    encodeValue(this.recorder.begin(Opcode.root, 1), copy, "state");
    this.root = copy;
    this.recorder.commit();
  }
}
