/**
 * When a change of state has to be durable, relative to what its action shows to the outside.
 *
 * - `"strict"` (default): replies and events leave once the change that they may show is on disk.
 * - `"relaxed"`: they leave at once; the change is on disk within `stateSaveInterval`.
 * - `"ephemeral"`: the change is not stored for its own sake. It is in memory until the actor sleeps, and becomes
 *   durable only together with a later change that is stored, or by `c.saveState({ immediate: true })`.
 */
export type Durability = "strict" | "relaxed" | "ephemeral";

/** As {@link Durability}, in the order and the numbers of the wire: the lower, the stricter. */
export const DurabilityCode = { strict: 0, relaxed: 1, ephemeral: 2 } as const;
export type DurabilityCode = (typeof DurabilityCode)[Durability];

/** The number of a durability. @throws Error if `value` is not one, naming `what` it was given for. */
export function durabilityCode(value: unknown, what: string): DurabilityCode {
  if (value === "strict" || value === "relaxed" || value === "ephemeral") return DurabilityCode[value];
  throw new Error(`${what} has to be "strict", "relaxed" or "ephemeral"`);
}
