/** The actor instance that an error came from. */
export interface ErrorActor {
  readonly actorId: string;
  /** Counts the times the actor was started. */
  readonly generation: number;
  /** The key in storage form, parts joined by `/`. */
  readonly key?: string;
}

/** What an {@link ActorError} may carry besides its group, code and message. */
export interface ActorErrorDetails {
  readonly metadata?: unknown;
  readonly actor?: ErrorActor;
  /** Overrides what group and code say about {@link ActorError.retryable}. */
  readonly retryable?: boolean;
  /** The HTTP status that came with the error. */
  readonly statusCode?: number;
  readonly cause?: unknown;
}

/** The actor was between two lives or about to have one, so the call certainly did not run. As `group.code`. */
export const LIFECYCLE =
  /^(actor\.(destroy(ed_.*|ing)|not_configured|not_ready|starting|stopping)|guard\.actor_(ready_timeout|runner_failed))$/;

/** The server could not reach the actor, so the call certainly did not run. */
export const UNREACHED =
  /^guard\.(actor_stopped_while_waiting|actor_wake_retries_exceeded|service_unavailable)$/;

/**
 * Codes that pass by themselves: the actor or the server was about to start, stop, move or recover. Only those of
 * the two above also say that the call never ran.
 */
const TRANSIENT =
  /^(actor\.(destroy(ed_.*|ing)|dropped_reply|not_ready|overloaded|restarting|start.*|stop.*)|client\.(connection_(lost|open_failed)|endpoint_unreachable|get_params_failed)|guard\.(actor_.*|gateway_.*|rate_limit|request_timeout|service_unavailable|tunnel_.*)|ws\.going_away)$/;

/**
 * What every failure of this package is. Tell errors apart by `group` and `code`, for example with
 * {@link isActorErrorCode}; the text may change.
 *
 * Group `user` is what the actor's own code threw for its callers, group `client` arises in this package, all
 * other groups come from the server.
 */
export class ActorError extends Error {
  override name = "ActorError";
  // Declared only: the constructor defines them, and pages load less.
  declare readonly group: string;
  declare readonly code: string;
  /** What the thrower attached for programs to read. */
  declare readonly metadata: unknown;
  declare readonly actor: ErrorActor | undefined;
  /** Whether the same call may well succeed later. It does not say that the failed one had no effect. */
  declare readonly retryable: boolean;
  declare readonly statusCode: number | undefined;

  constructor(group: string, code: string, message: string, details: ActorErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.group = group;
    this.code = code;
    this.metadata = details.metadata;
    this.actor = details.actor;
    this.retryable =
      details.retryable ?? declaredRetryable(details.metadata) ?? TRANSIENT.test(`${group}.${code}`);
    this.statusCode = details.statusCode;
  }
}

/** The same class under the name that RivetKit programs use. */
export { ActorError as RivetError };

/** An error that arose in this package, not on the server: its group is `client`. */
export class ActorClientError extends ActorError {
  override name = "ActorClientError";

  constructor(code: string, message: string, details?: ActorErrorDetails) {
    super("client", code, message, details);
  }
}

/** The connection was disposed, so the call was not made or its reply will not arrive. */
export class ActorConnDisposed extends ActorClientError {
  override name = "ActorConnDisposed";

  constructor() {
    super("connection_disposed", "the connection was disposed");
  }
}

/** The server sent what cannot be read: `client.malformed_message` on a connection, else `client.malformed_response`. */
export class MalformedResponseMessage extends ActorClientError {
  override name = "MalformedResponseMessage";
}

/** Whether `error` has this group and code. Works across copies of the package, unlike `instanceof`. */
export function isActorErrorCode<Group extends string, Code extends string>(
  error: unknown,
  group: Group,
  code: Code,
): error is ActorError & { readonly group: Group; readonly code: Code } {
  if (typeof error !== "object" || error === null) return false;
  const { group: itsGroup, code: itsCode } = error as { group?: unknown; code?: unknown };
  return itsGroup === group && itsCode === code;
}

/** The same function under the name that RivetKit programs use. */
export { isActorErrorCode as isRivetErrorCode };

/** A server may say so itself, as `metadata.retryable`. */
function declaredRetryable(metadata: unknown): boolean | undefined {
  if (typeof metadata !== "object" || metadata === null) return undefined;
  const { retryable } = metadata as { retryable?: unknown };
  return typeof retryable === "boolean" ? retryable : undefined;
}

/** The text of anything that was thrown. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  // Node and Bun put the reason a request failed ("connect ECONNREFUSED ...") into the cause.
  if (cause instanceof Error && cause.message !== "") return `${error.message}: ${cause.message}`;
  return error.message;
}
