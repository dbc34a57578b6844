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
