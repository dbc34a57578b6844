import { type ActorError, LIFECYCLE, UNREACHED } from "./errors.js";
import { wasNeverSent } from "./network-error.js";
import type { Target } from "./target.js";

/** A pause in milliseconds before the next attempt, or `undefined` to give up. */
export type Pause = number | undefined;

const LIFECYCLE_PAUSE_MS = 100;
const LIFECYCLE_ATTEMPTS = { getOrCreate: 60, get: 24 } as const;
const UNREACHED_PAUSES_MS = [25, 50, 100, 200] as const;
/** A server that is restarted is back within seconds. */
const NEVER_SENT_PAUSES_MS = [250, 500, 1000, 2000] as const;

/**
 * Decides about repeating a stateless call. It repeats only what certainly did not run: after a lost reply or
 * `actor.restarting` the caller has to decide.
 */
export class CallRetry {
  readonly #target: Target;
  #lifecycleFailures = 0;
  #unreachedFailures = 0;
  #neverSent = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  /** What to do after `error`. Counts the failure. */
  next(error: ActorError): Pause {
    const code = `${error.group}.${error.code}`;
    if (wasNeverSent(error)) return NEVER_SENT_PAUSES_MS[this.#neverSent++];
    if (UNREACHED.has(code)) return UNREACHED_PAUSES_MS[this.#unreachedFailures++];
    const { by } = this.#target;
    if (by === "id") return undefined;
    // With getOrCreate, a missing actor was destroyed between lookup and call; the next lookup creates one.
    const passing = LIFECYCLE.has(code) || (by === "getOrCreate" && code === "actor.not_found");
    if (!passing) return undefined;
    this.#lifecycleFailures++;
    return this.#lifecycleFailures < LIFECYCLE_ATTEMPTS[by] ? LIFECYCLE_PAUSE_MS : undefined;
  }
}

/**
 * Whether a refused connection attempt says nothing about later ones, so that calls waiting for the connection
 * should keep waiting.
 */
export function isPassingRefusal(target: Target, error: ActorError): boolean {
  if (error.retryable) return true;
  const code = `${error.group}.${error.code}`;
  return (
    LIFECYCLE.has(code) || UNREACHED.has(code) || (target.by === "getOrCreate" && code === "actor.not_found")
  );
}
