/** What user code gets as `c.cron`, at run time. */
import type { CronJob, CronOptions, CronRun, EveryOptions, JobOptions } from "../context/schedule.js";
import { type Alarm, decodeArgs, encodeArgs, type Job, jobId } from "../schedule/alarm.js";
import { parseCron } from "../schedule/cron-expression.js";
import { append } from "../schedule/history.js";
import { nextTime, sameTimes, type Timing } from "../schedule/timing.js";
import { zoneOf } from "../schedule/zone.js";
import {
  actionNotFound,
  invalidCronExpression,
  invalidInterval,
  invalidJobName,
  invalidMaxHistory,
  invalidTimezone,
  messageOf,
} from "./failure.js";
import type { Instance } from "./instance.js";

const MAX_NAME = 128;
const MAX_EXPRESSION = 256;
const MIN_INTERVAL = 5_000;
/** About 285,000 years: beyond it, times would not be exact. */
const MAX_INTERVAL = Number.MAX_SAFE_INTEGER / 1000;
const MAX_HISTORY = 1_000;
const DEFAULT_HISTORY = 100;
const DEFAULT_LIMIT = 20;

/** See `Cron` in `context/schedule.ts`. */
export class RuntimeCron {
  readonly #instance: Instance;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  set(options: CronOptions): Promise<void> {
    checkName(options.name);
    const { expression, timezone = "UTC" } = options;
    checkExpression(expression);
    checkTimezone(timezone);
    this.#put(options, { kind: "cron", expression, timezone });
    return Promise.resolve();
  }

  every(options: EveryOptions): Promise<void> {
    checkName(options.name);
    const { interval } = options;
    if (typeof interval !== "number" || !(interval >= MIN_INTERVAL && interval <= MAX_INTERVAL)) {
      throw invalidInterval(interval, MIN_INTERVAL);
    }
    this.#put(options, {
      kind: "every",
      interval: Math.round(interval),
      anchor: this.#instance.host.clock.now(),
    });
    return Promise.resolve();
  }

  get(name: string): Promise<CronJob | undefined> {
    const found = this.#find(name);
    return Promise.resolve(found && shown(found));
  }

  list(): Promise<CronJob[]> {
    const jobs = this.#instance.alarms.list().filter(isJob);
    return Promise.resolve(jobs.sort((a, b) => (a.body.name < b.body.name ? -1 : 1)).map(shown));
  }

  delete(name: string): Promise<boolean> {
    const found = this.#find(name);
    return Promise.resolve(found !== undefined && this.#instance.alarms.remove(found.id));
  }

  history(name: string, options: { readonly limit?: number } = {}): Promise<CronRun[]> {
    const found = this.#find(name);
    if (found === undefined) return Promise.resolve([]);
    const { limit = DEFAULT_LIMIT } = options;
    const running = this.#instance.alarms.runOf(found.id);
    const runs: CronRun[] = found.body.runs.map((run) => ({ ...run }));
    if (running !== undefined) runs.push(running);
    return Promise.resolve(runs.reverse().slice(0, Math.max(0, limit)));
  }

  #put(options: JobOptions, timing: Timing): void {
    const { name, action, args = [], maxHistory = DEFAULT_HISTORY } = options;
    const { alarms, definition } = this.#instance;
    if (!(Number.isInteger(maxHistory) && maxHistory >= 0 && maxHistory <= MAX_HISTORY)) {
      throw invalidMaxHistory(maxHistory, MAX_HISTORY);
    }
    if (!definition.actions.has(action)) throw actionNotFound(String(action));
    if (!Array.isArray(args)) throw new TypeError("the arguments of a job have to be a list");
    const before = this.#find(name);
    const keeps = before !== undefined && sameTimes(before.body.timing, timing);
    const due = keeps ? before.due : nextTime(timing, this.#instance.host.clock.now());
    if (due === undefined) {
      throw invalidCronExpression(timing.kind === "cron" ? timing.expression : "", "no date matches it");
    }
    const body: Job = {
      kind: "job",
      name,
      action,
      args: encodeArgs(args),
      timing: keeps ? before.body.timing : timing,
      maxHistory,
      runs: append(before?.body.runs ?? [], [], maxHistory),
    };
    alarms.add({ id: jobId(name), due, attempt: 0, body });
  }

  #find(name: string): Alarm<Job> | undefined {
    const found = this.#instance.alarms.get(jobId(name));
    return found !== undefined && isJob(found) ? found : undefined;
  }
}

function isJob(alarm: Alarm): alarm is Alarm<Job> {
  return alarm.body.kind === "job";
}

function shown({ due, body }: Alarm<Job>): CronJob {
  const { timing, name, action, maxHistory } = body;
  const common = { name, action, args: decodeArgs(body.args), maxHistory, nextRunAt: due };
  if (timing.kind === "every") return { kind: "every", interval: timing.interval, ...common };
  return { kind: "cron", expression: timing.expression, timezone: timing.timezone, ...common };
}

function checkName(name: unknown): void {
  if (typeof name !== "string" || name.length === 0 || name.length > MAX_NAME) throw invalidJobName();
}

function checkExpression(expression: unknown): void {
  if (typeof expression !== "string" || expression.length > MAX_EXPRESSION) {
    throw invalidCronExpression(expression, `it has to be a text of at most ${MAX_EXPRESSION} characters`);
  }
  try {
    parseCron(expression);
  } catch (error) {
    throw invalidCronExpression(expression, messageOf(error));
  }
}

function checkTimezone(timezone: unknown): void {
  try {
    if (typeof timezone === "string") zoneOf(timezone);
    else throw new RangeError("it has to be a text");
  } catch {
    throw invalidTimezone(timezone);
  }
}
