/** The `run` hook of one instance: started after the start, never awaited, over at the end at the latest. */
import { isThenable } from "./async.js";
import { RunContext } from "./context.js";
import type { Instance } from "./instance.js";

/** See the top of the file. */
export class RunLoop {
  readonly #instance: Instance;
  #isActive = false;
  /** What it waits for at the moment that is no reason to stay awake. */
  #waits = 0;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** Whether it has begun and not come to its end. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** Calls the hook, if there is one. What it throws is logged; the actor goes on without it. */
  start(): void {
    const instance = this.#instance;
    const { run } = instance.definition;
    if (run === undefined) return;
    this.#isActive = true;
    try {
      const result = instance.run(() => run(new RunContext(instance)));
      if (!isThenable(result)) {
        this.#isActive = false;
        return;
      }
      instance.defer();
      this.#tell();
      Promise.resolve(result).then(this.#ended, (error: unknown) => {
        instance.logHookError("run", error);
        this.#ended();
      });
    } catch (error) {
      this.#isActive = false;
      instance.logHookError("run", error);
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

  readonly #ended = (): void => {
    this.#isActive = false;
    this.#tell();
    this.#instance.life.checkIdle();
  };

  #tell(): void {
    this.#instance.life.wakefulness.setRunning(this.#isActive && this.#waits === 0);
  }
}
