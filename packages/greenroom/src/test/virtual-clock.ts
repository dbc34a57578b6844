/**
 * Time that stands still until the test moves it. The core's timers and those of the host go by it: schedules, jobs,
 * pauses before retries, timeouts, idle actors that go to sleep.
 */
import type { NativeRegistry } from "@greenroom/native";
import type { Clock } from "../host/clock.js";
import type { Host } from "../host/host.js";

/** Turns of the event loop without any crossing after which nothing is going on. */
const QUIET_TURNS = 3;
/** The longest time that anything may take without coming to rest, in milliseconds of the machine. */
const PATIENCE = 10_000;
/** Looked up once: a test may put fake timers in its place. */
const immediately = globalThis.setImmediate;

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** See the top of the file. */
export class VirtualClock implements Clock {
  /** In the order in which they were set. */
  readonly #timers = new Set<Timer>();
  #native: NativeRegistry | undefined;
  #host: Host | undefined;
  #now: number;
  /** Those who move the time do it one after the other. */
  #moving: Promise<void> = Promise.resolve();

  constructor(now: number) {
    this.#now = now;
  }

  /** From here on this is the time of a registry. */
  attach(native: NativeRegistry, host: Host): void {
    this.#native = native;
    this.#host = host;
  }

  /** The registry is gone, and all timers with it. */
  detach(): void {
    this.#now = this.now();
    this.#native = undefined;
    this.#host = undefined;
    this.#timers.clear();
  }

  now(): number {
    return this.#native?.now() ?? this.#now;
  }

  setTimeout(callback: () => void, milliseconds: number): unknown {
    const timer: Timer = { at: this.now() + Math.max(Math.ceil(milliseconds) || 0, 1), callback };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  /** Moves the time, and lets everything happen that is due by then, each at its own time. */
  advance(milliseconds: number): Promise<void> {
    if (!(Number.isFinite(milliseconds) && milliseconds >= 0)) {
      return Promise.reject(
        new TypeError(`clock.advance takes milliseconds from 0 on, and got \`${String(milliseconds)}\``),
      );
    }
    const moved = this.#moving.then(() => this.#advance(Math.round(milliseconds), () => false));
    this.#moving = moved.catch(() => {});
    return moved;
  }

  /** Waits until nothing is going on any more, without moving the time. */
  settle(): Promise<void> {
    return this.advance(0);
  }

  /** Moves the time for as long as `isOver` says no: for what has deadlines of its own. */
  async advanceUntil(isOver: () => boolean): Promise<void> {
    await this.#moving;
    while (!isOver()) await this.#advance(100, isOver);
  }

  async #advance(milliseconds: number, isOver: () => boolean): Promise<void> {
    const target = this.now() + milliseconds;
    await this.#settle();
    while (this.now() < target && !isOver()) {
      const native = this.#running();
      await native.step(Math.min(target, this.#nextTimer()));
      await this.#settle();
    }
  }

  /** Runs what is due, until there is nothing to do in the core, in the host, or for user code. */
  async #settle(): Promise<void> {
    let quiet = 0;
    const begun = performance.now();
    while (quiet < QUIET_TURNS) {
      if (performance.now() - begun > PATIENCE) {
        throw new Error(`an actor is at work without a pause for ${PATIENCE} ms, so the clock cannot go on`);
      }
      const native = this.#running();
      const crossings = this.#host?.crossings;
      await native.step(native.now());
      const fired = this.#fire();
      this.#host?.wake();
      await new Promise((next) => immediately(next));
      quiet = fired || this.#host?.crossings !== crossings ? 0 : quiet + 1;
    }
  }

  /** Calls back the timers that are due, earliest first. @returns whether there were any */
  #fire(): boolean {
    const now = this.now();
    const due = [...this.#timers].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
    for (const timer of due) {
      // One of those before it may have cleared it.
      if (this.#timers.delete(timer)) timer.callback();
    }
    return due.length > 0;
  }

  #nextTimer(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of this.#timers) next = Math.min(next, at);
    return next;
  }

  #running(): NativeRegistry {
    if (this.#native === undefined) throw new Error("the registry has crashed: call restart() first");
    return this.#native;
  }
}
