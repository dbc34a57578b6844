/** What becomes of an alarm that is due. */
import type { CronRun, FireInfo } from "../context/schedule.js";
import type { ActionEntry } from "../definition/action.js";
import { type Alarm, decodeArgs, type Job, type OneShot } from "../schedule/alarm.js";
import { failed, type PastRun, skipped, succeeded } from "../schedule/history.js";
import { waitAfter } from "../schedule/retry.js";
import { nextTime, timesBetween } from "../schedule/timing.js";
import { actionNotFound, asError, messageOf } from "./failure.js";
import type { Instance } from "./instance.js";

/** One call of an action because an alarm was due. */
export abstract class Firing {
  readonly id: string;
  protected readonly instance: Instance;
  /** When it began. */
  protected readonly firedAt: number;
  readonly #call: number;

  constructor(instance: Instance, call: number, id: string, now: number) {
    this.instance = instance;
    this.#call = call;
    this.id = id;
    this.firedAt = now;
  }

  /** Runs the action, if there is one to run. */
  abstract begin(): void;

  /** The action has succeeded. Moves or removes the alarm, and answers. */
  abstract completed(): void;

  /** The action has failed, or taken too long. Moves or removes the alarm, and answers. */
  abstract failed(error: unknown): void;

  /** The action has come to its end, perhaps long after it was given up. */
  readonly over = (): void => this.instance.alarms.ended(this);

  protected call(entry: ActionEntry, args: Uint8Array, info: FireInfo): void {
    this.instance.alarms.began(this);
    this.instance.calls.fire(this.#call, entry, [...decodeArgs(args), info], this);
  }

  /** Nobody looks at the value; the turn that it is in is what matters. */
  protected answer(): void {
    this.instance.outputs().reply(this.#call, null);
  }

  protected finishedAt(): number {
    return Math.max(this.instance.host.clock.now(), this.firedAt);
  }
}

/** A call that `c.schedule` has been asked for. */
export class OneShotFiring extends Firing {
  readonly #alarm: Alarm<OneShot>;

  constructor(instance: Instance, call: number, alarm: Alarm<OneShot>, now: number) {
    super(instance, call, alarm.id, now);
    this.#alarm = alarm;
  }

  begin(): void {
    const { action, args, scheduledAt } = this.#alarm.body;
    const entry = this.instance.definition.actions.get(action);
    if (entry === undefined) this.failed(actionNotFound(action));
    else this.call(entry, args, { kind: "at", id: this.id, scheduledAt, firedAt: this.firedAt });
  }

  completed(): void {
    this.instance.alarms.remove(this.id);
    this.answer();
  }

  failed(error: unknown): void {
    const { alarms } = this.instance;
    // Otherwise it was cancelled in the meantime.
    if (alarms.get(this.id) !== undefined) this.#tryAgain(error);
    this.answer();
  }

  #tryAgain(error: unknown): void {
    const { alarms, log } = this.instance;
    const { action } = this.#alarm.body;
    const attempt = this.#alarm.attempt + 1;
    const wait = waitAfter(attempt);
    const fields = { action, schedule: this.id, attempt, error: asError(error) };
    if (wait === undefined) {
      log.error(fields, "a scheduled call has failed too often and was given up");
      alarms.remove(this.id);
    } else {
      log.warn({ ...fields, wait }, "a scheduled call has failed and will be tried again");
      alarms.set({ ...this.#alarm, attempt, due: this.finishedAt() + wait });
    }
  }
}

/** A run of a job. */
export class JobFiring extends Firing {
  readonly #alarm: Alarm<Job>;
  #isAnswered = false;

  constructor(instance: Instance, call: number, alarm: Alarm<Job>, now: number) {
    super(instance, call, alarm.id, now);
    this.#alarm = alarm;
  }

  /** The run as the history shows it while it is in progress. */
  get run(): CronRun | undefined {
    if (this.#isAnswered) return undefined;
    return { result: "running", scheduledAt: this.#alarm.due, firedAt: this.firedAt };
  }

  begin(): void {
    const { instance } = this;
    const { action, args, name, timing } = this.#alarm.body;
    const entry = instance.definition.actions.get(action);
    if (entry === undefined) {
      instance.log.warn({ job: name, action }, "a job was removed because its action no longer exists");
      instance.alarms.remove(this.id);
      this.answer();
    } else if (instance.alarms.isRunning(this.id)) {
      // The run before took too long, was given up, and goes on all the same.
      this.#move([skipped(this.#alarm.due)], this.firedAt);
    } else {
      const { firedAt, id } = this;
      this.call(entry, args, { kind: timing.kind, id, name, scheduledAt: this.#alarm.due, firedAt });
    }
  }

  completed(): void {
    const finishedAt = this.finishedAt();
    this.#finish(succeeded(this.#alarm.due, this.firedAt, finishedAt), finishedAt);
  }

  failed(error: unknown): void {
    const finishedAt = this.finishedAt();
    const { name, action } = this.#alarm.body;
    this.instance.log.warn({ job: name, action, error: asError(error) }, "a run of a job has failed");
    this.#finish(failed(this.#alarm.due, this.firedAt, finishedAt, messageOf(error)), finishedAt);
  }

  #finish(run: PastRun, finishedAt: number): void {
    const { timing, maxHistory } = this.#alarm.body;
    const missed = timesBetween(timing, this.firedAt, finishedAt, maxHistory);
    this.#move([run, ...missed.map(skipped)], finishedAt);
  }

  #move(runs: readonly PastRun[], now: number): void {
    this.#isAnswered = true;
    const { alarms } = this.instance;
    const current = alarms.get(this.id);
    // It may have been deleted in the meantime, or replaced by one that is due at another time.
    if (current?.body.kind === "job") {
      const { body } = current;
      const due = current.due === this.#alarm.due ? nextTime(body.timing, now) : current.due;
      if (due === undefined) alarms.remove(this.id);
      else alarms.record({ ...current, body }, runs, due);
    }
    this.answer();
  }
}
