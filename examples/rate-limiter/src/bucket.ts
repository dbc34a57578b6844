/** The token bucket, as plain numbers: it fills evenly up to `limit`, and each request takes one token out. */

/** How many requests are let through. */
export interface Policy {
  /** What the `RateLimit` headers call it. */
  readonly name: string;
  /** So many requests may come at once. */
  readonly limit: number;
  /** In this time, in milliseconds, an empty bucket is full again. */
  readonly window: number;
}

/** How full a bucket was at a moment. From there it can be told for every later moment. */
export interface Level {
  readonly tokens: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** What became of a request, and what the client is told about the next ones. */
export interface Verdict {
  readonly isAllowed: boolean;
  /** So many requests would be let through now. */
  readonly remaining: number;
  /** Milliseconds until the bucket is full. */
  readonly fullAfter: number;
  /** Milliseconds until one request would be let through. */
  readonly retryAfter: number;
}

/** The tokens at the moment `now`. A clock that was set back neither fills nor empties the bucket. */
export function tokensAt(level: Level, { limit, window }: Policy, now: number): number {
  const refilled = (Math.max(0, now - level.at) / window) * limit;
  return Math.min(limit, level.tokens + refilled);
}

/** What a bucket with so many tokens means for its client. */
export function verdictOf(isAllowed: boolean, tokens: number, { limit, window }: Policy): Verdict {
  const perToken = window / limit;
  return {
    isAllowed,
    remaining: Math.floor(tokens),
    fullAfter: (limit - tokens) * perToken,
    retryAfter: Math.max(0, 1 - tokens) * perToken,
  };
}
