/**
 * What the host keeps in the core's alarms.
 *
 * An alarm's body is one byte that says how the rest is to be read, then a value in state form: {@link StoredBody}.
 * Arguments are encoded on their own inside of it, so that every reader gets a copy.
 */
import { buildBytes, decodeValue, encodeValue } from "@greenroom/client/codec";
import { unwrap } from "../state/index.js";
import { fromRows, type PastRun, toRows } from "./history.js";
import type { Timing } from "./timing.js";

/** An alarm as it crosses the bridge. The body is a view into the batch. */
export interface AlarmRecord {
  readonly id: string;
  /** In milliseconds since the Unix epoch. */
  readonly due: number;
  /** How often it has failed. */
  readonly attempt: number;
  readonly body: Uint8Array;
}

/** A call that `c.schedule` makes. */
export interface OneShot {
  readonly kind: "at";
  readonly action: string;
  readonly args: Uint8Array;
  /** The time that was asked for. */
  readonly scheduledAt: number;
}

/** A job of `c.cron`. */
export interface Job {
  readonly kind: "job";
  readonly name: string;
  readonly action: string;
  readonly args: Uint8Array;
  readonly timing: Timing;
  readonly maxHistory: number;
  /** In order of time. */
  readonly runs: readonly PastRun[];
}

/** An alarm that another version of the host has stored. It is kept as it is. */
export interface Unreadable {
  readonly kind: "unreadable";
  readonly body: Uint8Array;
  readonly reason: string;
}

/** An alarm as the host keeps it. Never changed: a change makes another. */
export interface Alarm<Body = OneShot | Job | Unreadable> {
  readonly id: string;
  readonly due: number;
  readonly attempt: number;
  readonly body: Body;
}

/** Those of jobs begin like this, and those of scheduled calls cannot. */
const JOB_PREFIX = "cron:";
const VERSION = 1;

type StoredBody =
  | { readonly kind: "at"; readonly action: string; readonly args: Uint8Array; readonly at: number }
  | {
      readonly kind: "job";
      readonly name: string;
      readonly action: string;
      readonly args: Uint8Array;
      readonly timing: Timing;
      readonly maxHistory: number;
      readonly runs: unknown;
    };

/** The id of the alarm that the job of this name has. */
export function jobId(name: string): string {
  return JOB_PREFIX + name;
}

/** @throws TypeError naming the path of what cannot be stored. */
export function encodeArgs(args: readonly unknown[]): Uint8Array {
  const plain = unwrap(args);
  return buildBytes((writer) => encodeValue(writer, plain, "state", "args"));
}

/** A fresh copy of the arguments. */
export function decodeArgs(args: Uint8Array): unknown[] {
  return decodeValue(args, "state") as unknown[];
}

export function encodeBody(body: Alarm["body"]): Uint8Array {
  if (body.kind === "unreadable") return body.body;
  return buildBytes((writer) => {
    writer.u8(VERSION);
    encodeValue(writer, stored(body), "state");
  });
}

function stored(body: OneShot | Job): StoredBody {
  if (body.kind === "at") {
    return { kind: "at", action: body.action, args: body.args, at: body.scheduledAt };
  }
  return { ...body, runs: toRows(body.runs) };
}

/** Copies what it needs. */
export function decodeAlarm({ id, due, attempt, body }: AlarmRecord): Alarm {
  return { id, due, attempt, body: decodeBody(body) };
}

function decodeBody(body: Uint8Array): Alarm["body"] {
  try {
    if (body[0] !== VERSION) throw new Error(`it has version ${body[0]}`);
    const value = decodeValue(body.subarray(1), "state") as StoredBody;
    if (!(value.args instanceof Uint8Array)) throw new Error("it has no arguments");
    if (value.kind === "at") {
      return { kind: "at", action: value.action, args: value.args, scheduledAt: value.at };
    }
    if (value.kind !== "job") throw new Error("its kind is unknown");
    return { ...value, runs: fromRows(value.runs) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "unreadable", body: new Uint8Array(body), reason };
  }
}
