import type { ClientRuntime } from "../config.js";
import { ActorClientError, type ActorError } from "../errors.js";

/** Errors that pass by themselves, but ask for fewer calls, or are not of the server. */
const NOT_LOST = /^(overloaded|rate_limit|get_params_failed)$/;

/** Whether after this error a call is made again: it may have run, or would run now. */
export function isLost({ code, retryable }: ActorError, { mayRepeat }: ClientRuntime): boolean {
  return retryable && !NOT_LOST.test(code) && mayRepeat?.() !== false;
}

/** 128 random bits: whoever knows them can read the recorded answers of the caller. */
export function newCallerId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The error of a call with a key that its server cannot heed. */
export function keyUnsupported(): ActorError {
  const message = "the server does not know idempotency keys: call without one, or look for a newer server";
  return new ActorClientError("idempotency_unsupported", message);
}
