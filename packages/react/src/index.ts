/**
 * React hooks for Greenroom actors.
 */
export {
  ActorClientError,
  ActorConnDisposed,
  ActorError,
  type ClientConfig,
  type ConnStatus,
  type ConnStatus as ActorConnStatus,
  createClient,
  isActorErrorCode,
} from "@greenroom/client";
export {
  createGreenroom,
  createGreenroom as createRivetKit,
  createGreenroomWithClient,
  createGreenroomWithClient as createRivetKitWithClient,
  type GreenroomOptions,
} from "./create.js";
export type {
  ActorHook,
  ActorOptions,
  Greenroom,
  SuspenseActorOptions,
  UseActor,
  UseSuspenseActor,
} from "./surface.js";
