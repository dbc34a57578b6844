/** Those who hammer one `ledger`: they increment and append until they are told to stop, and repeat nothing. */

import type { ActorConn, ActorHandle } from "@greenroom/client";
import type { ledger } from "../server/registry.js";
import type { Gate } from "./gate.js";
import type { LedgerModel } from "./model.js";
import { outcomeOf } from "./outcome.js";
import type { Random } from "./random.js";

/** What a caller works with. */
export interface CallerParts {
  /** Unique in the test. */
  readonly name: string;
  readonly handle: ActorHandle<typeof ledger>;
  readonly model: LedgerModel;
  readonly random: Random;
  readonly stop: AbortSignal;
  /** Open while the server serves. */
  readonly gate: Gate;
}

/** Where a caller's calls go: both kinds have the same actions. */
type Surface = Pick<ActorHandle<typeof ledger>, "increment" | "append">;

/** One call after the other over HTTP. When the server is gone, waits until it is back. */
export async function callOverHttp(parts: CallerParts): Promise<void> {
  const { stop, gate, handle } = parts;
  for (let n = 0; !stop.aborted; n++) {
    await gate.opened;
    await call(parts, handle, n);
  }
}

/** Calls that may be in flight at once on a connection. */
const DEPTH = 4;

/**
 * Several calls at once over a connection, subscribed to the events. The connection comes back by itself after a
 * kill; when it was without a server `patience` times, the caller drops it and opens another one, as a page that
 * is reloaded does.
 */
export async function callOverConnection(parts: CallerParts, patience: number): Promise<void> {
  const { name, stop, gate, handle, model } = parts;
  const inFlight = new Set<Promise<void>>();
  let n = 0;
  while (!stop.aborted) {
    await gate.opened;
    const connection: ActorConn<typeof ledger> = handle.connect();
    connection.on("appended", (entry) => model.event(name, entry));
    const renewal = disconnections(connection, patience);
    for (; !stop.aborted && !renewal.isDue; n++) {
      const done: Promise<void> = call(parts, connection, n).finally(() => inFlight.delete(done));
      inFlight.add(done);
      if (inFlight.size >= DEPTH) await Promise.race([...inFlight, renewal.due]);
    }
    // What is still on its way at the end of the test gets its answer; what was cut off does not wait for one.
    if (!renewal.isDue) await Promise.all(inFlight);
    await connection.dispose();
    await Promise.all(inFlight);
  }
}

/** Says when a connection has been without a server `times` times. */
function disconnections(connection: ActorConn<typeof ledger>, times: number) {
  const renewal = { isDue: false, due: Promise.resolve() };
  renewal.due = new Promise((resolve) => {
    let count = 0;
    connection.onStatusChange((status) => {
      if (status !== "disconnected") return;
      count += 1;
      if (count < times) return;
      renewal.isDue = true;
      resolve();
    });
  });
  return renewal;
}

async function call({ name, model, random }: CallerParts, surface: Surface, n: number): Promise<void> {
  if (random.oneIn(2)) {
    const settle = model.increment(name);
    settle(await outcomeOf(surface.increment()));
  } else {
    const entry = `${name}:${n}`;
    const settle = model.append(name, entry);
    settle(await outcomeOf(surface.append(entry)));
  }
}
