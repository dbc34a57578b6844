import assert from "node:assert/strict";
import { eventually } from "./eventually.js";
import type { ServerProcess } from "./server.js";

/** The log level at which a server says when its actors start and sleep. */
export const TELLS_SLEEPS = { GREENROOM_LOG_LEVEL: "debug" } as const;

/**
 * Waits until the actor is asleep, with everything of it stored: however long that takes, and without calling it. The
 * server has to be started with {@link TELLS_SLEEPS}, and what woke the actor last has to be answered.
 */
export async function asleep(server: ServerProcess, actor: { resolve(): Promise<string> }): Promise<void> {
  const id = await actor.resolve();
  // What the server said before its last answer has arrived with the next turn of the event loop.
  await new Promise((turn) => setImmediate(turn));
  await eventually(() => {
    const said = server.stderr.split("\n").filter((line) => line.includes(id));
    const last = said.findLast((line) => /actor (starts|sleeps)/.test(line));
    assert.match(last ?? "nothing is said of the actor", /actor sleeps/);
  });
}
