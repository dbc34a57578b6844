/**
 * State of an actor or connection as a plain object whose changes become operations.
 */
export { StateTracker, type StateTrackerOptions, unwrap } from "./tracker.js";
