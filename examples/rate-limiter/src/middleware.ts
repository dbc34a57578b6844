import { createHash } from "node:crypto";
import type { Client } from "@greenroom/client";
import type { Context, MiddlewareHandler } from "hono";
import type { Policy, Verdict } from "./bucket.js";
import type { registry } from "./registry.js";

/** What {@link rateLimit} takes. */
export interface RateLimitOptions extends Policy {
  /** Where the buckets are: `registry.client()`, the client without a network. */
  readonly client: Client<typeof registry>;
  /** Whose bucket it is: an account, an API key that was checked, an address. */
  readonly key: (c: Context) => string;
  /**
   * What happens to requests while the limiter gives no answer: `"allow"` (default) lets them through unlimited,
   * because a limiter should not take down what it protects; `"refuse"` answers 503, for what must not be tried
   * without a limit, such as passwords.
   */
  readonly onFailure?: "allow" | "refuse";
  /** How long to wait for the limiter, in milliseconds. Default 5,000. */
  readonly timeout?: number;
}

/** Lets so many requests of each client through, and answers the others with 429. */
export function rateLimit(options: RateLimitOptions): MiddlewareHandler {
  const { client, key, onFailure = "allow", timeout = 5_000, ...policy } = options;

  return async (c, next) => {
    let verdict: Verdict;
    try {
      verdict = await client.limiter.getOrCreate([policy.name, partOf(key(c))]).action({
        name: "take",
        args: [{ name: policy.name, limit: policy.limit, window: policy.window }],
        signal: AbortSignal.timeout(timeout),
      });
    } catch (error) {
      console.error(`the rate limiter gave no answer, so requests are ${VERB[onFailure]}:`, error);
      if (onFailure === "allow") return next();
      return problem(503, 1, { title: "The rate limiter gives no answer" });
    }
    if (verdict.isAllowed) await next();
    else c.res = refusal(policy, verdict);
    // Several limits on one route are one list each.
    c.header("RateLimit-Policy", policyField(policy), { append: true });
    c.header("RateLimit", limitField(policy, verdict), { append: true });
  };
}

const VERB = { allow: "let through", refuse: "refused" } as const;

/** Fields as in draft-ietf-httpapi-ratelimit-headers-10: times in whole seconds. */
const policyField = ({ name, limit, window }: Policy) => `"${name}";q=${limit};w=${seconds(window)}`;
const limitField = ({ name }: Policy, { remaining, fullAfter }: Verdict) =>
  `"${name}";r=${remaining};t=${seconds(fullAfter)}`;

function refusal({ name, limit, window }: Policy, { retryAfter }: Verdict): Response {
  return problem(429, seconds(retryAfter), {
    type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
    title: "Too many requests",
    detail: `${limit} requests may come in ${seconds(window)} seconds. Try again in ${seconds(retryAfter)} seconds.`,
    "violated-policies": [name],
  });
}

/** An answer as RFC 9457 has it. */
function problem(status: number, retryAfter: number, body: Readonly<Record<string, unknown>>): Response {
  const headers = { "content-type": "application/problem+json", "retry-after": String(retryAfter) };
  return new Response(JSON.stringify({ status, ...body }), { status, headers });
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}

/** A part of a key has 128 bytes. A client must not get around its limit by a longer name. */
function partOf(key: string): string {
  return Buffer.byteLength(key) <= 100 ? key : createHash("sha256").update(key).digest("hex");
}
