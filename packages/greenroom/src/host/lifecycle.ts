/** The beginning and the end of an instance: which hooks run, in which order, and what is waited for. */
import { decodeValue } from "@greenroom/client/codec";
import type { Hook } from "../definition/actor.js";
import type { InputSchema } from "../definition/input-schemas.js";
import { type HookName, hookLabel } from "../definition/labels.js";
import { FIRST_VERSION, oldestVersion, stepsFrom } from "../definition/migration.js";
import type { MessageRecord } from "../queue/message.js";
import type { AlarmRecord } from "../schedule/alarm.js";
import { StateTracker } from "../state/index.js";
import { isThenable, withDeadline } from "./async.js";
import { RuntimeConn } from "./conn.js";
import type { RestoredConn } from "./connections.js";
import { HookContext } from "./context.js";
import { asError, HostError, stateVersionUnsupported } from "./failure.js";
import type { Instance } from "./instance.js";
import { StopReason } from "./records.js";
import { RunLoop } from "./run-loop.js";
import { validated } from "./validation.js";
import { Wakefulness } from "./wakefulness.js";

/** How an instance begins. The byte fields are views into the batch. */
export interface StartRecord {
  readonly actorId: string;
  readonly name: string;
  readonly key: string[];
  /** Creation input in compat form. */
  readonly input: Uint8Array | undefined;
  /** The state image. */
  readonly state: Uint8Array | undefined;
  /** Whether this is the actor's first life. */
  readonly created: boolean;
  /** Whether it is awake for its end only: `onDestroy` is the only hook that runs, and `run` does not begin. */
  readonly ending: boolean;
  readonly conns: readonly RestoredConn[];
  /** The alarms that are set. */
  readonly alarms: readonly AlarmRecord[];
  /** The bytes of all key-value pairs. */
  readonly kvSize: number;
  /** The version of the stored state; 0 if none was ever stored. */
  readonly stateVersion: number;
  /** The messages in its queues, in order. */
  readonly messages: readonly MessageRecord[];
  /** The highest number that a message ever had. */
  readonly lastMessage: number;
}

/** Where an instance is in its life. */
export type Phase = "starting" | "running" | "stopping" | "over";

/** See the top of the file. */
export class Lifecycle {
  readonly #instance: Instance;
  readonly #context: HookContext;
  #phase: Phase = "starting";
  #started: Promise<void> = Promise.resolve();
  #stop: AbortController | undefined;
  readonly wakefulness: Wakefulness;
  /** There for actors with a `run`. */
  #run: RunLoop | undefined;
  /** How many promises there are that nobody but the end waits for. */
  #background = 0;
  #whenIdle: (() => void) | undefined;
  #whenDropped: (() => void) | undefined;
  #hasRefused = false;

