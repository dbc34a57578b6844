/** What user code gets as `c.schedule` and `c.cron`. Times are in milliseconds, since the Unix epoch where absolute. */

/** The name of an action: one of `Names`, or something nested in it, with dots. */
export type Target<Names extends string> = Names | `${Names}.${string}`;

/** The action with this name, in a tree of actions. */
type ActionAt<Actions, Name extends string> = Name extends keyof Actions
  ? Actions[Name]
  : Name extends `${infer Head}.${infer Rest}`
    ? Head extends keyof Actions
      ? ActionAt<Actions[Head], Rest>
      : never
    : never;

/**
 * What a scheduled call may pass: what the action takes, with or without the {@link FireInfo} at the end, which comes
 * by itself. Anything, where the actions are not known.
 *
 * They are known to helper functions, whose context is made from the finished definition (`ActionContextOf`). Inside of
 * the definition they are not: TypeScript has to know the type of `c` before it reads the functions that say what
 * actions take, and it settles it once for all of them. Action names it knows by then, because they are keys.
 *
 * `void` and not `unknown`, because then nothing asks for what the action returns, which may depend on its helpers.
 */
export type ScheduledArgs<Actions, Name extends string> = unknown extends Actions
  ? unknown[]
  : ActionAt<Actions, Name> extends (c: never, ...args: infer Args) => void
    ? Args | WithoutFireInfo<Args>
    : unknown[];

/** The arguments of a job, see {@link ScheduledArgs}. */
interface JobArgs<Actions, Name extends string> {
  readonly args?: Readonly<ScheduledArgs<Actions, Name>>;
}

type WithoutFireInfo<Args extends readonly unknown[]> =
  Required<Args> extends [...infer _Passed, infer Last]
    ? FireInfo extends Last
      ? Args extends [...infer Passed, Last?]
        ? Passed
        : Args extends [...infer Passed, Last]
          ? Passed
          : never
      : never
    : never;

/** A call that waits for its time. */
export interface ScheduledCall {
  /** What `after` or `at` gave. */
  readonly id: string;
  /** The action that will be called. */
  readonly action: string;
  /** What it will be called with, apart from the {@link FireInfo}. */
  readonly args: unknown[];
  /** When; after a failure, when it will be tried again. */
  readonly runAt: number;
}

/** The last argument of an action that is called by `c.schedule` (kind `at`) or `c.cron`. */
export interface FireInfo {
  /** What has called it: `c.schedule`, `c.cron.set` or `c.cron.every`. */
  readonly kind: "at" | "cron" | "every";
  /** The same for every attempt of a scheduled call, and for every firing of a job. */
  readonly id: string;
  /** The name of the job, if it is one. */
  readonly name?: string;
  /** When it was to be called. */
  readonly scheduledAt: number;
  /** When it is called: later than that if the actor or the process was not there, or if it is tried again. */
  readonly firedAt: number;
}

/**
 * Calls of this actor's own actions at a later time. They survive sleep, crashes and restarts, and wake the actor.
 *
 * A call is made at least once. Its removal is part of the turn that it ends with, so a call whose effect is stored is
 * not made again, and one that was cut off by a crash is. If the action throws or takes too long, it is tried again,
 * after 1 s at first and twice as long after every failure, up to 5 minutes; after 20 attempts (about an hour) it is
 * given up and logged as an error.
 *
 * All of this belongs to the turn in which it is asked for, as changes of the state do. Nobody has to wait for the
 * promises: what is wrong with the arguments is thrown at once.
 */
export interface Schedule<Names extends string = string, Actions = unknown> {
  /**
   * Calls `action` with `args` and a {@link FireInfo} in `delay` milliseconds.
   *
   * @returns the call's id.
   * @throws ActorError `actor.action_not_found`, `schedule.invalid_time`, `schedule.max_schedules_exceeded`.
   * @throws TypeError naming the path of what cannot be stored in `args`.
   */
  after<Name extends Target<Names>>(
    delay: number,
    action: Name,
    ...args: ScheduledArgs<Actions, Name>
  ): Promise<string>;
  /** As {@link after}, at a time; a time that has passed means as soon as possible. */
  at<Name extends Target<Names>>(
    time: number,
    action: Name,
    ...args: ScheduledArgs<Actions, Name>
  ): Promise<string>;
  /** Whether there was such a call to remove. One that is being made is not stopped, but not tried again either. */
  cancel(id: string): Promise<boolean>;
  /** The call with this id, if it still waits or is being made. */
  get(id: string): Promise<ScheduledCall | undefined>;
  /** All calls that wait or are being made, in the order of their times. */
  list(): Promise<ScheduledCall[]>;
}

