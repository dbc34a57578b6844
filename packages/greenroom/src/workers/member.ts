/** One worker thread, seen from the thread that has started the registry. It is started again when it is lost. */
import { Worker } from "node:worker_threads";
import { asError, messageOf } from "../host/failure.js";
import type { Logger } from "../log.js";
import type { Order, Report, Task } from "./messages.js";

/** Time to load the program's module, in milliseconds. */
const LOAD_TIMEOUT = 30_000;
/** Time that an orderly end may take. */
const END_TIMEOUT = 2_000;
/** Time that a forced end may take after that: Bun does not always interrupt code that does not return. */
const TERMINATE_TIMEOUT = 2_000;
/** One that has lived for so long is started again at once. */
const STEADY = 60_000;
/** Before the second try in a row. Doubles with each further one. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;

/** What a member needs of its team. */
export interface MemberServices {
  readonly task: Task;
  /** The names of the actors that have to be there. */
  readonly actors: readonly string[];
  readonly log: Logger;
  /** The thread is gone, and what it has run. */
  lose(): void;
  /** It could not be started again, so far. */
  vacant(): void;
  /** The program wants to end. */
  shutdown(): void;
}

/** Apart from where it is used: bundlers take `new URL` in `new Worker` for a file to be packed. */
function entryBeside(file: string): URL {
  return new URL("./main.js", file);
}

function tell(worker: Worker, order: Order): void {
  worker.postMessage(order);
}

/** @returns whether `event` has come within `limit` milliseconds */
async function within(limit: number, event: Promise<true>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((give) => {
    timer = setTimeout(give, limit, false);
  });
  const isInTime = await Promise.race([event, late]);
  clearTimeout(timer);
  return isInTime;
}

/** See the top of the file. */
export class Member {
  readonly #services: MemberServices;
  #worker: Worker | undefined;
  /** Whether the registry runs, so that a thread that is ready can begin. */
  #isOn = false;
  #isEnded = false;
  #losses = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(services: MemberServices) {
    this.#services = services;
  }

  /** Starts the thread and lets it load the program. @throws Error (as a rejection) saying why it cannot. */
  load(): Promise<void> {
    return new Promise((resolve, reject) => {
      const { task, actors } = this.#services;
      const worker = new Worker(entryBeside(import.meta.url), {
        workerData: { greenroom: task },
        argv: process.argv.slice(2),
        name: `greenroom ${task.lane}`,
      });
      this.#worker = worker;
      let cause: unknown;
      let isReady = false;
      // It is told when the thread is gone: another one must not begin before.
      const fail = (why: string): void => {
        clearTimeout(timer);
        cause ??= new Error(why);
        void worker.terminate();
      };
      const timer = setTimeout(() => fail(`it was not loaded within ${LOAD_TIMEOUT} ms`), LOAD_TIMEOUT);
      worker.on("message", (report: Report) => {
        if (report.kind === "shutdown") this.#services.shutdown();
        else if (report.kind === "failed") fail(report.message);
        else {
          const missing = actors.filter((name) => !report.actors.includes(name));
          if (missing.length > 0) {
            fail(`the registry that it has made there lacks the actors ${missing.join(", ")}`);
            return;
          }
          clearTimeout(timer);
          isReady = true;
          if (this.#isOn) tell(worker, "begin");
          resolve();
        }
      });
      // Comes before `exit`, if the thread has not ended by itself.
      worker.on("error", (error: unknown) => {
        cause ??= error;
      });
      worker.on("exit", (code: number) => {
        clearTimeout(timer);
        const why =
          cause === undefined ? `it has ended with code ${code} while it was loaded` : messageOf(cause);
        reject(new Error(why));
        this.#exited(worker, code, cause, isReady);
      });
    });
  }

  /** The registry runs. */
  begin(): void {
    this.#isOn = true;
    // It may have been lost since it was loaded.
    if (this.#worker === undefined) this.#startAgain();
    else tell(this.#worker, "begin");
  }

  /** Ends the thread, for good. One that cannot be ended goes with the process. */
  async end(): Promise<void> {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (worker === undefined) return;
    const exited = new Promise<true>((exit) => worker.once("exit", () => exit(true)));
    tell(worker, "end");
    if (await within(END_TIMEOUT, exited)) return;
    // It is busy with code that does not return.
    void worker.terminate();
    if (await within(TERMINATE_TIMEOUT, exited)) return;
    worker.unref();
    const { log, task } = this.#services;
    log.warn({ thread: task.lane }, "a worker thread does not end; it goes with the process");
  }

  #exited(worker: Worker, code: number, cause: unknown, isReady: boolean): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    if (this.#isEnded || !this.#isOn) return;
    const { log, lose, task } = this.#services;
    lose();
    // Whoever waits for it to be loaded tries again.
    if (!isReady) return;
    const fields = { thread: task.lane, code, ...(cause === undefined ? {} : { error: asError(cause) }) };
    log.error(fields, "a worker thread was lost with the actors on it, and is started again");
    this.#startAgain();
  }

  #startAgain(): void {
    clearTimeout(this.#timer);
    const pause = this.#losses === 0 ? 0 : Math.min(FIRST_PAUSE * 2 ** (this.#losses - 1), LONGEST_PAUSE);
    this.#losses++;
    this.#timer = setTimeout(() => {
      const { log, task, vacant } = this.#services;
      this.load().then(
        () => this.#forgetLossesLater(),
        (error: unknown) => {
          if (this.#isEnded) return;
          vacant();
          log.error(
            { thread: task.lane, error },
            "a worker thread cannot be started again; it is tried later",
          );
          this.#startAgain();
        },
      );
    }, pause);
  }

  #forgetLossesLater(): void {
    this.#timer = setTimeout(() => {
      this.#losses = 0;
    }, STEADY).unref();
  }
}
