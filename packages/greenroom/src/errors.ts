/** `greenroom/errors`: what errors are, and how to tell them apart. */
export {
  ActorConnDisposed,
  ActorError,
  type ActorErrorDetails,
  type ErrorActor,
  isActorErrorCode,
  isRivetErrorCode,
  RivetError,
} from "@greenroom/client/errors";
export {
  type AccessErrorOptions,
  Forbidden,
  Unauthorized,
  UserError,
  type UserErrorOptions,
} from "./user-error.js";
