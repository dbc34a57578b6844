import { randomUUID } from "node:crypto";
import { ActorError } from "@greenroom/client/errors";
import { mismatch, plainIssues, type SchemaIssue } from "../definition/standard-schema.js";
import type { Logger } from "../log.js";

/** An error as callers see it. */
export interface Failure {
  readonly group: string;
  readonly code: string;
  readonly message: string;
  readonly metadata?: unknown;
}

/** An error that the host itself raises: about the call at hand, and fit for the caller to see. */
export class HostError extends ActorError {
  constructor(group: string, code: string, message: string, metadata?: unknown) {
    super(group, code, message, { metadata });
    this.name = "ActorError";
  }
}

/** Errors about how actors call each other: all of them are concerned, and so is whoever called the first. */
const ABOUT_CHAINS: ReadonlySet<string> = new Set(["actor.call_cycle", "actor.call_chain_too_long"]);

/**
 * What may be shown of a thrown value; undefined if it has to be masked.
 *
 * Errors of group `user` and `auth`, and those about chains of calls, pass wherever they were made, so that they come
 * through calls from actor to actor. Others of our own pass only if the host raised them: `actor.stopping` of another actor would be taken
 * for this one's.
 */
export function publicFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { group, code, metadata } = error as { group?: unknown; code?: unknown; metadata?: unknown };
  if (typeof group !== "string" || typeof code !== "string") return undefined;
  const passes = group === "user" || group === "auth" || ABOUT_CHAINS.has(`${group}.${code}`);
  if (!(error instanceof HostError) && !passes) return undefined;
  return { group, code, message: error.message, metadata };
}

/**
 * The mask.
 *
 * @param exposed The message to show all the same, for development.
 * @returns with an id in its metadata, under which the log has the cause.
 */
export function maskedFailure(
  exposed?: string,
): Failure & { readonly metadata: { readonly errorId: string } } {
  return {
    group: "rivetkit",
    code: "internal_error",
    message: exposed ?? "An internal error occurred",
    metadata: { errorId: randomUUID() },
  };
}

/**
 * What a caller gets to see of an error; what it does not goes to the log.
 *
 * @param context `where` are fields for the log that say where it came from.
 */
export function failureOf(
  error: unknown,
  context: { readonly exposeErrors: boolean; readonly log: Logger; readonly where: object },
): Failure {
  const shown = publicFailure(error);
  if (shown !== undefined) return shown;
  const { exposeErrors, log, where } = context;
  const masked = maskedFailure(exposeErrors ? messageOf(error) : undefined);
  const { errorId } = masked.metadata;
  const fate = exposeErrors
    ? "its message shown to the caller"
    : "masked for the caller (throw a UserError to let its message through)";
  log.error({ ...where, errorId, error: asError(error) }, `internal error, ${fate}`);
  return masked;
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Anything that was thrown as an error. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

export const forbidden = (message: string): HostError => new HostError("auth", "forbidden", message);

export const stateNotEnabled = (): HostError =>
  new HostError("actor", "state_not_enabled", "the actor has no state: define `state` or `createState`");

export const varsNotEnabled = (): HostError =>
  new HostError("actor", "vars_not_enabled", "the actor has no variables: define `vars` or `createVars`");

/** The types know no `c.db`; this is for code that does not ask them. */
export const databaseNotConfigured = (): HostError =>
  new HostError(
    "actor",
    "database_not_configured",
    "there are no databases in this version: keep data in `c.state` or `c.kv`",
  );

export const connStateNotEnabled = (): HostError =>
  new HostError(
    "actor",
    "conn_state_not_enabled",
    "the actor's connections have no state: define `connState` or `createConnState`",
  );

export const reentrantMutation = (): HostError =>
  new HostError("actor", "state_mutation_reentrant", "`onStateChange` cannot change the state");

export const actionNotFound = (name: string): HostError =>
  new HostError("actor", "action_not_found", `the actor has no action \`${shorten(name)}\``);

export const actionTimedOut = (name: string, milliseconds: number): HostError =>
  new HostError(
    "actor",
    "action_timed_out",
    `the action \`${name}\` took longer than ${milliseconds} ms (\`actionTimeout\`)`,
  );

/** A caller has given up, or nobody is there to wait for. */
export const aborted = (why: string): HostError => new HostError("actor", "aborted", why);

/** Something that a caller passed does not match its schema. The metadata has all `issues`. */
export const validationError = (what: string, issues: readonly SchemaIssue[]): HostError =>
  new HostError("actor", "validation_error", mismatch(what, issues), { issues: plainIssues(issues) });

/** Nobody could take what the action yields. */
export const streamNotSupported = (action: string): HostError =>
  new HostError(
    "actor",
    "stream_not_supported",
    `the action \`${action}\` streams its result, which this client cannot take: use @greenroom/client`,
  );

/** @param chain The calls of the circle, each as it is named in messages. */
export const callCycle = (chain: readonly string[]): HostError =>
  new HostError(
    "actor",
    "call_cycle",
    `calls go in a circle, and the first of them is exclusive: ${chain.map((call) => `\`${shorten(call)}\``).join(" calls ")}; make it interleaved, or do not wait for what it calls`,
  );

export const requestTimedOut = (milliseconds: number): HostError =>
  new HostError(
    "actor",
    "action_timed_out",
    `\`onRequest\` took longer than ${milliseconds} ms to answer (\`actionTimeout\`)`,
  );

