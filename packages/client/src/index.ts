/**
 * Client for Greenroom actors, for browsers, Node and Bun.
 */
export { createClient } from "./client.js";
export type { ClientConfig, ClientRuntime, Encoding, LiveTransport } from "./config.js";
export type { CloseEvent, ConnStatus } from "./connection/connection.js";
export {
  ActorClientError,
  ActorConnDisposed,
  ActorError,
  type ActorErrorDetails,
  type ErrorActor,
  isActorErrorCode,
  isRivetErrorCode,
  MalformedResponseMessage,
  RivetError,
} from "./errors.js";
export { ManagerError } from "./manager-error.js";
export type {
  ActorAccessor,
  ActorConn,
  ActorHandle,
  Client,
  ClientMethods,
  ConnMethods,
  DefinitionNamed,
  HandleMethods,
} from "./surface.js";
export type * from "./types.js";
export type { WebSocketConstructor, WebSocketLike } from "./websocket.js";
