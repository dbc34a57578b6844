import { ByteWriter, encodeValue, ValueReader } from "@greenroom/client/codec";
import { StateTracker } from "../../../dist/state/index.js";
import { Replica } from "./fold.js";
import { foldNatively } from "./native.js";
import { assertSame } from "./same.js";

/** A tracked state beside replicas that see nothing but its operations. */
export class Session<S = Record<string, unknown>> {
  tracker: StateTracker;
  readonly #replica = new Replica();
  /** The image that Rust has folded; `null` before the first operation. */
  #image: Uint8Array | null = null;

  constructor(initial: S) {
    this.tracker = StateTracker.create(initial);
    this.commit();
  }

  /** The state as users see it. */
  get state(): S {
    return this.tracker.root as S;
  }

  set state(value: S) {
    this.tracker.root = value;
  }

  /** Ends a turn: asserts that replicas fed with its operations equal the live state. Returns the operations. */
  commit(): unknown[][] {
    const bytes = this.take();
    if (bytes.length > 0) {
      this.#replica.apply(bytes);
      this.#image = foldNatively(this.#image, bytes) ?? this.#image;
    }
    assertSame(this.#replica.root, this.tracker.raw, "replica");
    assertSame(this.tracker.root, this.#replica.root, "live");
    if (this.#image !== null) assertSame(StateTracker.load(this.#image).raw, this.tracker.raw, "image");
    const operations: unknown[][] = [];
    const reader = new ValueReader(bytes, "state");
    while (!reader.atEnd) operations.push(reader.read() as unknown[]);
    return operations;
  }

  /** Goes on, as after a crash, with what was stored at the last commit. */
  reload(): void {
    this.tracker = StateTracker.load(this.#image ?? imageOf(this.#replica.root));
  }

  /** The encoded operations of the turn, without looking at the state. */
  take(): Uint8Array {
    const writer = new ByteWriter();
    this.tracker.takeChanges(writer);
    return writer.finish();
  }
}

/** The stored image of a value. */
export function imageOf(value: unknown): Uint8Array {
  const writer = new ByteWriter();
  encodeValue(writer, value, "state");
  return writer.finish();
}
