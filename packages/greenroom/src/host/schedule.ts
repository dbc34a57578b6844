/** What user code gets as `c.schedule`, at run time. */
import type { ScheduledCall } from "../context/schedule.js";
import { type Alarm, decodeArgs, encodeArgs, type OneShot } from "../schedule/alarm.js";
import { newCallId } from "../schedule/ids.js";
import { actionNotFound, invalidTime } from "./failure.js";
import type { Instance } from "./instance.js";

/** The latest time that a `Date` can have. */
const LATEST = 8.64e15;

/** See `Schedule` in `context/schedule.ts`. */
export class RuntimeSchedule {
  readonly #instance: Instance;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  after(delay: number, action: string, ...args: unknown[]): Promise<string> {
    if (typeof delay !== "number") throw invalidTime(delay);
    return this.#add(this.#instance.host.clock.now() + delay, action, args);
  }

  at(time: number, action: string, ...args: unknown[]): Promise<string> {
    return this.#add(time, action, args);
  }

  cancel(id: string): Promise<boolean> {
    const isKnown = this.#find(id) !== undefined;
    return Promise.resolve(isKnown && this.#instance.alarms.remove(id));
  }

  get(id: string): Promise<ScheduledCall | undefined> {
    const found = this.#find(id);
    return Promise.resolve(found && shown(found));
  }

  list(): Promise<ScheduledCall[]> {
    return Promise.resolve(this.#instance.alarms.list().filter(isOneShot).map(shown));
  }

  #add(time: number, action: string, args: readonly unknown[]): Promise<string> {
    if (typeof time !== "number" || !(Math.abs(time) <= LATEST)) throw invalidTime(time);
    if (!this.#instance.definition.actions.has(action)) throw actionNotFound(String(action));
    const id = newCallId(this.#instance.host.clock.now());
    const due = Math.ceil(time);
    const body: OneShot = { kind: "at", action, args: encodeArgs(args), scheduledAt: due };
    this.#instance.alarms.add({ id, due, attempt: 0, body });
    return Promise.resolve(id);
  }

  #find(id: string): Alarm<OneShot> | undefined {
    const found = this.#instance.alarms.get(id);
    return found !== undefined && isOneShot(found) ? found : undefined;
  }
}

function isOneShot(alarm: Alarm): alarm is Alarm<OneShot> {
  return alarm.body.kind === "at";
}

function shown({ id, due, body }: Alarm<OneShot>): ScheduledCall {
  return { id, action: body.action, args: decodeArgs(body.args), runAt: due };
}
