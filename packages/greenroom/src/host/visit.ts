/** Clients that come without a connection: they go through the same hooks as one. */
import { randomUUID } from "node:crypto";
import type { Client } from "./client.js";
import { RuntimeConn } from "./conn.js";
import { instanceGone } from "./failure.js";
import type { Instance } from "./instance.js";

/** A client that was let in. */
export interface Visit {
  /** With its parameters as their schema wants them. */
  readonly client: Client;
  /** Its connection, for as long as its business takes; absent if nothing is decided about connections. */
  readonly conn: RuntimeConn | undefined;
  /** Its business is done. */
  leave(): void;
}

/** Whether a visit needs more than to begin. */
export function asksVisitors({ definition }: Instance): boolean {
  return definition.decidesConnections || definition.connParamsSchema !== undefined;
}

/** @throws (rejects with) what a hook throws. */
export async function visit(instance: Instance, client: Client): Promise<Visit> {
  const { connections, life, definition } = instance;
  const checked = await connections.checked(client);
  if (!definition.decidesConnections) return { client: checked, conn: undefined, leave: () => {} };
  const conn = new RuntimeConn(instance, undefined, randomUUID(), checked);
  await connections.decide(conn, checked);
  if (instance.isDropped) throw instanceGone();
  RuntimeConn.setPhase(conn, "open");
  const leave = (): void => {
    RuntimeConn.setPhase(conn, "gone");
    life.track(connections.farewell(conn));
  };
  try {
    await connections.greet(conn);
  } catch (error) {
    leave();
    throw error;
  }
  return { client: checked, conn, leave };
}
