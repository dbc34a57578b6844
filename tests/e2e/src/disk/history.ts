/** What was said to a notebook one after the other, and how that ended. */
import assert from "node:assert/strict";
import { ActorError } from "@greenroom/client";

/** What handles and connections of a notebook can do. */
interface Notebook {
  add(line: string, ballast?: number): Promise<number>;
  read(): Promise<readonly string[]>;
}

export class History {
  readonly #notebook: Notebook;
  /** Whether a line is there, is not, or may be. */
  readonly #lines = new Map<string, "yes" | "no" | "maybe">();

  constructor(notebook: Notebook) {
    this.#notebook = notebook;
  }

  get acknowledged(): readonly string[] {
    return [...this.#lines].filter(([, is]) => is === "yes").map(([line]) => line);
  }

  /** Adds a line. Gives the code of the error if there is one. */
  async add(ballast = 0): Promise<string | undefined> {
    const line = `line ${this.#lines.size}`;
    this.#lines.set(line, "maybe");
    try {
      await this.#notebook.add(line, ballast);
      this.#lines.set(line, "yes");
      return undefined;
    } catch (error) {
      if (!(error instanceof ActorError)) throw error;
      const code = `${error.group}.${error.code}`;
      if (code === "actor.store_unavailable") this.#lines.set(line, "no");
      return code;
    }
  }

  /** Reads the notebook and holds it against what is known. */
  async check(): Promise<void> {
    const found = await this.#notebook.read();
    const expected = [...this.#lines]
      .filter(([line, is]) => is === "yes" || (is === "maybe" && found.includes(line)))
      .map(([line]) => line);
    assert.deepEqual(found, expected);
  }
}
