/**
 * Observers of actors: what React hooks, and whatever else shows actors to people, are made of. Several observers of
 * one actor share one connection, which opens with the first subscription and closes after the last.
 */
export {
  type ActorObserver,
  type ActorObservers,
  createObservers,
  failedObserver,
  type ObservedFailure,
  type ObserversOptions,
  type Preparation,
} from "./observers.js";
export {
  type ActorNames,
  type AnyObserveOptions,
  invalidOptions,
  type ObserveOptions,
  unstableOptions,
} from "./options.js";
export { type ActorSnapshot, type ConnectedActor, IDLE, type UnconnectedActor } from "./snapshot.js";
