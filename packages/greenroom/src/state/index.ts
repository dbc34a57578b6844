/**
 * The state of an actor or connection: a plain object to users, a stream of operations to storage.
 *
 * A `StateTracker` owns a tree of plain values. Assigning copies a value into it (`copy.ts`, which also refuses what
 * could not be stored), so that every value has one place and one path. Reading a container gives a proxy, whose
 * handler is a node (`node.ts`, `object-node.ts`, `array-node.ts`, `map-node.ts`, `set-node.ts`); nodes exist for
 * what was read, know their parent, and are found through a private field on the value (`stamp.ts`). Each mutation
 * is encoded at once (`recorder.ts`): an operation that kept a reference instead would show what a later mutation
 * of the same turn made of it. Dates record through their setters (`date-node.ts`); byte arrays, whose writes
 * cannot be seen, are compared when changes are taken (`bytes-node.ts`).
 *
 * What was removed or replaced is detached: it works on, and nothing about it is recorded. The tracker neither
 * stores anything nor decides when a turn ends; the host takes the changes.
 */
export { StateTracker, type StateTrackerOptions, unwrap } from "./tracker.js";
