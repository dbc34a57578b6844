import { wasNeverSent } from "#platform";
import { type ActorError, UNREACHED } from "../errors.js";
import { isBetweenLives } from "../retry.js";
import type { Target } from "../target.js";

/** A pause in milliseconds before the next attempt, or `undefined` to give up. */
export type Pause = number | undefined;

const LIFECYCLE_PAUSE_MS = 100;
const LIFECYCLE_ATTEMPTS = { getOrCreate: 60, get: 24 } as const;
const UNREACHED_PAUSES_MS = [25, 50, 100, 200] as const;
/** A server that is restarted is back within seconds. */
const NEVER_SENT_PAUSES_MS = [250, 500, 1000, 2000] as const;

/**
 * Decides about repeating a stateless call: gives what to do after an error, and counts it. Only what certainly did
 * not run is repeated: after a lost reply or `actor.restarting` the caller has to decide.
 */
export function callRetry(target: Target): (error: ActorError) => Pause {
  let lifecycleFailures = 0;
  let unreachedFailures = 0;
  let neverSent = 0;
  return ({ group, code: name, cause }) => {
    const code = `${group}.${name}`;
    if (name === "endpoint_unreachable" && wasNeverSent(cause)) return NEVER_SENT_PAUSES_MS[neverSent++];
    if (UNREACHED.test(code)) return UNREACHED_PAUSES_MS[unreachedFailures++];
    const { by } = target;
    if (by === "id" || !isBetweenLives(target, code)) return undefined;
    return ++lifecycleFailures < LIFECYCLE_ATTEMPTS[by] ? LIFECYCLE_PAUSE_MS : undefined;
  };
}
