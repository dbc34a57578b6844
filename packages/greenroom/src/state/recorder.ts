import { type ByteWriter, writeArrayHead } from "@greenroom/client/codec";
import { giveWriter, takeWriter } from "../writers.js";

/** The operations a state change is made of. The numbers are stored and never reused. */
export const Opcode = {
  /** `[0, path, key, value]`: an object property, an existing array index, or a `Map` entry. */
  set: 0,
  /** `[1, path, key]`: removes an object property, a `Map` entry or a `Set` member. */
  delete: 1,
  /** `[2, path, [values...]]`: at the end of an array. */
  append: 2,
  /** `[3, path, start, deleteCount, [values...]]` */
  splice: 3,
  /** `[4, path, [start, length, ...]]`: the array becomes these runs of its old elements; negative lengths descend. */
  rearrange: 4,
  /** `[5, path, member]`: to a `Set`. */
  add: 5,
  /** `[6, path]`: empties a `Map` or `Set`. */
  clear: 6,
  /** `[7, value]` */
  root: 7,
} as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** Collects encoded operations. What was begun and not committed leaves no trace. */
export class Recorder {
  /** Called at the first change after each `take`. */
  onChange: (() => void) | undefined;
  /** There from the first change to the next `take`. */
  #writer: ByteWriter | undefined;
  #committed = 0;
  #announced = false;

  /** Whether operations wait to be taken. */
  get dirty(): boolean {
    return this.#committed > 0;
  }

  /** Starts an operation of `operands` items besides the opcode; the caller writes them to the result. */
  begin(opcode: Opcode, operands: number): ByteWriter {
    this.#writer ??= takeWriter();
    const writer = this.#writer;
    writer.truncate(this.#committed);
    writeArrayHead(writer, operands + 1);
    writer.u8(opcode);
    return writer;
  }

  /** Makes the operation begun last part of the next `take`. */
  commit(): void {
    this.#committed = this.#writer?.length ?? 0;
    this.announce();
  }

  /** Says that there may be something to take. */
  announce(): void {
    if (this.#announced) return;
    this.#announced = true;
    this.onChange?.();
  }

  /** What is recorded from here to `take` needs no announcement: the listener is about to take it. */
  hush(): void {
    this.#announced = true;
  }

  /** Moves all operations to the end of `target`. Returns whether there were any. */
  take(target: ByteWriter): boolean {
    this.#announced = false;
    const writer = this.#writer;
    if (writer === undefined) return false;
    const hasChanged = this.#committed > 0;
    writer.truncate(this.#committed);
    if (hasChanged) target.bytes(writer.view());
    this.#writer = undefined;
    this.#committed = 0;
    giveWriter(writer);
    return hasChanged;
  }
}
