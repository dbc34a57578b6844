/**
 * The alarms of one instance: calls and jobs that wait for their time.
 *
 * The table and the core's own are changed together: every change is an output of the open turn. When the core says
 * that an alarm is due, a {@link Firing} runs its action, and ends in a turn that also moves or removes the alarm.
 */
import type { CronRun } from "../context/schedule.js";
import { type Alarm, type AlarmRecord, decodeAlarm, encodeBody, type Job } from "../schedule/alarm.js";
import { append, type PastRun } from "../schedule/history.js";
import { maxSchedulesExceeded } from "./failure.js";
import { type Firing, JobFiring, OneShotFiring } from "./firing.js";
import type { Instance } from "./instance.js";

/** So many runs are remembered of all jobs of an actor together. */
const MAX_RUNS = 10_000;
/** When to look again at an alarm that cannot be read, in milliseconds. */
const UNREADABLE_WAIT = 300_000;

/** See the top of the file. */
export class Alarms {
  readonly #instance: Instance;
  /** There once one was set. */
  #alarms: Map<string, Alarm> | undefined;
  /** Those whose action runs, by alarm. There once one was due. */
  #running: Map<string, Firing> | undefined;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** Takes over what was set in the lives before. */
  restore(records: readonly AlarmRecord[]): void {
    for (const record of records) this.#put(decodeAlarm(record));
  }

  get(id: string): Alarm | undefined {
    return this.#alarms?.get(id);
  }

  /** All of them, in the order of their times. */
  list(): Alarm[] {
    return [...(this.#alarms?.values() ?? [])].sort((a, b) => a.due - b.due || (a.id < b.id ? -1 : 1));
  }

  /** Adds or replaces an alarm. */
  set(alarm: Alarm): void {
    this.#put(alarm);
    this.#instance.outputs().setAlarm(alarm.id, alarm.due, alarm.attempt, encodeBody(alarm.body));
  }

  /** @throws ActorError `schedule.max_schedules_exceeded` if it would be one too many. */
  add(alarm: Alarm): void {
    const { maxSchedules } = this.#instance.definition.options;
    const isNew = this.get(alarm.id) === undefined;
    if (isNew && (this.#alarms?.size ?? 0) >= maxSchedules) {
      throw maxSchedulesExceeded(maxSchedules);
    }
    this.set(alarm);
  }

  /** Whether there was one to remove. */
  remove(id: string): boolean {
    if (this.#alarms?.delete(id) !== true) return false;
    this.#instance.outputs().removeAlarm(id);
    return true;
  }

  /** Replaces a job by one that has these runs behind it, and may be due at another time. */
  record(alarm: Alarm<Job>, runs: readonly PastRun[], due: number): void {
    const job = alarm.body;
    this.set({ ...alarm, due, body: { ...job, runs: append(job.runs, runs, job.maxHistory) } });
    this.#limitRuns();
  }

  /** The run of this job that is in progress. */
  runOf(id: string): CronRun | undefined {
    const firing = this.#running?.get(id);
    return firing instanceof JobFiring ? firing.run : undefined;
  }

  /** The core says that an alarm is due. Every way through this answers `call`. */
  fire(call: number, id: string, now: number): void {
    const instance = this.#instance;
    const alarm = this.get(id);
    // Removed or moved by a turn that the core has not seen yet. And nothing begins in an actor that is about to end:
    // what is left alone is told again in the next life.
    if (alarm === undefined || alarm.due > now || instance.life.isStopping) {
      instance.outputs().reply(call, null);
      return;
    }
    const { body } = alarm;
    if (body.kind === "unreadable") {
      instance.log.error({ alarm: id, reason: body.reason }, "a stored schedule cannot be read; it is kept");
      this.set({ ...alarm, due: now + UNREADABLE_WAIT });
      instance.outputs().reply(call, null);
    } else if (body.kind === "at") {
      new OneShotFiring(instance, call, { ...alarm, body }, now).begin();
    } else {
      new JobFiring(instance, call, { ...alarm, body }, now).begin();
    }
  }

  isRunning(id: string): boolean {
    return this.#running?.has(id) === true;
  }

  began(firing: Firing): void {
    this.#running ??= new Map();
    this.#running.set(firing.id, firing);
  }

  ended(firing: Firing): void {
    if (this.#running?.get(firing.id) === firing) this.#running.delete(firing.id);
  }

  #put(alarm: Alarm): void {
    this.#alarms ??= new Map();
    this.#alarms.set(alarm.id, alarm);
  }

  /** Takes the oldest runs from the job that has most, until all jobs together have no more than they may. */
  #limitRuns(): void {
    let total = 0;
    let most: Alarm<Job> | undefined;
    for (const { body, ...alarm } of this.#alarms?.values() ?? []) {
      if (body.kind !== "job") continue;
      total += body.runs.length;
      if (body.runs.length > (most?.body.runs.length ?? 0)) most = { ...alarm, body };
    }
    const excess = total - MAX_RUNS;
    if (excess <= 0 || most === undefined) return;
    this.set({ ...most, body: { ...most.body, runs: most.body.runs.slice(excess) } });
  }
}
