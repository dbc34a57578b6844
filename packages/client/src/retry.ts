import { type ActorError, LIFECYCLE, UNREACHED } from "./errors.js";
import type { Target } from "./target.js";

/** Whether the actor has no life at present, but will have one for this target. */
export function isBetweenLives({ by }: Target, code: string): boolean {
  // With getOrCreate, a missing actor was destroyed between lookup and call; the next lookup creates one.
  return LIFECYCLE.test(code) || (by === "getOrCreate" && code === "actor.not_found");
}

/**
 * Whether a refused connection attempt says nothing about later ones, so that calls waiting for the connection
 * should keep waiting.
 */
export function isPassingRefusal(target: Target, { group, code: name, retryable }: ActorError): boolean {
  const code = `${group}.${name}`;
  return retryable || isBetweenLives(target, code) || UNREACHED.test(code);
}
