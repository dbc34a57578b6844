import { ActorError } from "@greenroom/client";

/**
 * How a call ended: with a reply, certainly without having run, or nobody knows (it ran once or not at all).
 */
export type Outcome<T> = { readonly reply: T } | "refused" | "lost";

/**
 * After these nobody knows whether the call ran. A disposed connection is among them: it rejects what it had not
 * sent yet as well as what was on its way.
 */
const LOST: ReadonlySet<string> = new Set([
  "client.connection_lost",
  "client.endpoint_unreachable",
  "client.connection_disposed",
  "actor.restarting",
  "actor.dropped_reply",
]);

/** These say that the call did not run, and are not repeated for ever by the client. */
const REFUSED: ReadonlySet<string> = new Set([
  "actor.stopping",
  "actor.destroying",
  "actor.not_found",
  "actor.not_ready",
  "ws.going_away",
]);

/**
 * How a call ended.
 *
 * @throws whatever the call rejected with, if neither killing nor stopping the server nor destroying the actor
 * explains it.
 */
export async function outcomeOf<T>(call: Promise<T>): Promise<Outcome<T>> {
  try {
    return { reply: await call };
  } catch (error) {
    if (!(error instanceof ActorError)) throw error;
    if (wasRefused(error)) return "refused";
    const code = `${error.group}.${error.code}`;
    if (REFUSED.has(code)) return "refused";
    if (LOST.has(code)) return "lost";
    throw error;
  }
}

/** Nobody listened at the port, so nobody took the call. */
function wasRefused(error: ActorError): boolean {
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    if ((cause as { code?: unknown }).code === "ECONNREFUSED") return true;
  }
  return false;
}
