/** The `run` hook of one instance: started after the start, never awaited, over at the end at the latest. */
import { hookLabel } from "../definition/labels.js";
import { isThenable } from "./async.js";
import { RunContext } from "./context.js";
import { HostError } from "./failure.js";
import type { Instance } from "./instance.js";

const RUN = hookLabel("run");

/** See the top of the file. */
export class RunLoop {
  readonly #instance: Instance;
  #isActive = false;
  #context: RunContext | undefined;
  /** What it waits for at the moment that is no reason to stay awake. */
  #waits = 0;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** Whether it has begun and not come to its end. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** Whether it is at work, and not waiting for something that wakes the actor by itself. */
  get isBusy(): boolean {
    return this.#isActive && this.#waits === 0;
  }

  /** Calls the hook, if there is one. What it throws is logged; the actor goes on without it. */
  start(): void {
    const instance = this.#instance;
    const { run } = instance.definition;
    if (run === undefined) return;
    this.#isActive = true;
    const context = new RunContext(instance);
    this.#context = context;
    try {
      const result = instance.run(RUN, () => run(context));
      if (!isThenable(result)) {
        this.#ended();
        return;
      }
      instance.defer();
      this.#tell();
      Promise.resolve(result).then(this.#ended, this.#failed);
    } catch (error) {
      this.#failed(error);
    }
  }

  /**
   * It only waits for something that wakes the actor by itself, such as a message in a queue: until as many
   * {@link resume}s follow, it does not keep the actor awake.
   */
  pause(): void {
    this.#waits++;
    this.#tell();
  }

  /** What it waited for is there, or is not waited for any more. */
  resume(): void {
    this.#waits--;
    this.#tell();
  }

  readonly #failed = (error: unknown): void => {
    const instance = this.#instance;
    // That its waiting was ended is how it was told to stop.
    const wasStopped = instance.life.isStopping && error instanceof HostError && error.code === "aborted";
    if (!wasStopped) instance.logHookError("run", error);
    this.#ended();
  };

  readonly #ended = (): void => {
    this.#isActive = false;
    if (this.#context !== undefined) RunContext.end(this.#context);
    this.#tell();
    this.#instance.life.checkIdle();
  };

  #tell(): void {
    this.#instance.life.wakefulness.setRunning(this.isBusy);
  }
}