/** What all jobs have. */
export interface JobOptions<Names extends string = string> {
  /** Unique within the actor; a job of this name is replaced. 1 to 128 characters. */
  readonly name: string;
  /** The action to call. */
  readonly action: Target<Names>;
  /** What to call it with, before the {@link FireInfo}. */
  readonly args?: readonly unknown[];
  /** How many runs `history` remembers, 0 to 1,000. Default 100; all jobs of an actor together 10,000. */
  readonly maxHistory?: number;
}

/** A job that follows the calendar. */
export interface CronOptions<Names extends string = string> extends JobOptions<Names> {
  /**
   * Five fields: minute, hour, day of the month, month, day of the week (0 or 7 is Sunday). Each is `*`, a number, a
   * name (`mon`, `jan`), a range `a-b`, any of these with a step `/n`, or a list of such. If both days are restricted,
   * either will do.
   */
  readonly expression: string;
  /** An IANA time zone such as `Europe/Berlin`. Default `UTC`. */
  readonly timezone?: string;
}

/** A job that comes again after a fixed time. */
export interface EveryOptions<Names extends string = string> extends JobOptions<Names> {
  /** At least 5,000. Counted from when the job was set, however long its runs take. */
  readonly interval: number;
}

/** A job as it is set. */
export interface CronJob {
  readonly kind: "cron" | "every";
  readonly name: string;
  readonly action: string;
  readonly args: unknown[];
  readonly maxHistory: number;
  /** Of a job of kind `cron`. */
  readonly expression?: string;
  /** Of a job of kind `cron`. */
  readonly timezone?: string;
  /** Of a job of kind `every`. */
  readonly interval?: number;
  /** When it runs next. In the past while a run is due or in progress. */
  readonly nextRunAt: number;
}

/** One run of a job. */
export interface CronRun {
  /** `skipped`: it was time, but the run before had not come to its end. */
  readonly result: "running" | "ok" | "error" | "skipped";
  /** When it was to run. */
  readonly scheduledAt: number;
  /** When it began. Absent if it was skipped. */
  readonly firedAt?: number;
  /** When it ended. */
  readonly finishedAt?: number;
  /** Why it failed. */
  readonly error?: string;
}

/**
 * Calls of this actor's own actions that come again and again. They survive sleep, crashes and restarts, and wake the
 * actor.
 *
 * A job never overlaps with itself, and what was missed is made up for by one run. The run's effect and the move to
 * the next time are one commit, so a run that a crash cuts off is made again. One that fails is recorded and not tried
 * again before the next time. Local times that do not exist on the day on which summer time begins are left out;
 * those that come twice when it ends count once. A job whose action no longer exists is removed when it is due.
 *
 * As with {@link Schedule}, changes belong to the turn, and what is wrong is thrown at once.
 */
export interface Cron<Names extends string = string, Actions = unknown> {
  /**
   * Adds or replaces a job that follows the calendar. One whose expression and time zone stay the same keeps its next
   * time, so it does no harm to set a job at every wake.
   *
   * @throws ActorError `actor.action_not_found`, `schedule.invalid_name`, `schedule.invalid_cron_expression`,
   * `schedule.invalid_timezone`, `schedule.invalid_max_history`, `schedule.max_schedules_exceeded`.
   * @throws TypeError naming the path of what cannot be stored in `args`.
   */
  set<Name extends Target<Names>>(job: CronOptions<Name> & JobArgs<Actions, Name>): Promise<void>;
  /**
   * Adds or replaces a job that comes again after a fixed time. One whose interval stays the same keeps its next time.
   *
   * @throws as {@link set} does, and ActorError `schedule.invalid_interval`.
   */
  every<Name extends Target<Names>>(job: EveryOptions<Name> & JobArgs<Actions, Name>): Promise<void>;
  /** The job of this name. */
  get(name: string): Promise<CronJob | undefined>;
  /** All jobs, by name. */
  list(): Promise<CronJob[]>;
  /** Removes a job and its history. Whether there was one. A run in progress is not stopped. */
  delete(name: string): Promise<boolean>;
  /** The last runs of a job, the latest first: at most `limit`, 20 by default. */
  history(name: string, options?: { readonly limit?: number }): Promise<CronRun[]>;
}
