import { actor, event, UserError } from "greenroom";
import { type Level, type Policy, tokensAt, type Verdict, verdictOf } from "./bucket.js";

/** What those see who watch a bucket: its level, and the policy that it was used with. */
export interface Watched {
  readonly level: Level;
  readonly policy: Policy;
}

/**
 * One actor per client of one policy; its key is both. Its calls come one after the other, so of any number of
 * requests at the same moment exactly as many pass as there are tokens. What it lets through is on disk before it says
 * so: a crash gives nobody their tokens back.
 */
export const limiter = actor({
  state: { bucket: undefined as Watched | undefined, willForget: false },
  events: { bucket: event<Watched>() },
  actions: {
    /** Takes a token, if there is one. A refusal changes nothing, so it costs no write. */
    take: (c, policy: Policy): Verdict => {
      insideOnly(c.conn);
      const now = Date.now();
      const { bucket } = c.state;
      const tokens = bucket ? tokensAt(bucket.level, policy, now) : policy.limit;
      if (tokens < 1) return verdictOf(false, tokens, policy);
      // A clock that was set back: the later moment stays, or the time in between would fill the bucket twice.
      const at = Math.max(now, bucket?.level.at ?? 0);
      const next = { level: { tokens: tokens - 1, at }, policy };
      c.state.bucket = next;
      if (!c.state.willForget) {
        c.state.willForget = true;
        c.schedule.after(policy.window, "forget");
      }
      c.broadcast("bucket", next);
      return verdictOf(true, tokens - 1, policy);
    },

    /** The bucket as it is at this moment; undefined if it was never used. */
    bucket: (c): Watched | undefined => {
      const { bucket } = c.state;
      const at = Date.now();
      return (
        bucket && { policy: bucket.policy, level: { tokens: tokensAt(bucket.level, bucket.policy, at), at } }
      );
    },

    /** A full bucket says nothing that a new one does not: the actor goes, and costs nothing any more. */
    forget: (c): void => {
      insideOnly(c.conn);
      const { bucket } = c.state;
      const isFull = !bucket || tokensAt(bucket.level, bucket.policy, Date.now()) >= bucket.policy.limit;
      if (isFull && c.conns.size === 0) c.destroy();
      else c.schedule.after(bucket?.policy.window ?? 60_000, "forget");
    },
  },
});

/** Those from outside, who passed `onAuth`, may watch. The program's own calls have no such pass, nor a schedule's. */
function insideOnly(conn: { readonly auth: unknown } | undefined): void {
  if (conn?.auth !== undefined) throw new UserError("only the server may do that", { code: "watch_only" });
}
