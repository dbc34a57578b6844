/** All examples that the gallery runs, and word of every change. */
import { EventEmitter, on } from "node:events";
import { join } from "node:path";
import type { Example } from "./catalog.js";
import { Performer, type State } from "./performer.js";

/** One example and how it is doing, as the page gets to see it. */
export interface Showing {
  readonly name: string;
  readonly title: string;
  readonly sentence: string;
  readonly tries: readonly string[];
  readonly source: string;
  readonly icon: string;
  readonly state: State;
  readonly restarts: number;
}

/** Where the examples run. */
export interface House {
  readonly host: string;
  /** The port of the first example, the others follow; those that are taken are passed over. 0: any. */
  readonly firstPort: number;
  /** The folder whose folders they keep their data in. */
  readonly dataDir: string;
}

export class Stage {
  readonly #changes = new EventEmitter();
  #performers: readonly Performer[] = [];

  /** Starts them all. */
  async open(examples: readonly Example[], { host, firstPort, dataDir }: House): Promise<void> {
    this.#performers = examples.map((example, at) => {
      const place = {
        host,
        port: firstPort === 0 ? 0 : firstPort + at,
        dataDir: join(dataDir, example.name),
      };
      return new Performer(example, place, () => this.#changes.emit("change"));
    });
    await Promise.all(this.#performers.map((performer) => performer.start()));
  }

  showings(): Showing[] {
    return this.#performers.map(({ example, state, restarts }) => {
      const { name, title, sentence, tries, source, icon } = example;
      return { name, title, sentence, tries, source, icon, state, restarts };
    });
  }

  /** One item for each change, until `signal` ends it. */
  async *changes(signal: AbortSignal): AsyncGenerator<void, void, void> {
    try {
      for await (const _ of on(this.#changes, "change", { signal })) yield;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** `kill -9` for one of them. `undefined`: there is none of that name. `false`: it was not running. */
  kill(name: string): boolean | undefined {
    return this.#performers.find(({ example }) => example.name === name)?.kill();
  }

  /** Ends them all; resolves when every process is gone. */
  async close(): Promise<void> {
    await Promise.all(this.#performers.map((performer) => performer.end()));
  }
}
