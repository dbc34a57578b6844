import type { Piece } from "./messages.js";
import { modelError } from "./model/model.js";

/** An answer under way: what has been said so far, for those who follow it, and how to stop it. */
export class Run {
  /** The id of the answer. */
  readonly answer: string;
  /** The connection that reads the answer as the result of its call. */
  readonly asker: string;
  readonly #stop = new AbortController();
  readonly #pieces: Piece[] = [];
  #length = 0;
  #isOver = false;
  #error: Error | undefined;
  #changed = later();

  constructor(answer: string, asker: string) {
    this.answer = answer;
    this.asker = asker;
  }

  /** Fires when somebody has stopped it. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  stop(): void {
    this.#stop.abort();
  }

  /** The answer becomes longer. @throws UserError `model_endless` if it becomes longer than `most`. */
  grow(characters: number, most: number): void {
    this.#length += characters;
    if (this.#length > most)
      throw modelError("model_endless", `an answer ends after ${most} characters: ask for less at once`);
  }

  add(piece: Piece): void {
    this.#pieces.push(piece);
    this.#tell();
  }

  /** It is over, well or not. */
  end(error?: Error): void {
    this.#isOver = true;
    this.#error = error;
    this.#tell();
  }

  /** Everything from the first piece on, as fast as it is taken. @throws what it ended with. */
  async *follow(): AsyncGenerator<Piece> {
    for (let next = 0; ; next++) {
      while (next >= this.#pieces.length && !this.#isOver) await this.#changed.happened;
      const piece = this.#pieces[next];
      if (piece === undefined) break;
      yield piece;
    }
    if (this.#error) throw this.#error;
  }

  #tell(): void {
    this.#changed.happen();
    this.#changed = later();
  }
}

function later() {
  let happen: () => void = () => {};
  const happened = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return { happened, happen };
}
