/**
 * `@greenroom/native`: the Rust core inside this process.
 *
 * This is the only place that touches the addon. Bytes that cross are batches whose layout `crates/node` documents;
 * the package `greenroom` writes and reads them.
 */
import { type AddonLane, type AddonRegistry, addon, type StartedInfo } from "./addon.js";

export type { StartedInfo } from "./addon.js";

/** A server with its store and its actors; several may live in one process, each with a data directory of its own. */
export class NativeRegistry {
  readonly #registry: AddonRegistry;

  /**
   * Checks the configuration; opens nothing yet.
   *
   * @param config JSON text.
   * @param memory Where the data are instead of in a directory, for tests: time then stands still until `step`.
   * @throws Error if the configuration is malformed, or if the addon cannot be loaded (`code` then starts with
   *   `native_`).
   */
  constructor(config: string, memory?: NativeMemory) {
    this.#registry = new (addon().NativeRegistry)(
      config,
      memory === undefined ? undefined : NativeMemory.of(memory),
    );
  }

  /**
   * Opens the store, binds the port and begins to serve. Resolves to where that is; to null if the configuration has
   * null for a port, so that nothing is bound.
   *
   * @param wake Called on this thread when events wait for `exchange`; not called again before they are taken.
   * @throws Error (as a rejection) whose `code` says what is wrong: `store_locked`, `store_unusable`,
   *   `store_full`, `store_corrupt`, `store_version`, `address_in_use`, `address_unavailable` or `invalid_config`.
   */
  start(wake: () => void): Promise<StartedInfo | null> {
    return this.#registry.start(wake);
  }

  /**
   * Hands over a batch of turns and takes the batch of events that wait.
   *
   * @param outgoing Copied before this returns; null if there are no turns.
   * @returns A buffer of the caller's own; null if no events wait.
   */
  exchange(outgoing: Uint8Array | null): Uint8Array | null {
    return this.#registry.exchange(outgoing);
  }

  /**
   * Memory in which this thread says what it is at, so that the core can say whose code blocks it. To be asked for
   * once.
   *
   * @param labels The names of the numbers that are written there.
   * @throws Error the second time.
   */
  desk(labels: string[]): Uint32Array {
    return this.#registry.desk(labels);
  }

  /**
   * Stops serving, puts the actors to sleep and closes the store. Events must be answered until it resolves; after
   * that nothing keeps the process alive. A second call waits for the first.
   */
  shutdown(): Promise<void> {
    return this.#registry.shutdown();
  }

  /** Ends everything at once, as a crash of the process would. */
  kill(): Promise<void> {
    return this.#registry.kill();
  }

  /** Ends an actor's instance as a crash would, if it has one. @throws Error if `actor` is no id */
  crash(actor: string): void {
    this.#registry.crash(actor);
  }

  /** The time of a registry in memory, in milliseconds since the Unix epoch; otherwise 0. */
  now(): number {
    return this.#registry.now();
  }

  /**
   * Lets a registry in memory do what it has to do, and lets time pass up to `target` for as long as no events wait.
   *
   * @returns the time that it has become.
   * @throws Error if the registry is not in memory.
   */
  step(target: number): Promise<number> {
    return this.#registry.step(target);
  }

  /** What a {@link NativeLane} on another thread of this process names this registry by. */
  get token(): number {
    return this.#registry.token();
  }

  /**
   * The thread of a lane is gone: its actors end as in a crash, and wake on the next thread that joins in its place.
   * Nothing happens if none has joined.
   */
  lose(lane: number): void {
    this.#registry.lose(lane);
  }

  /**
   * No thread could be started for a lane, so far: whoever waits for an actor there is told so, as in a crash. Nothing
   * happens if one has joined.
   */
  vacant(lane: number): void {
    this.#registry.vacant(lane);
  }

  /**
   * Counters as JSON text, for tests and tools: `commits`, `journalBytes`, `snapshots` and `snapshotBytes` since
   * `start`, and the `actors` that are awake.
   */
  stats(): string {
    return this.#registry.stats();
  }
}

/** The share of actors that this thread runs, of a registry that another thread of this process has started. */
export class NativeLane {
  readonly #lane: AddonLane;

  /**
   * @param token That of the registry.
   * @param lane From 1 up to the number of its `workers`, without that: 0 is the thread that has started it.
   * @throws Error if there is no such registry or lane, or if the addon cannot be loaded.
   */
  constructor(token: number, lane: number) {
    this.#lane = new (addon().NativeLane)(token, lane);
  }

  /**
   * Begins to run actors. Once only, and not before the registry has started.
   *
   * @param wake As for {@link NativeRegistry.start}. Keeps this thread going until the registry has shut down.
   * @throws Error if the registry does not run.
   */
  join(wake: () => void): void {
    this.#lane.join(wake);
  }

  /** Whether the registry has been told to shut down. */
  isEnding(): boolean {
    return this.#lane.isEnding();
  }

  /** As {@link NativeRegistry.exchange}, for this thread. */
  exchange(outgoing: Uint8Array | null): Uint8Array | null {
    return this.#lane.exchange(outgoing);
  }

  /** As {@link NativeRegistry.desk}, for this thread. */
  desk(labels: string[]): Uint32Array {
    return this.#lane.desk(labels);
  }
}

/** The data and the clock of a registry that a test runs. Outlives the registry, so that another can start on it. */
export class NativeMemory {
  readonly #memory: object;

  /** @param now The time that it begins with, in milliseconds since the Unix epoch. */
  constructor(now: number) {
    this.#memory = new (addon().NativeMemory)(now);
  }

  /** The addon's side of it. */
  static of(memory: NativeMemory): object {
    return memory.#memory;
  }
}

/**
 * Applies operations to a state image, as the core does when it loads an actor.
 *
 * @param image The state before, null if there is none.
 * @param operations The operations of one turn after the other.
 * @returns The state after.
 * @throws Error if the image or an operation is malformed.
 */
export function foldState(image: Uint8Array | null, operations: Uint8Array[]): Uint8Array {
  return addon().foldState(image, operations);
}

/** The version of the native core. */
export function version(): string {
  return addon().version();
}
