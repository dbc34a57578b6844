/** What platforms with processes and system errors have, which browsers lack. */

interface MaybeProcess {
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
}

/** The first of these environment variables that is set and not empty; none where there is no environment. */
export function env(...names: string[]): string | undefined {
  const values = (globalThis as MaybeProcess).process?.env;
  for (const name of names) {
    const value = values?.[name];
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}

/** System errors of Node and Bun after which a request may have been carried out. */
const LOST_MIDWAY: ReadonlySet<unknown> = new Set([
  "ECONNRESET",
  "EPIPE",
  "UND_ERR_SOCKET",
  "ConnectionClosed",
]);

/** System errors after which it certainly was not: there was no connection. */
const NEVER_SENT: ReadonlySet<unknown> = new Set([
  "ConnectionRefused",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "FailedToOpenSocket",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Whether the connection of a failed request broke after the request may have been sent. */
export function wasLostMidway(cause: unknown): boolean {
  return hasSystemCode(cause, LOST_MIDWAY);
}

/** Whether the server certainly knows nothing of a failed request. */
export function wasNeverSent(cause: unknown): boolean {
  return hasSystemCode(cause, NEVER_SENT);
}

/** Fetch wraps the system's error into one of its own. */
function hasSystemCode(error: unknown, codes: ReadonlySet<unknown>): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return codes.has(code) || hasSystemCode(cause, codes);
}
