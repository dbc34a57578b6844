/** The timers that user code has set through its context. They end with the instance. */
import type { ActorTimer } from "../context/contexts.js";
import { type HookName, hookLabel } from "../definition/labels.js";
import { isThenable } from "./async.js";
import type { Instance } from "./instance.js";

type Callback = (...args: never[]) => unknown;

/** The longest delay of a JavaScript timer, in milliseconds. */
const MAX_DELAY = 0x7fff_ffff;

/** One timer. */
class RuntimeTimer implements ActorTimer {
  readonly #timers: Timers;
  /** Of the clock; undefined when it will not call back any more. */
  pending: unknown;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  clear(): void {
    this.#timers.clear(this);
  }
}

/** See the top of the file. */
export class Timers {
  readonly #instance: Instance;
  readonly #set = new Set<RuntimeTimer>();

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** @throws TypeError naming the argument that is wrong. */
  timeout(callback: unknown, delay: unknown, args: readonly unknown[]): ActorTimer {
    const call = checkCallback("setTimeout", callback);
    const timer = new RuntimeTimer(this);
    this.#arm(timer, checkDelay("setTimeout", delay), () => {
      this.#set.delete(timer);
      this.#call("setTimeout", call, args);
    });
    return timer;
  }

  /** @throws TypeError naming the argument that is wrong. */
  interval(callback: unknown, delay: unknown, args: readonly unknown[]): ActorTimer {
    const call = checkCallback("setInterval", callback);
    const period = Math.max(checkDelay("setInterval", delay), 1);
    const { clock } = this.#instance.host;
    const timer = new RuntimeTimer(this);
    let due = clock.now() + period;
    const tick = (): void => {
      // The next one first, so that the callback can clear it. What the process was too busy for is left out.
      const now = clock.now();
      due = Math.max(due + period, now);
      this.#arm(timer, due - now, tick);
      this.#call("setInterval", call, args);
    };
    this.#arm(timer, period, tick);
    return timer;
  }

  /** Ends a timer of this instance; anything else, and one that has ended, is left alone. */
  clear(timer: unknown): void {
    if (!(timer instanceof RuntimeTimer) || !this.#set.delete(timer)) return;
    this.#instance.host.clock.clearTimeout(timer.pending);
  }

  /** Ends all timers. None can be set from here on. */
  drop(): void {
    for (const timer of this.#set) this.#instance.host.clock.clearTimeout(timer.pending);
    this.#set.clear();
  }

  #arm(timer: RuntimeTimer, delay: number, callback: () => void): void {
    if (this.#instance.life.phase === "over") return;
    timer.pending = this.#instance.host.clock.setTimeout(callback, delay);
    this.#set.add(timer);
  }

  #call(name: HookName, callback: Callback, args: readonly unknown[]): void {
    const instance = this.#instance;
    try {
      const result = instance.run(hookLabel(name), () => callback(...(args as never[])));
      if (isThenable(result)) instance.life.waitFor(result, name);
    } catch (error) {
      instance.logHookError(name, error);
    }
  }
}

function checkCallback(name: string, callback: unknown): Callback {
  if (typeof callback === "function") return callback as Callback;
  throw new TypeError(`c.${name}(callback, ms): the callback has to be a function`);
}

function checkDelay(name: string, delay: unknown): number {
  if (delay === undefined) return 0;
  if (typeof delay === "number" && delay >= 0 && delay <= MAX_DELAY) return delay;
  throw new TypeError(
    `c.${name}(callback, ms): the time has to be a number of milliseconds from 0 to ${MAX_DELAY}, and is \`${String(delay)}\``,
  );
}
