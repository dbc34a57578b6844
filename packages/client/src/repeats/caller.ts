import type { ClientRuntime } from "../config.js";
import { ActorClientError, type ActorError } from "../errors.js";

/** Errors that pass by themselves, but ask for fewer calls, or are not of the server. */
const NOT_LOST = /^(overloaded|rate_limit|get_params_failed)$/;

const MAX_KEY = 256;

/** Whether after this error a call is made again: it may have run, or would run now. */
export function isLost({ code, retryable }: ActorError, { mayRepeat }: ClientRuntime): boolean {
  return retryable && !NOT_LOST.test(code) && mayRepeat?.() !== false;
}

/** @throws TypeError if `key` is none. */
export function checkedKey(key: unknown): string {
  const size = typeof key === "string" ? new TextEncoder().encode(key).length : 0;
  if (typeof key === "string" && size >= 1 && size <= MAX_KEY) return key;
  throw new TypeError(`idempotencyKey has to be a string of 1 to ${MAX_KEY} bytes of UTF-8`);
}

/** @throws TypeError if `timeout` is none. */
export function checkedTimeout(timeout: unknown): number {
  if (typeof timeout === "number" && timeout >= 0) return timeout;
  throw new TypeError("retryTimeout has to be a number of milliseconds, 0 or more");
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