export const websocketNotSupported = (): HostError =>
  new HostError(
    "actor",
    "websocket_not_supported",
    "the actor takes no raw WebSockets: define `onWebSocket`",
  );

export const bodyBrokeOff = (): HostError =>
  new HostError("actor", "aborted", "the body of the request breaks off here");

export const invalidValue = (what: string, error: unknown): HostError =>
  new HostError("encoding", "invalid", `${what} cannot be read: ${messageOf(error)}`);

export const notConnected = (): HostError =>
  new HostError("actor", "not_ready", "the connection has not been accepted");

export const queueNotFound = (name: unknown): HostError =>
  new HostError(
    "queue",
    "not_found",
    `the actor has no queue \`${shorten(String(name))}\`: declare it in \`queues\``,
  );

export const queueFull = (limit: number): HostError =>
  new HostError("queue", "full", `${limit} messages wait in the actor's queues already (\`maxQueueSize\`)`);

export const messageTooLarge = (name: string, length: number, limit: number): HostError =>
  new HostError(
    "queue",
    "message_too_large",
    `the message for queue \`${shorten(name)}\` has ${length} bytes, limit is ${limit} (\`maxQueueMessageSize\`)`,
  );

export const invalidPayload = (reason: string): HostError =>
  new HostError("queue", "invalid_payload", `the message is refused: ${reason}`);

export const invalidCompletion = (reason: string): HostError =>
  new HostError("queue", "invalid_completion_payload", `the response is refused: ${reason}`);

export const alreadyCompleted = (id: number): HostError =>
  new HostError("queue", "already_completed", `there is no message ${id}: it has been finished before`);

export const messageInvalid = (id: number, actual: string, asked: string): HostError =>
  new HostError(
    "queue",
    "message_invalid",
    `message ${id} is in the queue \`${shorten(actual)}\`, not in \`${shorten(asked)}\``,
  );

export const previousNotCompleted = (id: number, name: string): HostError =>
  new HostError(
    "queue",
    "previous_message_not_completed",
    `message ${id} of queue \`${shorten(name)}\` has to be completed before the next one is received`,
  );

export const queueTimedOut = (what: string): HostError =>
  new HostError("queue", "timed_out", `the time is up: ${what}`);

export const completionTimedOut = (milliseconds: number): HostError =>
  new HostError(
    "actor",
    "action_timed_out",
    `the message is stored, but was not completed within ${milliseconds} ms (\`actionTimeout\`)`,
  );

export const waitsForItself = (name: string): HostError =>
  new HostError(
    "queue",
    "waits_for_itself",
    `the only consumer of the queue \`${shorten(name)}\` would wait for itself: use \`send\``,
  );

export const waiterDropped = (): HostError =>
  new HostError(
    "queue",
    "completion_waiter_dropped",
    "the message is stored, but the actor went to sleep before it was completed",
  );

export const instanceGone = (what = "the actor has stopped"): HostError =>
  new HostError("actor", "restarting", what);

export const maxSchedulesExceeded = (limit: number): HostError =>
  new HostError(
    "schedule",
    "max_schedules_exceeded",
    `the actor has ${limit} scheduled calls and jobs already (\`maxSchedules\`)`,
  );

export const invalidTime = (time: unknown): HostError =>
  new HostError("schedule", "invalid_time", `\`${shorten(String(time))}\` is not a time in milliseconds`);

export const invalidJobName = (): HostError =>
  new HostError("schedule", "invalid_name", "the name of a job has to be a text of 1 to 128 characters");

export const invalidCronExpression = (expression: unknown, reason: string): HostError =>
  new HostError(
    "schedule",
    "invalid_cron_expression",
    `\`${shorten(String(expression))}\` is not a cron expression: ${reason}`,
  );

export const invalidTimezone = (timezone: unknown): HostError =>
  new HostError("schedule", "invalid_timezone", `there is no time zone \`${shorten(String(timezone))}\``);

export const invalidInterval = (interval: unknown, min: number): HostError =>
  new HostError(
    "schedule",
    "invalid_interval",
    `the interval \`${shorten(String(interval))}\` is not a number of milliseconds from ${min}`,
  );

export const invalidMaxHistory = (value: unknown, max: number): HostError =>
  new HostError(
    "schedule",
    "invalid_max_history",
    `\`maxHistory\` is \`${shorten(String(value))}\`, not a whole number from 0 to ${max}`,
  );

/** @param known The version of the code. @param oldest The oldest version that the code can do something with. */
export const stateVersionUnsupported = (stored: number, known: number, oldest: number): HostError =>
  new HostError(
    "actor",
    "state_version_unsupported",
    stored > known
      ? `the stored state has version ${stored}, this code knows version ${known}: run the newer code again; nothing was changed`
      : `the stored state has version ${stored}, this code goes from version ${oldest} to ${known}: add the steps to \`migrateState\`; nothing was changed`,
  );

function shorten(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name;
}
