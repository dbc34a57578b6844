import { ActorError } from "@greenroom/client";
import type { Outcome } from "./model.js";

/**
 * After these nobody knows whether the call ran. A disposed connection is among them: it rejects what it had not
 * sent yet as well as what was on its way.
 */
const LOST: ReadonlySet<string> = new Set([
  "client.connection_lost",
  "client.endpoint_unreachable",
  "client.connection_disposed",
  "actor.restarting",
]);

/**
 * How a call ended.
 *
 * @throws whatever the call rejected with, if killing the server does not explain it.
 */
export async function outcomeOf(call: Promise<number>): Promise<Outcome> {
  try {
    return { reply: await call };
  } catch (error) {
    if (!(error instanceof ActorError)) throw error;
    if (wasRefused(error)) return "refused";
    if (LOST.has(`${error.group}.${error.code}`)) return "lost";
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
