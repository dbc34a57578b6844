import { ActorClientError } from "./errors.js";

/** The lookup API (`resolve`, `create`, `list`, `reload`) could not be reached, or gave no answer that makes sense. */
export class ManagerError extends ActorClientError {
  /** @param failure what happened; code, message and retryability are its own. */
  constructor(failure: ActorClientError) {
    super(failure.code, failure.message, failure);
    this.name = "ManagerError";
  }
}