  constructor(instance: Instance) {
    this.#instance = instance;
    this.#context = new HookContext(instance);
    this.wakefulness = new Wakefulness(instance);
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Whether the end has begun. */
  get isStopping(): boolean {
    return this.#phase === "stopping" || this.#phase === "over";
  }

  /** Fires when the end begins. */
  get signal(): AbortSignal {
    if (this.#stop === undefined) {
      this.#stop = new AbortController();
      if (this.isStopping) this.#stop.abort();
    }
    return this.#stop.signal;
  }

  /** Gets the actor ready and says so. Without asynchronous hooks it is done when this returns. */
  start(record: StartRecord): void {
    // Runs up to the first `await`, so the views in `record` are read in time: `#prepare` copies what it needs.
    this.#started = this.#start(record);
  }

  /** Runs the last hook, waits for what is in progress, and hands over what is left. */
  async stop(reason: StopReason): Promise<void> {
    await this.#started;
    if (this.#phase !== "running") return;
    this.#phase = "stopping";
    const instance = this.#instance;
    instance.stopQueues();
    this.#stop?.abort();
    instance.exchanges.stopping();
    const { onSleep, onDestroy, options } = instance.definition;
    const isSleep = reason === StopReason.sleep;
    const name = isSleep ? "onSleep" : "onDestroy";
    let isHookOver = false;
    const finished = this.#callLast(name, isSleep ? onSleep : onDestroy).then(() => {
      isHookOver = true;
      if (isSleep) {
        instance.sockets.endBeforeSleep();
      } else {
        instance.sockets.endAll();
        instance.connections.endAll();
      }
      return this.#idle();
    });
    // One budget for everything; what is not over by then is left behind.
    const over = Promise.race([finished, this.#untilDropped()]);
    await withDeadline(instance.host.clock, over, options.sleepGracePeriod, "stopping").catch(
      (error: unknown) => {
        const unfinished = isHookOver ? this.#inProgress() : [name, ...this.#inProgress()];
        instance.log.error(
          { hook: name, unfinished: unfinished.join(", "), error: asError(error) },
          "the actor stops before it has finished",
        );
      },
    );
    if (instance.isDropped) return;
    if (isSleep) for (const conn of instance.connections.open.values()) this.#keep(conn);
    instance.endQueues();
    instance.outputs().stopped();
    this.#phase = "over";
    instance.dropTimers();
  }

  /** Ends at once: nobody is interested any more. */
  drop(): void {
    this.#phase = "over";
    this.#stop?.abort();
    this.#whenDropped?.();
  }

  /** Keeps the actor awake for `work`, and lets the end wait for it. Its errors are logged. */
  track(work: void | Promise<void>): void {
    if (work !== undefined) this.#hold(work, "background");
  }

  /** As {@link track}, for user code. @throws TypeError if it is no promise. */
  keepAwake<T>(promise: PromiseLike<T>): Promise<T> {
    checkPromise("keepAwake", promise);
    this.#hold(promise, "keepAwake");
    const value = Promise.resolve(promise);
    // Its error is logged already, and perhaps nobody waits for it.
    value.catch(() => {});
    return value;
  }

  /** Lets the end wait for `promise`, no more. Its errors are logged. @throws TypeError if it is no promise. */
  waitUntil(promise: PromiseLike<unknown>): void {
    checkPromise("waitUntil", promise);
    this.waitFor(promise, "waitUntil");
  }

  /** Lets the end wait for `work`, no more. Its errors are logged as those of `what`. */
  waitFor(work: PromiseLike<unknown>, what = "background", after?: () => void): void {
    this.#instance.defer();
    this.#background++;
    const over = (): void => {
      this.#background--;
      after?.();
      this.checkIdle();
    };
    Promise.resolve(work).then(over, (error: unknown) => {
      this.#instance.logHookError(what, error);
      over();
    });
  }

  /** Whether `run` is at work. */
  get isRunBusy(): boolean {
    return this.#run?.isBusy === true;
  }

  /**
   * `run` only waits for something that wakes the actor by itself. Until as many calls of {@link resumeRun} follow,
   * it neither keeps the actor awake nor is a reason to wake it should it be lost.
   */
  pauseRun(): void {
    this.#run?.pause();
  }

  /** What `run` waited for is there, or is not waited for any more. */
  resumeRun(): void {
    this.#run?.resume();
  }

  /** Something has come to its end; perhaps it was the last. */
  checkIdle(): void {
    if (this.#whenIdle === undefined || this.#inProgress().length > 0) return;
    this.#whenIdle();
    this.#whenIdle = undefined;
  }

  /** What the end has to wait for. */
  #inProgress(): string[] {
    const unfinished: string[] = [];
    const { exchanges } = this.#instance;
    const calls = this.#instance.calls.size;
    if (this.#run?.isActive) unfinished.push("run");
    if (calls > 0) unfinished.push(calls === 1 ? "1 call" : `${calls} calls`);
    if (exchanges.size > 0)
      unfinished.push(exchanges.size === 1 ? "1 request" : `${exchanges.size} requests`);
    if (this.#background > 0)
      unfinished.push(this.#background === 1 ? "1 promise" : `${this.#background} promises`);
    return unfinished;
  }

  #hold(work: PromiseLike<unknown>, what: string): void {
    this.wakefulness.hold();
    this.waitFor(work, what, () => this.wakefulness.release());
  }

  async #start(record: StartRecord): Promise<void> {
    const instance = this.#instance;
    try {
      const prepared = this.#prepare(record);
      if (prepared !== undefined) await prepared;
      if (this.#phase !== "starting") return;
      instance.outputs().started();
      this.#phase = "running";
      if (record.ending) return;
      if (record.conns.length > 0) instance.sockets.resume();
      if (instance.definition.run === undefined) return;
      // What `run` does is no part of the start.
      instance.flush();
      this.#run = new RunLoop(instance);
      this.#run.start();
    } catch (error) {
      if (this.#phase !== "starting") return;
      const failure = instance.failure(error, { hook: "start" });
      instance.turn.abandon();
      if (this.#hasRefused) instance.outputs().startRefused(failure);
      else instance.outputs().startFailed(failure);
      this.#phase = "over";
    }
  }

  /** The steps of a start, one after the other; a promise only if one of them needs it. */
  #prepare(record: StartRecord): void | Promise<void> {
    const instance = this.#instance;
    const { definition } = instance;
    const { created, conns } = record;
    // Only a first life, or an actor that has got its state since, is interested in the input.
    const needsInput = created || (definition.state !== undefined && record.state === undefined);
    let input = needsInput && record.input !== undefined ? decodeValue(record.input, "compat") : undefined;
    const steps: (() => unknown)[] = [];
    const { inputSchema, onMigrate, options } = definition;
    if (needsInput && inputSchema !== undefined) {
      const take = (checked: unknown): void => {
        input = checked;
      };
      steps.push(() => this.#check(inputSchema, input, take));
    }
    const { version } = definition.migrations;
    const stored = record.stateVersion === 0 ? FIRST_VERSION : record.stateVersion;
    // Whatever this start hands over first is a state of this version.
    if (stored !== version) instance.turn.stateVersion = version;
    if (onMigrate !== undefined) {
      steps.push(() => {
        const migrated = this.#call("onMigrate", onMigrate, created);
        if (isThenable(migrated))
          return withDeadline(instance.host.clock, migrated, options.onMigrateTimeout, "onMigrate");
      });
    }
    if (definition.state !== undefined && record.state !== undefined) {
      if (stored === version) this.#own(StateTracker.load(record.state));
      else steps.push(this.#migration(record.state, stored));
    } else if (definition.state !== undefined) {
      const source = definition.state;
      const own = (made: unknown): void => this.#own(StateTracker.create(made));
      steps.push(() => {
        const made = "constant" in source ? source.constant : this.#call("createState", source.create, input);
        return isThenable(made) ? made.then(own) : own(made);
      });
    }
    const restored = conns.map((conn) => instance.connections.restore(conn)).filter(isThenable);
    if (restored.length > 0) steps.push(() => Promise.all(restored));
    instance.alarms.restore(record.alarms);
    if (record.lastMessage > 0) instance.inbox.restore(record.messages, record.lastMessage);
    const { onCreate, onWake } = definition;
    if (created && onCreate !== undefined) steps.push(() => this.#call("onCreate", onCreate, input));
    if (definition.vars !== undefined) steps.push(() => this.#makeVars());
    if (onWake !== undefined && !record.ending) steps.push(() => this.#call("onWake", onWake));
    return inOrder(steps, () => this.#phase === "starting");
  }

  /** Checks the input. What it refuses is no reason to keep an actor that never lived. */
  #check(schema: InputSchema, input: unknown, take: (checked: unknown) => void): void | PromiseLike<void> {
    const refuse = (error: unknown): never => {
      this.#hasRefused = error instanceof HostError;
      throw error;
    };
    try {
      const checked = validated(schema, input, "the input");
      return isThenable(checked) ? checked.then(take, refuse) : take(checked);
    } catch (error) {
      refuse(error);
    }
  }

  /**
   * What makes a state of this version from one of another.
   *
   * @throws ActorError `actor.state_version_unsupported` if there is no way.
   */
  #migration(image: Uint8Array, stored: number): () => Promise<void> {
    const instance = this.#instance;
    const { migrations } = instance.definition;
    const path = stepsFrom(migrations, stored);
    if (path === undefined) {
      const unsupported = stateVersionUnsupported(stored, migrations.version, oldestVersion(migrations));
      instance.log.error({ error: unsupported }, "the actor cannot start with this version of the code");
      throw unsupported;
    }
    let state = decodeValue(image, "state");
    return async () => {
      instance.defer();
      for (const [to, step] of path) {
        state = await this.#call("migrateState", step, state);
        if (state === undefined) throw new Error(`the step ${to} of 'migrateState' gave no state`);
        if (this.#phase !== "starting") return;
      }
      this.#own(StateTracker.create(state));
      // An actor that stores nothing by itself has to store this: what is there fits its version no more.
      instance.turn.storeWhole();
      instance.log.info({ from: stored, to: migrations.version }, "the state was migrated");
    };
  }

  #own(state: StateTracker): void {
    const instance = this.#instance;
    state.onChange = () => instance.host.touch(instance);
    instance.turn.state = state;
    // A state that was made has changes to hand over before anybody listens.
    if (state.dirty) instance.host.touch(instance);
  }

  #makeVars(): void | Promise<void> {
    const instance = this.#instance;
    const source = instance.definition.vars;
    if (source === undefined) return;
    if ("constant" in source) {
      instance.ownVars(structuredClone(source.constant));
      return;
    }
    const made = this.#call("createVars", source.create);
    if (!isThenable(made)) {
      instance.ownVars(made);
      return;
    }
    const { createVarsTimeout } = instance.definition.options;
    return withDeadline(instance.host.clock, made, createVarsTimeout, "createVars").then((vars) =>
      instance.ownVars(vars),
    );
  }

  async #callLast(name: HookName, hook: Hook | undefined): Promise<void> {
    if (hook === undefined) return;
    try {
      await this.#call(name, hook);
    } catch (error) {
      this.#instance.logHookError(name, error);
    }
  }

  #call(name: HookName, hook: Hook, input?: unknown): unknown {
    const result = this.#instance.run(hookLabel(name), () => hook(this.#context, input));
    if (isThenable(result)) this.#instance.defer();
    return result;
  }

  /** Resolves if the instance is dropped while it stops: then nobody waits for anything. */
  #untilDropped(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenDropped = resolve;
    });
  }

  /** Resolves once nothing is in progress. */
  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
      this.checkIdle();
    });
  }

  #keep(conn: RuntimeConn): void {
    if (RuntimeConn.trackerOf(conn) !== undefined) this.#instance.connChanged(conn);
  }
}

function checkPromise(name: string, promise: unknown): void {
  if (!isThenable(promise)) throw new TypeError(`c.${name}(promise) takes a promise`);
}

/** Runs steps one after the other, without promises for as long as none of them gives one. */
function inOrder(steps: readonly (() => unknown)[], mayGoOn: () => boolean): void | Promise<void> {
  for (const [index, step] of steps.entries()) {
    const result = step();
    if (isThenable(result)) return runRest(result, steps.slice(index + 1), mayGoOn);
  }
}

async function runRest(
  first: PromiseLike<unknown>,
  rest: readonly (() => unknown)[],
  mayGoOn: () => boolean,
): Promise<void> {
  await first;
  for (const step of rest) {
    if (!mayGoOn()) return;
    await step();
  }
}
