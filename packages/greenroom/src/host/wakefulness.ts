/** What the core has to know of an instance besides its calls: whether it is busy, and whether it is to come back. */
import type { Instance } from "./instance.js";
import { AwakeFlag } from "./records.js";

/** See the top of the file. Told when it changes, with the turn in which it does. */
export class Wakefulness {
  readonly #instance: Instance;
  #holds = 0;
  #isRunning = false;
  #told = 0;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** Something has begun that the actor must not be put to sleep over. */
  hold(): void {
    this.#holds++;
    this.#changed();
  }

  /** It has ended. */
  release(): void {
    this.#holds--;
    this.#changed();
  }

  /** `run` has something to do, or has not: a lost actor whose `run` was busy is woken again. */
  setRunning(isRunning: boolean): void {
    this.#isRunning = isRunning;
    this.#changed();
  }

  /** Puts out, at the end, that there is more to do for `run` although it has ended. */
  tellResuming(): void {
    this.#told = AwakeFlag.held | AwakeFlag.resumes;
    this.#isRunning = true;
    this.#instance.outputs().awake(this.#told);
  }

  /** Puts out what has changed since the last time. */
  tell(): void {
    const flags = this.#flags;
    if (flags === this.#told) return;
    this.#told = flags;
    this.#instance.turn.outputs.awake(flags);
  }

  get #flags(): number {
    if (this.#isRunning) return AwakeFlag.held | AwakeFlag.resumes;
    return this.#holds > 0 ? AwakeFlag.held : 0;
  }

  #changed(): void {
    if (this.#flags !== this.#told) this.#instance.host.touch(this.#instance);
  }
}
