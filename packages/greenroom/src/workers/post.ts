/** What a thread of Greenroom's knows of itself. In the program's own threads there is none. */
import type { MessagePort } from "node:worker_threads";
import type { Order, Report, Task } from "./messages.js";
import type { Origin } from "./origin.js";

/** See the top of the file. */
export class Post {
  readonly task: Task;
  readonly #port: MessagePort;
  readonly #begin: Promise<void>;
  #onEnd: () => void = () => {};
  #registry: { join(): Promise<unknown> } | undefined;

  constructor(task: Task, port: MessagePort) {
    this.task = task;
    this.#port = port;
    this.#begin = new Promise((begin) => {
      port.on("message", (order: Order) => {
        if (order === "begin") begin();
        else this.#end();
      });
    });
  }

  /** `registry` was made here. @returns whether it is the one whose actors this thread runs */
  claim(registry: { join(): Promise<unknown> }, { module, index }: Origin): boolean {
    if (module !== this.task.module || index !== this.task.index) return false;
    this.#registry = registry;
    return true;
  }

  /** The registry whose actors this thread runs, if it has been made. */
  get registry(): { join(): Promise<unknown> } | undefined {
    return this.#registry;
  }

  /** This thread has what it takes. Resolves when the registry runs. */
  ready(actors: readonly string[]): Promise<void> {
    this.#report({ kind: "ready", actors });
    return this.#begin;
  }

  failed(message: string): void {
    this.#report({ kind: "failed", message });
  }

  askForShutdown(): void {
    this.#report({ kind: "shutdown" });
  }

  /** Called when the registry has ended. */
  onEnd(end: () => void): void {
    this.#onEnd = end;
  }

  #end(): void {
    this.#onEnd();
    // Ends this thread only. What the program has left open here would keep it for ever.
    process.exit(0);
  }

  #report(report: Report): void {
    this.#port.postMessage(report);
  }
}

let post: Post | undefined;

/** The post of this thread; undefined on threads of the program's own. */
export function postOfThread(): Post | undefined {
  return post;
}

/** This thread is one of Greenroom's. */
export function takePost(taken: Post): void {
  post = taken;
}
