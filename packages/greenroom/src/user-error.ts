import { ActorError } from "@greenroom/client/errors";

/** What a {@link UserError} may carry besides its message. */
export interface UserErrorOptions {
  /** For programs to tell errors apart. Default `user_error`. */
  readonly code?: string;
  /** Anything that can be sent; callers get it as `error.metadata`. */
  readonly metadata?: unknown;
  /** Logged, never sent. */
  readonly cause?: unknown;
}

/** An error meant for the caller: message, code and metadata reach it as they are. All other errors are masked. */
export class UserError extends ActorError {
  constructor(message: string, options: UserErrorOptions = {}) {
    super("user", options.code ?? "user_error", message, {
      metadata: options.metadata,
      cause: options.cause,
    });
    this.name = "UserError";
  }
}

/** What {@link Unauthorized} and {@link Forbidden} may carry besides their message. */
export type AccessErrorOptions = Omit<UserErrorOptions, "code">;

/** The caller has not shown who it is: `auth.unauthorized`, over HTTP with the status 401. */
export class Unauthorized extends ActorError {
  constructor(message = "Unauthorized", options: AccessErrorOptions = {}) {
    super("auth", "unauthorized", message, options);
    this.name = "Unauthorized";
  }
}

/** The caller may not do this: `auth.forbidden`, over HTTP with the status 403. */
export class Forbidden extends ActorError {
  constructor(message = "Forbidden", options: AccessErrorOptions = {}) {
    super("auth", "forbidden", message, options);
    this.name = "Forbidden";
  }
}
